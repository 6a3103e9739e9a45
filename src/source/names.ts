/** What the names in a migrations folder say; pure. */
import type { Problem } from "../errors.ts";

export type FileRole = "sql" | "up" | "down" | "typescript" | "javascript";

export interface NamedFile {
  readonly name: string;
  /** Composed the same on every system: macOS may spell an accent as a character of its own. */
  readonly id: string;
  readonly role: FileRole;
}

/** `null`: not a migration, and nothing to say about it. */
export function readName(name: string): NamedFile | null {
  if (IGNORED.test(name)) return null;
  const [, stem = "", extension = ""] = /^(.+?)((?:\.up|\.down)?\.sql|\.[mc]?[jt]s)$/s.exec(name) ?? [];
  const role = ROLES[extension];
  return role === undefined ? null : { name, id: stem.normalize("NFC"), role };
}

const IGNORED = /^\.|^README|^godwit\.config\.|\.test\.|\.d\.[mc]?ts$/i;

const ROLES: Readonly<Record<string, FileRole>> = {
  ".sql": "sql",
  ".up.sql": "up",
  ".down.sql": "down",
  ".ts": "typescript",
  ".mts": "typescript",
  ".cts": "typescript",
  ".js": "javascript",
  ".mjs": "javascript",
  ".cjs": "javascript",
};

/** The digits in front of an id, without leading zeros; a separator or the end must follow them. */
export function numberOf(id: string): string | null {
  const digits = /^(\d+)(?:[_.-]|$)/.exec(id)?.[1];
  return digits === undefined ? null : digits.replace(/^0+(?=\d)/, "");
}

/** A name that would be passed over, or could not be typed, though it is meant as a migration. */
export function nameProblem(name: string): Problem | null {
  const lower = name.toLowerCase();
  const place = { file: name };
  if (readName(name) === null && lower !== name && readName(lower) !== null)
    return {
      code: "SOURCE_FILE_NAME",
      message: `${name} is not recognised, because its extension is not in lower case.`,
      hint: `Rename it: mv '${name}' '${name.replace(/(?:\.(?:up|down))?\.\w+$/i, (end) => end.toLowerCase())}'`,
      place,
    };
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  if (readName(name) !== null && /[\u0000-\u001f\u007f\ufffd]/.test(name))
    return {
      code: "SOURCE_FILE_NAME",
      message: `${JSON.stringify(name)} has a control character or invalid UTF-8 in its name.`,
      hint: "Rename it to plain letters, digits, `_` and `-`.",
      place,
    };
  return null;
}

/** The files that make up one migration. */
export interface FileGroup {
  readonly id: string;
  readonly up: NamedFile;
  readonly down: NamedFile | null;
}

export interface Grouped {
  readonly groups: readonly FileGroup[];
  /** By the id of the group that has it. */
  readonly duplicates: ReadonlyMap<string, Problem>;
  readonly orphans: readonly Problem[];
}

/** Puts files together by id, in an order that depends on the names alone. `below` is the folder to show. */
export function groupFiles(files: readonly NamedFile[], below = ""): Grouped {
  const byId = new Map<string, NamedFile[]>();
  for (const file of [...files].sort((a, b) => (a.name < b.name ? -1 : 1)))
    byId.set(file.id, [...(byId.get(file.id) ?? []), file]);
  const groups: FileGroup[] = [];
  const duplicates = new Map<string, Problem>();
  const orphans: Problem[] = [];
  for (const [id, members] of byId) {
    const ups = members.filter((member) => member.role !== "down" && !isTwin(member, members));
    const down = members.find((member) => member.role === "down") ?? null;
    const [up] = ups;
    if (up === undefined) orphans.push(downWithoutUp(`${below}${down?.name}`, id));
    else groups.push({ id, up, down });
    const moduleAndDown = up !== undefined && down !== null && /script$/.test(up.role);
    if (ups.length > 1 || moduleAndDown)
      duplicates.set(
        id,
        duplicateId(
          id,
          (moduleAndDown ? members : ups).map((member) => below + member.name),
        ),
      );
  }
  for (const { id, up } of groups) {
    const other = seemsToTakeBack(id, byId);
    if (other !== null && !duplicates.has(id)) duplicates.set(id, falseDown(`${below}${up.name}`, other, up));
  }
  return { groups, duplicates, orphans };
}

/**
 * The id of the migration beside it that a name seems to take back: `0001_x_down` beside `0001_x` or `0001_x_up`. Such a
 * file would run as a migration of its own, directly behind the one that it undoes.
 */
function seemsToTakeBack(id: string, ids: ReadonlyMap<string, unknown>): string | null {
  const [, stem = "", separator = ""] = DOWN_ENDING.exec(id) ?? [];
  if (stem === "") return null;
  const wanted = ["", "up", "do", "apply"].map((word) => (word === "" ? stem : stem + separator + word));
  const found = [...ids.keys()].find((each) =>
    wanted.some((name) => name.toLowerCase() === each.toLowerCase()),
  );
  return found ?? null;
}

const DOWN_ENDING = /^(.+)([._-])(?:down|dn|undo|revert|rollback|downgrade)$/i;

/** What the TypeScript file beside it was compiled to. */
function isTwin(file: NamedFile, members: readonly NamedFile[]): boolean {
  return (
    file.role === "javascript" &&
    members.some((member) => member.role === "typescript") &&
    members.filter((member) => member.role === "javascript").length === 1
  );
}

export function duplicateId(id: string, files: readonly string[]): Problem {
  return {
    code: "SOURCE_DUPLICATE_ID",
    message: `The id ${id} is used by ${files.join(" and ")}.`,
    hint: "Rename or delete all but one; the file name without extension is what a migration is known by.",
    place: { file: files[0] ?? id },
    details: { files },
  };
}

function falseDown(file: string, id: string, { role }: NamedFile): Problem {
  const instead =
    role === "sql" || role === "up"
      ? `rename it to ${id}.down.sql`
      : `export its function as \`down\` of ${id} and delete it`;
  return {
    code: "SOURCE_MARKER",
    message: `${file} looks like the way back of ${id} and is none: it would run as a migration of its own.`,
    hint: `If it is the way back, ${instead}. If it is a migration, give it a name that does not end like a way back.`,
    place: { file },
    details: { runs: "up" },
  };
}

function downWithoutUp(file: string, id: string): Problem {
  return {
    code: "SOURCE_DOWN_WITHOUT_UP",
    message: `${file} takes back a migration that is not there.`,
    hint: `Restore ${id}.up.sql or ${id}.sql, or delete ${file}.`,
    place: { file },
  };
}
