/**
 * Drizzle. Up to 0.45 a journal, `meta/_journal.json`, lists the files. Its array gives their order, and a file that it
 * does not list does not exist for the tool: it is named, and not run. From 1.0 on every migration is a folder,
 * `<YYYYMMDDHHMMSS>_<name>/migration.sql` beside a `snapshot.json`, in the order of `localeCompare`.
 *
 * The tool cuts a file at every `--> statement-breakpoint` and sends the pieces one by one. Here the marks become
 * semicolons of the same width. Pieces without a semicolon stay separate, and offsets stay the same.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Problem } from "../../errors.ts";
import { SourceError } from "../../errors.ts";
import { describeFault, parseJson } from "../../std/json.ts";
import { isThere, readFolder } from "../folder.ts";
import { layoutRefused } from "../problems.ts";
import { readText } from "../text.ts";
import type { Discovery, Entry, FileText, Layout, Reading } from "./layout.ts";
import { lineEndVariants } from "./line-ends.ts";

export const drizzle: Layout = {
  name: "drizzle",
  discover: (folder) => (isThere(join(folder, JOURNAL)) ? readJournal(folder) : readFolders(folder)),
};

const JOURNAL = "meta/_journal.json";
const BREAKPOINT = "--> statement-breakpoint";

interface JournalEntry {
  readonly tag: string;
  /** Epoch milliseconds. The history identifies the migration by them. */
  readonly when: number;
}

function readJournal(folder: string): Discovery {
  const entries = parseJournal(readText(join(folder, JOURNAL), JOURNAL), folder);
  const tags = new Set(entries.map((entry) => entry.tag));
  const names = readFolder(folder).map(({ name }) => name);
  return {
    entries: entries.map(({ tag, when }): Entry => {
      const file = `${tag}.sql`;
      const missing = isThere(join(folder, file)) ? undefined : fileOfJournalMissing(file);
      return { id: tag, file, problem: missing, read: (text) => reading(text, { when }) };
    }),
    problems: names.filter((name) => isThere(join(folder, name, "migration.sql"))).map(besideJournal),
    unlisted: {
      names: names.filter((name) => name.endsWith(".sql") && !tags.has(name.slice(0, -4))),
      why: `${JOURNAL} does not list`,
      hint: "If it is a migration, generate it with drizzle-kit (`generate --custom` for SQL of your own).",
    },
  };
}

/** Those of PostgreSQL: older versions of drizzle-kit called it by another name. */
const DIALECTS: readonly unknown[] = ["postgresql", "pg"];

function parseJournal(text: string, folder: string): readonly JournalEntry[] {
  const refuse = (why: string, hint: string): never => {
    throw new SourceError([layoutRefused("drizzle", { folder: `${folder}/${JOURNAL}`, why, hint })]);
  };
  const parsed = parseJson(text);
  if ("fault" in parsed)
    return refuse(`it is ${describeFault(parsed.fault)}`, "Restore it from version control.");
  const journal = parsed.value as { dialect?: unknown; entries?: unknown };
  if (!DIALECTS.includes(journal.dialect))
    refuse(`its dialect is ${JSON.stringify(journal.dialect)}`, "Only folders for postgresql can be run.");
  const entries = Array.isArray(journal.entries) ? journal.entries : null;
  if (entries === null || !entries.every(isEntry))
    return refuse("it has no entries with tag and when", "Restore it from version control.");
  return entries;
}

function isEntry(entry: unknown): entry is JournalEntry {
  const { tag, when } = (entry ?? {}) as Partial<JournalEntry>;
  return typeof tag === "string" && /^[^/\\]+$/.test(tag) && Number.isSafeInteger(when);
}

function readFolders(folder: string): Discovery {
  if (isThere(join(folder, "migration_lock.toml")))
    throw new SourceError([
      layoutRefused("drizzle", {
        folder,
        why: "it has a migration_lock.toml, which Prisma writes",
        hint: "Try --layout prisma.",
      }),
    ]);
  const names = readFolder(folder)
    .map((entry) => entry.name)
    .filter((name) => isThere(join(folder, name, "migration.sql")))
    .sort((left, right) => left.localeCompare(right));
  if (names.length === 0)
    throw new SourceError([
      layoutRefused("drizzle", {
        folder,
        why: `there is neither ${JOURNAL} nor a folder with migration.sql in it`,
        hint: "Name the folder that drizzle.config has as `out`, with --dir; or create one with `drizzle-kit generate`.",
      }),
    ]);
  return {
    entries: names.map((name): Entry => {
      const file = `${name}/migration.sql`;
      const when = instantOf(name);
      if (when !== null) return { id: name, file, read: (text) => reading(text, { when, name }) };
      return { id: name, file, problem: noInstant(name), read: (text) => reading(text, { when: 0, name }) };
    }),
    problems: [],
  };
}

/** The fourteen digits of UTC at the start of the name, as epoch milliseconds. */
function instantOf(name: string): number | null {
  const digits = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)_/.exec(name)?.slice(1).map(Number);
  if (digits === undefined) return null;
  const [year = 0, month = 1, ...rest] = digits;
  const [day, hour, minute, second] = rest;
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

/** `name` exists only from 1.0 on. The hash covers the text as the file holds it, with invalid bytes replaced. */
function reading(file: FileText, { when, name }: { when: number; name?: string }): Reading {
  const [hash = "", ...others] = lineEndVariants(file.bytes).map((bytes) =>
    createHash("sha256").update(bytes.toString("utf8")).digest("hex"),
  );
  return {
    up: {
      text: file.text.replaceAll(BREAKPOINT, ";".padEnd(BREAKPOINT.length)),
      line: 1,
      transaction: undefined,
    },
    tool: {
      version: name ?? String(when),
      // The tool never compares hashes, so a checkout with other line ends counts as the same file.
      checksums: [hash, ...others],
      columns: { hash, created_at: when, ...(name === undefined ? {} : { name }) },
    },
  };
}

/** Up to 0.45 Drizzle would skip this file. From 1.0 on it runs nothing while there is a journal. */
function besideJournal(name: string): Problem {
  return {
    code: "SOURCE_FILE_NAME",
    message: `${name} is a migration of Drizzle 1.0 beside ${JOURNAL} of the versions before it.`,
    hint: "Make one of both with `npx drizzle-kit up`, or move the folder away.",
    place: { file: `${name}/migration.sql` },
  };
}

function fileOfJournalMissing(file: string): Problem {
  return {
    code: "SOURCE_FILE_UNREADABLE",
    message: `${JOURNAL} lists ${file}, which is not there.`,
    hint: "Restore the file from version control, or remove its entry if it was never applied anywhere.",
    place: { file: JOURNAL },
  };
}

function noInstant(name: string): Problem {
  return {
    code: "SOURCE_FILE_NAME",
    message: `The folder ${name} does not begin with fourteen digits (YYYYMMDDHHMMSS) and \`_\`.`,
    hint: "Create migrations with `drizzle-kit generate`; its history knows them by that time.",
    place: { file: name },
  };
}
