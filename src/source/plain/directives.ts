/**
 * Directives: lines `-- godwit: key=value key=value` among the comments before the first statement. Several lines are
 * allowed, and commas separate the items of a list. A directive anywhere else is an error, because otherwise it would
 * have no effect and you would not notice.
 */
import { type Backfill, contradicts, fitting } from "../../core/backfill.ts";
import { type MigrationSettings, PHASES, type Phase } from "../../core/migration.ts";
import type { Problem } from "../../errors.ts";
import { detach } from "../../std/detach.ts";
import { parseDurationMs } from "../../std/duration.ts";
import { firstStatement } from "../header.ts";
import { placeAt } from "../place.ts";
import {
  BACKFILL_KEYS,
  type BackfillDraft,
  backfillFaults,
  keepLine,
  NEW_BACKFILL,
} from "./backfill-directives.ts";
import { readExpectLine } from "./expectations.ts";
import { FOREIGN_NO_TRANSACTION } from "./foreign-markers.ts";
import { unknownDirective } from "./unknown-directive.ts";

export interface Directives {
  /** `null`: it is an ordinary migration. */
  readonly backfill: Backfill | null;
  readonly depends: readonly string[];
  /** Backfills that must be finished. They are not in `depends`. */
  readonly requires: readonly string[];
  readonly revises: readonly string[] | null;
  readonly phase: Phase | undefined;
  readonly settings: MigrationSettings;
  readonly problems: readonly Problem[];
}

interface Draft {
  /** `null`: the word `backfill` is not there. */
  backfill: BackfillDraft | null;
  readonly depends: string[];
  readonly requires: string[];
  revises: readonly string[] | null;
  phase: Phase | undefined;
  readonly settings: { -readonly [Key in keyof MigrationSettings]: MigrationSettings[Key] };
  readonly problems: Problem[];
}

/**
 * What a value must look like, for the message, and the function that reads it. The function returns `false` for any
 * other value.
 */
interface Key {
  readonly expects: string;
  keep(draft: Draft, value: string): boolean;
}

/** Reads the header of a canonical text. Never throws: faults go into `problems`. */
export function parseDirectives(text: string, file: string): Directives {
  const draft: Draft = {
    backfill: null,
    depends: [],
    requires: [],
    revises: null,
    phase: undefined,
    settings: {},
    problems: [],
  };
  const end = firstStatement(text);
  const header = text.slice(0, end);
  if (FOREIGN_NO_TRANSACTION.some((marker) => marker.test(header))) draft.settings.transaction = false;
  const seen = new Map<string, string>();
  for (const line of header.matchAll(/^[ \t]*--[ \t]*godwit[ \t]*(:?)(.*)$/gim)) {
    const start = line.index + line[0].length - (line[2] ?? "").length;
    if (line[1] === "" && !/[\w-]=/.test(line[2] ?? "")) continue; // prose that mentions the name
    if (line[1] === ":" && isWaiver(line[2] ?? "")) continue;
    if (line[1] === "")
      invalid(
        draft,
        placeAt(file, text, start),
        "a directive starts with `-- godwit:`; the colon is missing",
      );
    else readLine(draft, seen, { text, file, start, words: line[2] ?? "" });
  }
  const backfill = draft.backfill === null ? null : backfillOf(draft, seen, file);
  const late = /--[ \t]*godwit[ \t]*:/gi;
  late.lastIndex = end;
  for (let match = late.exec(text); match !== null; match = late.exec(text)) {
    if (isWaiver(text.slice(late.lastIndex, late.lastIndex + LONGEST_BEGINNING))) continue;
    invalid(
      draft,
      placeAt(file, text, match.index),
      "it stands after the first statement, where it does not count",
      {
        hint: isSectionWord(wordsAt(text, late.lastIndex))
          ? SECTIONS_HINT
          : "Move the line above the first statement.",
      },
    );
  }
  return { ...draft, backfill };
}

const SECTIONS_HINT =
  "A section begins with `-- migrate:up` or `-- migrate:down`; the way back can also be a .down.sql file beside it.";

/** A word that looks like the beginning of a section. */
function isSectionWord(words: string): boolean {
  return /^[ \t]*(up|down|upgrade|downgrade|rollback|revert|undo)[ \t]*$/i.test(words);
}

/** The rest of the line. */
function wordsAt(text: string, start: number): string {
  const end = text.slice(start).search(/\r|\n|$/);
  return text.slice(start, start + end);
}

const LONGEST_BEGINNING = 40;

/** `godwit lint` reads it, wherever it stands. A run does not. */
function isWaiver(words: string): boolean {
  return /^[ \t]*lint-ignore=/.test(words);
}

function backfillOf(draft: Draft, seen: ReadonlyMap<string, string>, file: string): Backfill | null {
  const { table, key = null, where = null, windows, parallel, options } = draft.backfill ?? NEW_BACKFILL;
  for (const [name, why] of backfillFaults(options, (header) => seen.has(header)))
    invalid(draft, { file }, `\`${name}\` ${why}`);
  const setting = contradicts(draft.settings);
  if (setting !== null)
    invalid(draft, { file }, `\`${setting}\` means nothing for a backfill: each window is a transaction`);
  if (seen.has("min-rows") && windows.minRows > (windows.maxRows ?? windows.minRows))
    invalid(draft, { file }, "`min-rows` is more than `max-rows`");
  if (table !== undefined)
    return { table, key, where, windows: fitting(windows), parallel, options, statement: null };
  invalid(draft, { file }, "a backfill names its table", {
    hint: "-- godwit: backfill table=products key=id",
  });
  return null;
}

const KEYS: Readonly<Record<string, Key>> = {
  depends: list("depends", "the ids of migrations, separated by commas"),
  requires: list("requires", "the ids of backfills, separated by commas"),
  revises: {
    expects: "the ids of its parents, separated by commas, or `none`",
    keep: (draft, value) => {
      const ids = value === "none" ? [] : listOf(value);
      if (ids !== null) draft.revises = [...new Set([...(draft.revises ?? []), ...ids])];
      return ids !== null;
    },
  },
  phase: {
    expects: PHASES.join(", "),
    keep: (draft, value) => {
      draft.phase = PHASES.find((phase) => phase === value);
      return draft.phase !== undefined;
    },
  },
  transaction: oneOf({ on: true, off: false }, "transaction"),
  "lock-timeout": duration("lockTimeoutMs"),
  "statement-timeout": duration("statementTimeoutMs"),
  "row-security": oneOf({ on: true, off: false }, "rowSecurity"),
  "out-of-order": oneOf({ allow: true }, "outOfOrder"),
  // `declaresNoSections` reads this one, in every layout.
  sections: { expects: "none", keep: (_, value) => value === "none" },
  "minimum-revision": {
    expects: "the id of a migration",
    keep: (draft, value) => {
      draft.settings.minimumRevision = value;
      return !value.includes(",");
    },
  },
};
const LISTS = ["depends", "requires", "revises"];

const LINES = ["where", "probe", "expect"];
const KNOWN = [...Object.keys(KEYS), "backfill", ...Object.keys(BACKFILL_KEYS), ...LINES];

function readLine(
  draft: Draft,
  seen: Map<string, string>,
  line: { text: string; file: string; start: number; words: string },
): void {
  const [, only, condition] = /^[ \t]*(where|probe)[ \t]+(\S.*?)[ \t]*$/i.exec(line.words) ?? [];
  if (only !== undefined && condition !== undefined && draft.backfill !== null) {
    keepLine(draft.backfill, only.toLowerCase(), detach(condition));
    return;
  }
  const expected = readExpectLine(line.words);
  if (expected !== null) {
    const { expectation, message, hint } = expected;
    if (expectation !== null) draft.settings.expect = [...(draft.settings.expect ?? []), expectation];
    else invalid(draft, placeAt(line.file, line.text, line.start), message, { hint });
    return;
  }
  // A quoted name may have blanks in it.
  for (const word of line.words.matchAll(/(?:"[^"]*"|\S)+/g)) {
    const place = placeAt(line.file, line.text, line.start + word.index);
    if (word[0] === "backfill" || (word[0] === only && condition !== undefined)) {
      if (word[0] === only) {
        invalid(draft, place, `\`${only}\` belongs to a backfill`, {
          hint: "Write `-- godwit: backfill table=…` above it.",
        });
        return;
      }
      draft.backfill ??= { ...NEW_BACKFILL };
      continue;
    }
    const [, name = "", value = ""] = /^([^=]*)=?(.*)$/.exec(detach(word[0])) ?? [];
    const ofBackfill = Object.hasOwn(BACKFILL_KEYS, name) ? BACKFILL_KEYS[name] : undefined;
    const own = Object.hasOwn(KEYS, name) ? KEYS[name] : undefined;
    const key = ofBackfill ?? own;
    const keeps = () =>
      draft.backfill === null
        ? own?.keep(draft, value)
        : (ofBackfill?.keep(draft.backfill, value) ?? own?.keep(draft, value));
    if (!word[0].includes("="))
      invalid(draft, place, `\`${word[0]}\` is not key=value`, {
        hint: isSectionWord(line.words)
          ? SECTIONS_HINT
          : "Write no spaces around `=` and `,`; put prose on a comment line of its own.",
      });
    else if (key === undefined) draft.problems.push(unknownDirective(name, place, KNOWN));
    else if (ofBackfill !== undefined && draft.backfill === null)
      invalid(draft, place, `\`${name}\` belongs to a backfill`, { hint: "Write `backfill` before it." });
    else if (!LISTS.includes(name) && seen.has(name) && seen.get(name) !== value)
      invalid(draft, place, `\`${name}\` was already set to \`${seen.get(name)}\``);
    else if (value === "" || keeps() !== true)
      invalid(draft, place, `\`${name}\` cannot be \`${value}\``, { hint: `Expected: ${key.expects}.` });
    seen.set(name, value);
  }
}

function invalid(
  draft: Draft,
  place: NonNullable<Problem["place"]>,
  what: string,
  more: { hint?: string } = {},
): void {
  draft.problems.push({
    code: "SOURCE_DIRECTIVE_INVALID",
    message: `${place.file} has a directive that cannot be read: ${what}.`,
    ...more,
    place,
  });
}

function listOf(value: string): string[] | null {
  const ids = value.split(",");
  return ids.includes("") || ids.includes("none") ? null : ids;
}

function list(name: "depends" | "requires", expects: string): Key {
  return {
    expects,
    keep: (draft, value) => {
      const ids = listOf(value);
      draft[name].push(...(ids ?? []).filter((id) => !draft[name].includes(id)));
      return ids !== null;
    },
  };
}

function oneOf(
  words: Readonly<Record<string, boolean>>,
  setting: "transaction" | "rowSecurity" | "outOfOrder",
): Key {
  return {
    expects: Object.keys(words).join(" or "),
    keep: (draft, value) => {
      const known = Object.hasOwn(words, value);
      if (known) draft.settings[setting] = words[value];
      return known;
    },
  };
}

function duration(setting: "lockTimeoutMs" | "statementTimeoutMs"): Key {
  return {
    expects: "a duration such as 500ms, 3s, 2min or 1h, or `none`; a plain number is seconds",
    keep: (draft, value) => {
      const milliseconds = parseDurationMs(value);
      if (milliseconds !== null) draft.settings[setting] = milliseconds;
      return milliseconds !== null;
    },
  };
}
