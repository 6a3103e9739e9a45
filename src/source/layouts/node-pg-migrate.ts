/**
 * The SQL files of node-pg-migrate. Every file of the folder except dot files is a migration, and begins with digits. 17
 * digits are a time in UTC with milliseconds; any other count is a plain number (13: epoch milliseconds). Files with
 * equal numbers are sorted by name.
 *
 * `-- Up Migration` and `-- Down Migration` divide a file. Without the first one, the tool runs the whole file as the
 * way up, including the part after the second one. If that part does something, `strayMark` refuses the file.
 */
import { extname } from "node:path";
import type { Problem } from "../../errors.ts";
import { SourceError } from "../../errors.ts";
import { readFolder } from "../folder.ts";
import { firstStatement } from "../header.ts";
import { placeAt } from "../place.ts";
import type { Section } from "../plain/sections.ts";
import { badForm, layoutRefused } from "../problems.ts";
import type { Entry, FileText, Layout, Reading } from "./layout.ts";

export const nodePgMigrate: Layout = {
  name: "node-pg-migrate",
  discover(folder) {
    const names = readFolder(folder)
      .filter((entry) => (entry.isFile() || entry.isSymbolicLink()) && !entry.name.startsWith("."))
      .map(({ name }) => name);
    const numbered = names.filter((name) => /^\d/.test(name)).sort(byNumberThenName);
    if (!numbered.some((name) => SQL.test(name) || MODULE.test(name)))
      throw new SourceError([nothingIn(folder)]);
    return {
      entries: numbered.map(entryOf),
      problems: names.filter((name) => !/^\d/.test(name)).map(unnumbered),
    };
  },
};

const SQL = /\.sql$/i;
const MODULE = /\.[cm]?[jt]s$/i;

function entryOf(file: string): Entry {
  const id = file.slice(0, file.length - extname(file).length);
  const problem = SQL.test(file) ? undefined : notSql(file);
  return { id, file, problem, read: (text) => readMigration(text, id) };
}

function byNumberThenName(left: string, right: string): number {
  return numberOf(left) - numberOf(right) || NAMES.compare(left, right);
}

/** Always English: the tool uses the machine's language, which the history does not record. */
const NAMES = new Intl.Collator("en", {
  usage: "sort",
  numeric: true,
  sensitivity: "variant",
  ignorePunctuation: true,
});

/** A double, as in the tool. Large numbers with a small difference are therefore equal, and go by name. */
function numberOf(name: string): number {
  const digits = /^\d+/.exec(name)?.[0] ?? "";
  if (digits.length !== 17) return Number(digits);
  const [year, month, day, hour, minute, second, ms] = [4, 6, 8, 10, 12, 14, 17].map((end, at, ends) =>
    digits.slice(ends[at - 1] ?? 0, end),
  );
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}.${ms}Z`);
}

function readMigration({ text, file }: FileText, name: string): Reading {
  const [up, down] = [marker(text, "up"), marker(text, "down")];
  const way = down < 0 ? null : sectionOf(text, down, up > down ? up : undefined);
  return {
    up: up < 0 ? sectionOf(text, 0) : sectionOf(text, up, down > up ? down : undefined),
    down: way !== null && firstStatement(way.text) < way.text.length ? way : null,
    tool: { version: name, checksums: [], columns: { name } },
    problems: lostStatement(text, { file, until: up < 0 ? -1 : down < 0 ? up : Math.min(up, down) }),
  };
}

/**
 * Statements before both sections never run: the tool drops them without a message. It takes a comment there for a
 * section.
 */
function lostStatement(text: string, { file, until }: { file: string; until: number }): readonly Problem[] {
  const first = firstStatement(text);
  if (first >= until) return [];
  const line = text.slice(until).trimStart().split("\n", 1)[0]?.trim() ?? "";
  return [
    badForm(file, {
      says: `has a statement in front of \`${line.slice(0, 120)}\`, which would never run`,
      hint: "Write the line `-- Up Migration` above the statement, and reword the other line if it is a comment.",
      place: placeAt(file, text, first),
    }),
  ];
}

/** The offset of the marker, or -1. Blank lines before it belong to it. */
function marker(text: string, direction: "up" | "down"): number {
  return text.search(new RegExp(String.raw`^\s*--[\s-]*${direction}\s+migration`, "im"));
}

function sectionOf(text: string, from: number, until?: number): Section {
  return {
    text: text.slice(from, until),
    line: text.slice(0, from).split("\n").length,
    transaction: undefined,
  };
}

function notSql(file: string): Problem {
  return layoutRefused("node-pg-migrate", {
    folder: file,
    why: MODULE.test(file)
      ? "it is a module for `pgm`, and only SQL files are run"
      : "it is no SQL file, and the tool would load it as a module",
    hint: MODULE.test(file)
      ? "Let node-pg-migrate run it and take that over with `godwit adopt`; write the next ones in SQL (--migration-file-language sql)."
      : "Move it out of the folder.",
  });
}

function unnumbered(name: string): Problem {
  return {
    code: "SOURCE_FILE_NAME",
    message: `${name} does not begin with a number, so node-pg-migrate would refuse the folder.`,
    hint: "Rename it as `node-pg-migrate create` does, or move it out of the folder.",
    place: { file: name },
  };
}

function nothingIn(folder: string): Problem {
  return layoutRefused("node-pg-migrate", {
    folder,
    why: "there is no file in it that begins with a number and ends in .sql",
    hint: "Name the folder that the tool has as --migrations-dir, with --dir.",
  });
}
