/** `-- godwit:` lines at the top of another tool's file. That tool reads a comment. */
import type { MigrationSettings } from "../../core/migration.ts";
import type { Problem } from "../../errors.ts";
import { placeAt } from "../place.ts";
import { parseDirectives } from "../plain/directives.ts";

export interface OwnHeader {
  readonly settings: MigrationSettings;
  readonly problems: readonly Problem[];
}

const LINE = /^[ \t]*--[ \t]*godwit[ \t]*:/im;
const TRANSACTION = /^[ \t]*--[ \t]*godwit[ \t]*:[^\n]*\btransaction=/im;

/** What holds for one run of the file is honoured. Order and phase are the tool's, and it knows no backfill. */
export function readOwnHeader(text: string, { file, layout }: { file: string; layout: string }): OwnHeader {
  const found = LINE.exec(text);
  if (found === null) return { settings: {}, problems: [] };
  const { settings, problems, ...others } = parseDirectives(text, file);
  // A marker of the tool itself is read by its layout.
  const { transaction, ...rest } = settings;
  const unheard = [
    ...(others.backfill === null ? [] : ["backfill"]),
    ...(others.phase === undefined ? [] : ["phase"]),
    ...(others.depends.length === 0 ? [] : ["depends"]),
    ...(others.requires.length === 0 ? [] : ["requires"]),
    ...(others.revises === null ? [] : ["revises"]),
  ];
  const refusals = unheard.map(
    (word): Problem => ({
      code: "SOURCE_DIRECTIVE_INVALID",
      message: `${file} says \`${word}\`, which has no effect in a folder of ${layout}: its files run in the order of that tool.`,
      hint: "Remove that word, or put the migration into a folder of Godwit's own.",
      place: placeAt(file, text, found.index),
    }),
  );
  return {
    settings: { ...rest, ...(TRANSACTION.test(text) ? { transaction } : {}) },
    problems: [...problems, ...refusals],
  };
}
