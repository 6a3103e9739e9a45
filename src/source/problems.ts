/** What can be wrong with a folder of migrations, in words; pure. */
import type { Direction, Migration } from "../core/migration.ts";
import type { Place, Problem } from "../errors.ts";
import { nameProblem, readName } from "./names.ts";
import { placeOf } from "./place.ts";

export function repeatableProblem(name: string): Problem | null {
  const role = readName(name)?.role;
  const file = `repeatable/${name}`;
  const problem = nameProblem(name);
  if (problem !== null) return { ...problem, place: { file } };
  if (role === undefined || role === "sql") return null;
  return {
    code: "SOURCE_FILE_NAME",
    message: `${file} cannot be repeated: only plain .sql files can.`,
    hint: "Move it out of repeatable/, or rename it to .sql.",
    place: { file },
  };
}

/** The first one in full; the others ride along, so that one look shows all. */
export function withOthers([first, ...others]: readonly Problem[]): Problem {
  if (first === undefined) throw new Error("a broken file has at least one problem");
  return others.length === 0 ? first : { ...first, details: { ...first.details, others } };
}

/** Its tool applies it, and so do we. */
export function emptyFile(file: string): Problem {
  return {
    code: "SOURCE_FILE_EMPTY",
    message: `${file} does nothing: it is empty or has only comments. It counts as applied all the same.`,
    hint: "If something is missing, write it before the file is applied, and in a new migration afterwards.",
    place: { file },
  };
}

export function changedFile(file: string): Problem {
  return {
    code: "SOURCE_FILE_CHANGED",
    message: `${file} was changed while the run was going on.`,
    hint: "Run again. The next plan is made from the file as it is now.",
    place: { file },
  };
}

export function noWayBack(file: string): Problem {
  return {
    code: "SOURCE_FILE_CHANGED",
    message: `${file} has no way back, or lost it while the run was going on.`,
    hint: "Write a down file, a `-- migrate:down` section or a function `down`.",
    place: { file },
  };
}

export function emptyFolder(folder: string, subFolders: readonly string[]): Problem {
  const names = subFolders.slice(0, 3).map((name) => `${name}/`);
  return {
    code: "SOURCE_FOLDER_EMPTY",
    message: `The migrations folder ${folder} holds no migrations.`,
    hint:
      names.length === 0
        ? "Write the first one with `godwit new <name>`."
        : `It has sub-folders (${names.join(", ")}), which plain does not read; another tool's folder needs --layout.`,
    place: { file: folder },
  };
}

export function misplacedInDown(file: string): Problem {
  return {
    code: "SOURCE_DIRECTIVE_INVALID",
    message: `${file} declares something that belongs to the way up.`,
    hint: "Move depends, requires, revises, phase, out-of-order, minimum-revision and expect to the up file.",
    place: { file, line: 1 },
  };
}

export function unreadableFolder(
  folder: string,
  { code, message }: { code?: string | undefined; message: string },
): Problem {
  if (code === "ENOENT")
    return {
      code: "SOURCE_FOLDER_MISSING",
      message: `The migrations folder ${folder} does not exist.`,
      hint: "Name it with --dir, or create it with `godwit init`.",
      place: { file: folder },
    };
  const reason = code === "ENOTDIR" ? "it is a file" : code === "EACCES" ? "permission is denied" : message;
  return {
    code: "SOURCE_FOLDER_UNREADABLE",
    message: `The migrations folder ${folder} cannot be read: ${reason}.`,
    hint: "Check --dir and the permissions.",
    place: { file: folder },
  };
}

/** A folder that the layout asked for does not fit, or of a version that is not run. */
export function layoutRefused(
  layout: string,
  { folder, why, hint }: { folder: string; why: string; hint: string },
): Problem {
  return {
    code: "LAYOUT_REFUSED",
    message: `${folder} cannot be run as a folder of ${layout}: ${why}.`,
    hint,
    place: { file: folder },
    details: { layout },
  };
}

/** Two migrations that another tool's history could not tell apart. */
export function duplicateVersion(version: string, files: readonly [string, string, ...string[]]): Problem {
  return {
    code: "SOURCE_DUPLICATE_ID",
    message: `The version ${version} is used by ${files.join(" and ")}.`,
    hint: "Rename all but one: that number is what a migration is known by in the tool's own history.",
    place: { file: files[0] },
    details: { version, files },
  };
}

/** A file that is there for another tool, and of which something is missing or too much. */
export function badForm(
  file: string,
  { says, hint, place }: { says: string; hint: string; place?: Place | undefined },
): Problem {
  return { code: "SOURCE_PARSE", message: `${file} ${says}.`, hint, place: place ?? { file } };
}

/** What stands in the way of this direction: a marker in the way up says nothing about a way back of its own. */
export function problemOf({ problem }: Migration, direction: Direction): Problem | undefined {
  const { runs, others } = problem?.details ?? {};
  const isOfWayUp = problem?.code === "SOURCE_MARKER" && runs === "up" && others === undefined;
  return direction === "down" && isOfWayUp ? undefined : problem;
}

/** A line that looks like the start of a section and starts none. `direction`: what it seems to say. */
export function falseMarker(
  line: string,
  {
    direction,
    runs,
    place,
    layout = "plain",
    cut = false,
  }: {
    direction: Direction | null;
    runs: Direction;
    place: Place;
    layout?: string;
    /** The file has sections that count: declared to have none, it would run both. */
    cut?: boolean;
  },
): Problem {
  const shown = line.replace(/\s+/g, " ").slice(0, 120);
  const ways = { up: "way up", down: "way back" };
  const follows =
    direction === null || direction === runs
      ? ""
      : `: its ${ways[direction]} would run with its ${ways[runs]}`;
  return {
    code: "SOURCE_MARKER",
    message: `${place.file} has \`${shown}\`, which looks like a section marker and is none${follows}.`,
    hint: `${writeInstead(layout)} ${ifComment(cut || (layout !== "plain" && layout in SECTION_MARKERS))}`,
    place,
    details: { line: shown, runs, ...(cut ? { sections: true } : {}) },
  };
}

/** A file with a down section beside a down file: only one of them can be the way back. */
export function twoWaysBack(
  file: string,
  { text, down, line }: { text: string; down: string; line: number },
): Problem {
  const marker = text.split("\n", line)[line - 1]?.trim() ?? "";
  return {
    code: "SOURCE_DUPLICATE_ID",
    message: `${file} has the section \`${marker}\`, and its way back is ${down} as well.`,
    hint: `Remove the section from ${file}, or delete ${down}.`,
    place: placeOf(file, text, { line, column: 1 }),
    details: { files: [file, down] },
  };
}

function ifComment(cut: boolean): string {
  return cut
    ? "If it is a comment, reword it."
    : "If it is a comment, reword it, or put the line `-- godwit: sections=none` at the top of the file.";
}

function writeInstead(layout: string): string {
  const pair = SECTION_MARKERS[layout];
  return pair === undefined
    ? "Files of this layout have no sections: take out the line and what belongs to the other direction."
    : `Write \`${pair[0]}\` and \`${pair[1]}\`, each on a line of its own.`;
}

/** By the layouts whose files have sections. */
const SECTION_MARKERS: Readonly<Record<string, readonly [up: string, down: string]>> = {
  plain: ["-- migrate:up", "-- migrate:down"],
  dbmate: ["-- migrate:up", "-- migrate:down"],
  goose: ["-- +goose Up", "-- +goose Down"],
  "node-pg-migrate": ["-- Up Migration", "-- Down Migration"],
};
