/**
 * goose: `<integer>_<name>.sql` by the integer, with annotations: lines that begin with `--` and contain `+goose`.
 *
 *   start → Up → Down, each once; between StatementBegin and StatementEnd everything is one statement; elsewhere
 *   a statement ends with a line whose last word, comments aside, ends in `;`.
 *
 * The text stays as the file holds it, so that positions stay the same. Only a StatementEnd becomes a semicolon of the
 * same width, and after `ENVSUB ON` environment variables are replaced.
 */

import { compareNumbers } from "../../core/order.ts";
import { withoutZeros } from "../../core/version.ts";
import { type ErrorCode, type Problem, SourceError } from "../../errors.ts";
import { nearest } from "../../std/nearest.ts";
import { readFolder } from "../folder.ts";
import { doesNothing } from "../header.ts";
import { placeOf } from "../place.ts";
import { layoutRefused } from "../problems.ts";
import type { Entry, FileText, Layout, LayoutOptions, Reading } from "./layout.ts";
import { refuseShared, type Versioned } from "./versions.ts";

export const goose: Layout = {
  name: "goose",
  discover(folder, options) {
    const names = readFolder(folder)
      .filter((entry) => !entry.isDirectory() && /\.(?:sql|go)$/.test(entry.name))
      .filter((entry) => !entry.name.endsWith("_test.go"))
      .map((entry) => entry.name);
    const sql = names.filter((name) => name.endsWith(".sql"));
    const entries = names
      .flatMap((name) => entryOf(name, options) ?? [])
      .sort((left, right) => compareNumbers(left.version, right.version));
    const problems = sql.filter((name) => versionOf(name) === null).map(noVersion);
    if (entries.length === 0 && problems.length === 0)
      throw new SourceError([
        layoutRefused("goose", {
          folder,
          why: "there is no file named <integer>_<name>.sql in it",
          hint: "Name the folder with --dir; or create a file with `goose create <name> sql`.",
        }),
      ]);
    return { entries: refuseShared(entries), problems };
  },
};

const GREATEST = "9223372036854775807";

function versionOf(name: string): string | null {
  const digits = /^(\d+)_/.exec(name)?.[1];
  const version = withoutZeros(digits ?? "0");
  return version === "0" || compareNumbers(version, GREATEST) > 0 ? null : version;
}

function entryOf(file: string, options: LayoutOptions): (Versioned & Entry) | null {
  const version = versionOf(file);
  if (version === null) return null;
  return {
    id: file.replace(/\.(?:sql|go)$/, ""),
    file,
    version,
    problem: file.endsWith(".go") ? inGo(file) : undefined,
    read: (text) => ({
      ...parse(text, options.environment),
      tool: { version, checksums: [] },
    }),
  };
}

const ANNOTATIONS = [
  "up",
  "down",
  "statementbegin",
  "statementend",
  "no transaction",
  "envsub on",
  "envsub off",
];

interface State {
  section: "start" | "up" | "down";
  /** The line of the open StatementBegin, or of the statement that has no semicolon yet. */
  open: { readonly line: number; readonly fenced: boolean } | null;
  substitutes: boolean;
  transaction: false | undefined;
}

/** Never throws: faults go into `problems`. They say what the tool expects. */
function parse({ text, file }: FileText, environment: LayoutOptions["environment"]): Reading {
  const state: State = { section: "start", open: null, substitutes: false, transaction: undefined };
  const problems: Problem[] = [];
  const lines = text.split("\n");
  const starts: { up?: number; down?: number } = {};
  if (doesNothing(text) && lines.every((line) => annotationOf(line) === null)) return { up: sectionFrom(0) };
  const wrong = (line: number, says: string, hint: string, code: ErrorCode = "SOURCE_PARSE") =>
    problems.push({
      code,
      message: `${file} ${says}.`,
      hint,
      place: placeOf(file, text, { line, column: 1 }),
    });

  for (const [index, original] of lines.entries()) {
    const line = index + 1;
    const annotation = annotationOf(original);
    if (annotation !== null) {
      annotated(annotation, line);
      if (annotation === "statementend") lines[index] = ";".padEnd(original.length);
      continue;
    }
    if (state.open === null && /^\s*(?:--|$)/.test(original)) continue;
    if (state.section === "start") {
      wrong(line, "has a statement in front of `-- +goose Up`", "Move it below the annotation.");
      break;
    }
    if (state.substitutes) lines[index] = substitute(original, line);
    state.open ??= { line, fenced: false };
    if (!state.open.fenced && endsStatement(original)) state.open = null;
  }
  if (starts.up === undefined && problems.length === 0)
    wrong(1, "has no line `-- +goose Up`", "goose needs it in every file, in front of the first statement.");
  unfinished();
  const { up = 0, down } = starts;
  return {
    up: { text: lines.slice(up, down).join("\n"), line: up + 1, transaction: undefined },
    down: down === undefined || isIdle(lines.slice(down)) ? null : sectionFrom(down),
    settings: { transaction: state.transaction },
    problems,
  };

  function sectionFrom(start: number) {
    return { text: lines.slice(start).join("\n"), line: start + 1, transaction: undefined };
  }

  function annotated(annotation: string, line: number): void {
    const fenced = state.open?.fenced === true;
    if (annotation === "no transaction") state.transaction = false;
    else if (annotation === "envsub on") state.substitutes = true;
    else if (annotation === "envsub off") state.substitutes = false;
    else if (annotation === "up") {
      if (state.section !== "start") wrong(line, "has `-- +goose Up` a second time", "Keep one of them.");
      else starts.up = line;
      state.section = "up";
    } else if (annotation === "down") {
      if (state.section !== "up")
        wrong(line, "has `-- +goose Down` where no Up is in front of it", "Keep one of each, Up first.");
      else {
        unfinished();
        starts.down = line - 1;
      }
      state.section = "down";
    } else if (annotation === "statementbegin") {
      if (state.section === "start" || fenced)
        wrong(line, "has a StatementBegin that cannot begin here", "End the one before, below Up or Down.");
      state.open = { line, fenced: true };
    } else if (annotation === "statementend") {
      if (!fenced) wrong(line, "has a StatementEnd without a StatementBegin", "Add it, or remove this one.");
      state.open = null;
    } else {
      const meant = nearest(annotation, ANNOTATIONS);
      const known = "Known: Up, Down, StatementBegin, StatementEnd, NO TRANSACTION, ENVSUB ON, ENVSUB OFF.";
      const hint = meant === undefined ? known : `Did you mean \`+goose ${meant}\`? ${known}`;
      wrong(
        line,
        `has the annotation \`+goose ${annotation}\`, which is not known`,
        hint,
        "SOURCE_DIRECTIVE_UNKNOWN",
      );
    }
  }

  function unfinished(): void {
    if (state.open?.fenced === true)
      wrong(state.open.line, "has a StatementBegin without a StatementEnd", "Add it below the statement.");
    else if (state.open !== null)
      wrong(
        state.open.line,
        "has a statement that does not end",
        "End it with a semicolon at the end of a line, or put it between StatementBegin and StatementEnd.",
      );
    state.open = null;
  }

  function substitute(original: string, line: number): string {
    return original.replace(VARIABLE, (_, braced?: string, fallback?: string, bare?: string) => {
      const name = braced ?? bare ?? "";
      const value = environment[name];
      // `:-` also replaces an empty value.
      if (fallback !== undefined && !value) return fallback;
      if (value === undefined)
        wrong(line, `names the variable ${name}, which is not set`, `Set ${name}.`, "SOURCE_PLACEHOLDER");
      return value ?? "";
    });
  }
}

/** `${NAME}`, `${NAME:-otherwise}`, `$NAME`. A dollar-quoted body (`$$`, `$1`) is not a variable. */
const VARIABLE = /\$(?:\{([A-Za-z_]\w*)(?::?-([^}]*))?\}|([A-Za-z_]\w*)(?![\w$]))/g;

/** The words of the annotation, in lower case with single spaces. `null` for any other line. */
function annotationOf(line: string): string | null {
  if (!/^--.*\+goose/i.test(line)) return null;
  return line
    .slice(line.toLowerCase().indexOf("+goose") + "+goose".length)
    .trim()
    .toLowerCase()
    .replace(/\s+/g, " ");
}

function endsStatement(line: string): boolean {
  const words = line.trim().split(/\s+/);
  const comment = words.findIndex((word) => word.startsWith("--"));
  const last = comment === -1 ? words.at(-1) : words[comment - 1];
  return last?.endsWith(";") === true;
}

function isIdle(lines: readonly string[]): boolean {
  return lines.every((line) => /^\s*(?:--|$)/.test(line));
}

function noVersion(file: string): Problem {
  return {
    code: "SOURCE_FILE_NAME",
    message: `${file} does not begin with an integer of at least 1 and \`_\`.`,
    hint: "Rename it, or move it out of the folder: goose refuses it too.",
    place: { file },
  };
}

function inGo(file: string): Problem {
  return {
    code: "LAYOUT_REFUSED",
    message: `${file} is written in Go, which only a program built with it can run.`,
    hint: "Run it with goose itself and mark it as applied here, or write it as SQL.",
    place: { file },
    details: { layout: "goose" },
  };
}
