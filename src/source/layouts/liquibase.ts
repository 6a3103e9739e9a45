/**
 * Liquibase, its formatted SQL. The root changelog gives the order: an XML, YAML or JSON one that lists files and
 * folders, or an SQL one; where there is none, all SQL files of the folder and below it, by path, as `includeAll` has
 * them. A changeset is known by path, id and author.
 *
 * Where the tool would decide by something that is not in the files (contexts, labels, preconditions), or run a
 * changeset every time, it is refused by name. One for another database is not there, as for the tool.
 */
import { statSync } from "node:fs";
import { dirname, join, posix, relative, resolve, sep } from "node:path";
import { type Problem, SourceError } from "../../errors.ts";
import { isThere, readFolder } from "../folder.ts";
import type { Entry, FileText, Layout, Reading } from "../layout.ts";
import { placeAt } from "../place.ts";
import { layoutRefused } from "../problems.ts";
import { readText } from "../text.ts";
import { type ChangelogItem, parseChangelog } from "./liquibase-changelog.ts";
import {
  type Changeset,
  checksumsOf,
  type FormattedSql,
  isFormatted,
  parseFormatted,
  wholeAsChangeset,
} from "./liquibase-sql.ts";
import { fillIn } from "./placeholders.ts";
import { walk } from "./walk.ts";

export const liquibase: Layout = {
  name: "liquibase",
  discover(folder, options) {
    const changelog: Changelog = {
      folder,
      entries: [],
      problems: [],
      properties: new Map(Object.entries(options.placeholders)),
      open: new Set(),
      parse: keepingLast(parseFormatted),
    };
    const root = rootOf(folder);
    if (root === null) includeAll(changelog, folder, { path: "", endsWith: ".sql" });
    else include(changelog, { file: join(folder, root), path: root });
    const { entries, problems } = changelog;
    if (
      root === null &&
      problems.length === 0 &&
      !entries.some(({ id }) => !id.endsWith("::raw::includeAll"))
    )
      throw new SourceError([nothingIn(folder)]);
    return { entries: twinsRefused(entries), problems };
  },
};

interface Changelog {
  readonly folder: string;
  readonly entries: Entry[];
  readonly problems: Problem[];
  /** The first value counts. */
  readonly properties: Map<string, string>;
  /** What is being read, against circles. */
  readonly open: Set<string>;
  readonly parse: typeof parseFormatted;
}

/** Entries of one file are read one after the other. */
function keepingLast(parse: typeof parseFormatted): typeof parseFormatted {
  let last: { text: string; file: string; parsed: FormattedSql } | undefined;
  return (text, file) => {
    if (last?.file !== file || last.text !== text) last = { text, file, parsed: parse(text, file) };
    return last.parsed;
  };
}

const LIST = /\.(?:xml|ya?ml|json)$/i;

/** `null`: there is none. Several that could be it: the one that is called so. */
function rootOf(folder: string): string | null {
  const names = readFolder(folder).map(({ name }) => name);
  const lists = names.filter(
    (name) => LIST.test(name) && parseChangelog(quietly(join(folder, name)), name) !== null,
  );
  const masters = names.filter(
    (name) =>
      /(?:^|[.-])(?:master|root|main)\.(?:xml|ya?ml|json|sql)$/i.test(name) &&
      (lists.includes(name) || /\.sql$/i.test(name)),
  );
  const [only, ...others] = masters.length > 0 ? masters : lists;
  if (others.length > 0)
    throw new SourceError([
      refused(
        folder,
        `it has several changelogs (${[only, ...others].join(", ")}), and none says that it is the root`,
        "Name a folder with one of them, with --dir; or rename the root to changelog-root with its extension.",
      ),
    ]);
  return only ?? null;
}

function quietly(path: string): string {
  try {
    return readText(path, path);
  } catch (error) {
    if (error instanceof SourceError) return "";
    throw error;
  }
}

/** `path` is what the tool's history calls the file. */
function include(changelog: Changelog, { file, path }: { file: string; path: string }): void {
  const shown = relative(changelog.folder, file).split(sep).join("/");
  if (changelog.open.has(file)) {
    changelog.problems.push(refused(shown, "it includes itself", "Take the circle out."));
    return;
  }
  changelog.open.add(file);
  try {
    const text = readText(file, shown);
    if (LIST.test(file)) readList(changelog, text, { file, path, shown });
    else readSql(changelog, text, { path, shown });
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    changelog.problems.push(...error.problems);
  }
  changelog.open.delete(file);
}

function includeAll(
  changelog: Changelog,
  folder: string,
  { path, endsWith }: { path: string; endsWith: string },
): void {
  const files = walk(folder).filter(
    (file) => (/\.sql$/i.test(file) || LIST.test(file)) && file.endsWith(endsWith),
  );
  for (const file of [...files].sort())
    include(changelog, { file: join(folder, file), path: posix.join(path, file) });
}

function readList(
  changelog: Changelog,
  text: string,
  { file, path, shown }: { file: string; path: string; shown: string },
): void {
  const items = parseChangelog(text, file);
  if (items === null) {
    changelog.problems.push(refused(shown, "it is no changelog", "Mend it, or take it out of the list."));
    return;
  }
  for (const item of items) {
    if (item.kind === "property") setProperty(changelog, item.name, item.value);
    else if (item.kind === "changeset") {
      const id = `${normal(path)}::${item.id}::${item.author}`;
      const problem = refused(
        shown,
        `its changeset ${item.id} of ${item.author} is not SQL`,
        "Write it as formatted SQL (`liquibase update-sql` prints what it does); or let Liquibase run it and take that over with `godwit adopt`.",
      );
      changelog.entries.push({ id, file: shown, problem, read: ({ text }) => nothing(text) });
    } else if (item.kind === "other")
      changelog.problems.push(
        refused(
          shown,
          `it has ${item.what}, which is not read`,
          "Take it out, or write it as formatted SQL.",
        ),
      );
    else follow(changelog, item, { file, path, shown });
  }
}

function follow(
  changelog: Changelog,
  item: ChangelogItem & { kind: "include" | "includeAll" },
  from: { file: string; path: string; shown: string },
): void {
  const wanted = normal(item.path);
  const target = item.relative
    ? { file: resolve(dirname(from.file), wanted), path: posix.join(posix.dirname(from.path), wanted) }
    : { file: search(changelog.folder, wanted), path: wanted };
  if (target.file === null || !isThere(target.file)) {
    changelog.problems.push({
      code: "SOURCE_FILE_UNREADABLE",
      message: `${from.shown} includes ${item.path}, which is not there.`,
      hint: "Restore the file; or name with --dir a folder at or below the one that such paths start from.",
      place: { file: from.shown },
    });
  } else if (item.kind === "include" && !isFolder(target.file))
    include(changelog, { file: target.file, path: target.path });
  else
    includeAll(changelog, target.file, {
      path: target.path,
      endsWith: item.kind === "include" ? "" : item.endsWith,
    });
}

/** Paths in a changelog start somewhere above it, in a folder that only the tool's configuration knows. */
function search(folder: string, path: string): string | null {
  for (let from = folder; ; from = dirname(from)) {
    if (isThere(join(from, path))) return join(from, path);
    if (dirname(from) === from) return null;
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function normal(path: string): string {
  return posix.normalize(
    path
      .replace(/^classpath\*?:/, "")
      .replaceAll("\\", "/")
      .replace(/^(?:[A-Za-z]:)?\/+/, ""),
  );
}

function setProperty({ properties }: Changelog, name: string, value: string): void {
  if (!properties.has(name)) properties.set(name, value);
}

function readSql(changelog: Changelog, text: string, { path, shown }: { path: string; shown: string }): void {
  const formatted = isFormatted(text);
  const parsed = formatted ? changelog.parse(text, shown) : null;
  changelog.problems.push(...(parsed?.problems ?? []));
  for (const [name, value] of parsed?.properties ?? []) setProperty(changelog, name, value);
  for (const changeset of parsed?.changesets ?? [wholeAsChangeset(text)]) {
    const { id, author, attributes } = changeset;
    if (!isForUs(attributes.get("dbms")) || attributes.get("ignore")?.toLowerCase() === "true") continue;
    const filename = normal(attributes.get("logicalfilepath") ?? parsed?.logicalFilePath ?? path);
    const why = whyNot(changeset);
    changelog.entries.push({
      id: `${filename}::${id}::${author}`,
      file: shown,
      ...(attributes.get("runonchange")?.toLowerCase() === "true" ? { rerun: true } : {}),
      problem:
        why === null
          ? undefined
          : {
              ...refused(shown, `the changeset ${id} of ${author} has ${why}`, HINT),
              place: placeAt(shown, text, changeset.offset),
            },
      read: (file) => readChangeset(file, { id, author, filename }, changelog),
    });
  }
}

const HINT =
  "Take that out of the changeset, or let Liquibase run it and take that over with `godwit adopt`.";

function isForUs(dbms: string | undefined): boolean {
  const names = (dbms ?? "")
    .toLowerCase()
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  if (names.length === 0 || names.includes("all")) return true;
  if (names.includes("none") || names.includes("!postgresql")) return false;
  return names.includes("postgresql") || names.every((name) => name.startsWith("!"));
}

function whyNot({ attributes, precondition }: Changeset): string | null {
  const isOn = (name: string) => attributes.get(name)?.toLowerCase() === "true";
  for (const name of ["context", "contextFilter", "labels"]) {
    const value = attributes.get(name.toLowerCase());
    if (value) return `${name}:${value}, and which of them are meant is not in the files`;
  }
  if (precondition !== null) return `a precondition (\`${precondition}\`), and none is checked`;
  if (isOn("runalways")) return "runAlways:true";
  if (attributes.get("failonerror")?.toLowerCase() === "false")
    return "failOnError:false, and an error is an error";
  const runner = attributes.get("runwith") ?? "jdbc";
  if (runner.toLowerCase() !== "jdbc") return `runWith:${runner}`;
  const delimiter = attributes.get("enddelimiter") ?? "";
  return delimiter.includes("$") && delimiter !== "$"
    ? `the delimiter ${delimiter}, which could be a quote`
    : null;
}

function readChangeset(
  { file, text }: FileText,
  { id, author, filename }: { id: string; author: string; filename: string },
  { parse, properties }: Changelog,
): Reading {
  const changeset = isFormatted(text)
    ? parse(text, file).changesets.find((other) => other.id === id && other.author === author)
    : wholeAsChangeset(text);
  if (changeset === undefined) return nothing(text);
  const fill = (part: string) =>
    fillIn(part, /\$\{([^}]+)\}/g, (name) =>
      name.startsWith(":") ? `\${${name.slice(1)}}` : properties.get(name),
    ).text;
  const { attributes, line, rollback } = changeset;
  const transaction = attributes.get("runintransaction")?.toLowerCase() === "false" ? false : undefined;
  const sql = fill(changeset.sql);
  return {
    up: { text: fill(changeset.text), line, transaction },
    down: rollback === null ? null : { text: fill(rollback), line, transaction },
    identity: sql,
    tool: {
      version: `${filename}::${id}::${author}`,
      checksums: [...checksumsOf(sql, attributes), ...changeset.validChecksums],
      columns: { id, author, filename },
    },
  };
}

function nothing(text: string): Reading {
  return { up: { text: "", line: text.split("\n").length, transaction: undefined } };
}

/** Path, id and author are the same in capitals. */
function twinsRefused(entries: readonly Entry[]): readonly Entry[] {
  const seen = new Map<string, Entry>();
  return entries.map((entry) => {
    const key = entry.id.toLowerCase();
    const first = seen.get(key);
    if (first === undefined) {
      seen.set(key, entry);
      return entry;
    }
    const problem: Problem = {
      code: "SOURCE_DUPLICATE_ID",
      message: `The changeset ${entry.id} is there twice: in ${first.file} and in ${entry.file}.`,
      hint: "Give one of them another id.",
      place: { file: entry.file },
    };
    return { ...entry, problem };
  });
}

function refused(folder: string, why: string, hint: string): Problem {
  return layoutRefused("liquibase", { folder, why, hint });
}

function nothingIn(folder: string): Problem {
  return refused(
    folder,
    "there is neither a changelog in it nor an SQL file that begins with `--liquibase formatted sql`",
    "Name the folder of the root changelog with --dir.",
  );
}
