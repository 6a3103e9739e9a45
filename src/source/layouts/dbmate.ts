/**
 * dbmate: `<digits>….sql` in the order of file names, each with `-- migrate:up` followed by `-- migrate:down`.
 * `transaction:false` after a mark applies to its section. The tool ignores other words there.
 */
import { type Problem, SourceError } from "../../errors.ts";
import { readFolder } from "../folder.ts";
import { doesNothing } from "../header.ts";
import { placeAt } from "../place.ts";
import type { Section } from "../plain/sections.ts";
import { badForm, layoutRefused } from "../problems.ts";
import type { FileText, Layout, Reading } from "./layout.ts";
import { byBytes, refuseShared } from "./versions.ts";

export const dbmate: Layout = {
  name: "dbmate",
  discover(folder) {
    const entries = readFolder(folder)
      .filter((entry) => !entry.isDirectory())
      .map((entry) => entry.name)
      .sort(byBytes)
      .flatMap((file) => {
        const version = /^(\d+).*\.sql$/.exec(file)?.[1];
        if (version === undefined) return [];
        return [{ id: file.slice(0, -4), file, version, read: (text: FileText) => reading(text, version) }];
      });
    if (entries.length === 0)
      throw new SourceError([
        layoutRefused("dbmate", {
          folder,
          why: "there is no file named <digits>_<name>.sql in it",
          hint: "Name the folder with --dir (the tool's own default is db/migrations); or create one with `dbmate new`.",
        }),
      ]);
    return { entries: refuseShared(entries), problems: [] };
  },
};

const MARK = /^--\s*migrate:(up|down)(?:[ \t]*$|[ \t]+(\S.*))/gm;

interface Mark {
  readonly direction: string;
  readonly start: number;
  readonly end: number;
  readonly transaction: boolean | undefined;
}

function reading({ text, file }: FileText, version: string): Reading {
  const marks = [...text.matchAll(MARK)].map(
    (match): Mark => ({
      direction: match[1] ?? "",
      start: match.index,
      end: Math.min(match.index + match[0].length + 1, text.length),
      transaction: (match[2] ?? "").split(/\s+/).includes("transaction:false") ? false : undefined,
    }),
  );
  const [up, down, surplus] = marks;
  const tool = { version, checksums: [] };
  const problem = wrong();
  if (problem !== null || up === undefined || down === undefined)
    return {
      up: { text: "", line: 1, transaction: undefined },
      tool,
      problems: problem === null ? [] : [problem],
    };
  const back = cut(text, down, undefined);
  return {
    up: cut(text, up, down.start),
    // A down section that does nothing is the usual way to say that there is no way back.
    down: doesNothing(back.text) ? null : back,
    tool,
  };

  function wrong(): Problem | null {
    const at = (mark: Mark) => placeAt(file, text, mark.start);
    const order = "Write -- migrate:up and its statements, then -- migrate:down and its own.";
    if (up === undefined && doesNothing(text)) return null;
    if (up === undefined)
      return badForm(file, {
        says: "has no line `-- migrate:up`",
        hint: "dbmate needs it in every file; write it in front of the first statement.",
      });
    if (up.direction === "down")
      return badForm(file, {
        says: "has `-- migrate:down` in front of `-- migrate:up`",
        hint: order,
        place: at(up),
      });
    // To the tool, a block comment is a statement too.
    const first = text.search(/^[ \t]*(?!--)[^\s]/m);
    if (first < up.start && first !== -1)
      return badForm(file, {
        says: "has a statement in front of `-- migrate:up`",
        hint: "Move it below the mark.",
        place: placeAt(file, text, first),
      });
    if (down === undefined)
      return badForm(file, {
        says: "has no line `-- migrate:down`",
        hint: "dbmate needs it in every file; nothing has to stand below it.",
      });
    const twice = down.direction === "up" ? down : surplus;
    return twice === undefined
      ? null
      : badForm(file, {
          says: `has \`-- migrate:${twice.direction}\` a second time`,
          hint: order,
          place: at(twice),
        });
  }
}

function cut(text: string, { end, transaction }: Mark, until: number | undefined): Section {
  return { text: text.slice(end, until), line: text.slice(0, end).split("\n").length, transaction };
}
