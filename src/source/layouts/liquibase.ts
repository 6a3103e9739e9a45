/**
 * Liquibase's formatted SQL. The root changelog gives the order. It is an XML, YAML or JSON file that lists files and
 * folders, or an SQL file. Without one, all SQL files of the folder and below it count, by path, as with `includeAll`. A
 * changeset is identified by path, id and author.
 *
 * A changeset is refused by name if the tool decides by something outside the files (contexts, labels, preconditions),
 * or would run it every time. A changeset for another database does not exist, as for the tool.
 */
import { statSync } from "node:fs";
import { dirname, join, posix, relative, resolve, sep } from "node:path";
import { type Problem, SourceError } from "../../errors.ts";
import { isThere, readFolder } from "../folder.ts";
import { readText } from "../text.ts";
import type { Entry, Layout } from "./layout.ts";
import { isForUs } from "./liquibase-attributes.ts";
import { type ChangelogItem, itemOf, parseChangelog } from "./liquibase-changelog.ts";
import {
  type Changelog,
  declare,
  normal,
  nothing,
  readSql,
  refused,
  type Shown,
  type Spot,
  scopeOf,
  unknownIn,
} from "./liquibase-changesets.ts";
import { expand } from "./liquibase-properties.ts";
import { settingsFor } from "./liquibase-settings.ts";
import { type FormattedSql, parseFormatted } from "./liquibase-sql.ts";
import { walk } from "./walk.ts";

export const liquibase: Layout = {
  name: "liquibase",
  discover(folder, options) {
    const settings = settingsFor(folder, options);
    const changelog: Changelog = {
      folder,
      entries: [],
      problems: [...settings.problems],
      global: [...settings.parameters],
      local: new Map(),
      outside: { given: options.placeholders, environment: options.environment },
      open: new Set(),
      parse: keepingLast(parseFormatted),
    };
    const root = settings.root?.name ?? rootOf(folder);
    if (root === null) includeAll(changelog, folder, { ...EVERYTHING, path: "", known: "" });
    else include(changelog, { file: join(folder, root), path: root, known: settings.root?.known ?? root });
    const { entries, problems } = changelog;
    if (
      root === null &&
      problems.length === settings.problems.length &&
      !entries.some(({ id }) => !id.endsWith("::raw::includeAll"))
    )
      throw new SourceError([nothingIn(folder)]);
    return { entries: twinsRefused(entries), problems };
  },
};

/** Remembers the last file, because the entries of one file are read one after the other. */
function keepingLast(parse: typeof parseFormatted): typeof parseFormatted {
  let last: { text: string; file: string; parsed: FormattedSql } | undefined;
  return (text, file) => {
    if (last?.file !== file || last.text !== text) last = { text, file, parsed: parse(text, file) };
    return last.parsed;
  };
}

const LIST = /\.(?:xml|ya?ml|json)$/i;

/** `null`: there is no root changelog. Of several candidates, those with a usual name count. */
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

function include(changelog: Changelog, place: Spot): void {
  const { file, known } = place;
  const shown = relative(changelog.folder, file).split(sep).join("/");
  if (changelog.open.has(file)) {
    changelog.problems.push(refused(shown, "it includes itself", "Take the circle out."));
    return;
  }
  if (known.startsWith("../")) {
    changelog.problems.push(
      refused(
        shown,
        "it lies above the folder, and what the history of Liquibase calls it depends on where that was started",
        "Say that with `changeLogFile: <path of the root changelog>` in a liquibase.properties above both; or move the file below the folder.",
      ),
    );
    return;
  }
  changelog.open.add(file);
  try {
    const text = readText(file, shown);
    if (LIST.test(file)) readList(changelog, text, { ...place, shown });
    else readSql(changelog, text, { ...place, shown });
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    changelog.problems.push(...error.problems);
  }
  changelog.open.delete(file);
}

const EVERYTHING = { endsWith: ".sql", minDepth: 1, maxDepth: Number.POSITIVE_INFINITY };

/** Returns the number of files. */
function includeAll(
  changelog: Changelog,
  folder: string,
  where: Omit<Spot, "file"> & { endsWith: string; minDepth: number; maxDepth: number },
): number {
  const { path, known, endsWith, minDepth, maxDepth } = where;
  const files = walk(folder).filter((file) => {
    const depth = file.split("/").length;
    const isOne = (/\.sql$/i.test(file) || LIST.test(file)) && file.endsWith(endsWith);
    return isOne && depth >= minDepth && depth <= maxDepth;
  });
  for (const file of [...files].sort())
    include(changelog, {
      file: join(folder, file),
      path: posix.join(path, file),
      known: posix.join(known, file),
    });
  return files.length;
}

function readList(changelog: Changelog, text: string, from: Shown): void {
  const { path, known, shown } = from;
  const items = parseChangelog(text, from.file);
  if (items === null) {
    changelog.problems.push(refused(shown, "it is no changelog", "Mend it, or take it out of the list."));
    return;
  }
  let logical = { path, known };
  for (const raw of items) {
    const scope = scopeOf(changelog, logical.path);
    const fill = (value: string) => {
      const filled = expand(value, scope, changelog.outside);
      changelog.problems.push(...unknownIn(filled, () => ({ file: shown })));
      return filled.text;
    };
    const item = itemOf(raw, fill);
    if (item.kind === "property") declare(changelog, logical.path, item);
    else if (item.kind === "logicalFilePath") logical = { path: item.path, known: item.path };
    else if (item.kind === "changeset") addForeign(changelog, item, { ...from, ...logical });
    else if (item.kind === "other")
      changelog.problems.push(
        refused(
          shown,
          `it has ${item.what}, which is not read`,
          "Take it out, or write it as formatted SQL.",
        ),
      );
    else follow(changelog, item, from);
  }
}

/** A changeset in the tool's own language keeps its place, and is refused by name. */
function addForeign(
  { entries }: Changelog,
  item: ChangelogItem & { kind: "changeset" },
  { path, known, shown }: Shown,
): void {
  const { id, author, dbms, ignored, logicalFilePath } = item;
  if (ignored || !isForUs(dbms)) return;
  const filename = normal(logicalFilePath ?? known);
  const problem = refused(
    shown,
    `its changeset ${id} of ${author} is not SQL`,
    "Write it as formatted SQL (`liquibase update-sql` prints what it does); or let Liquibase run it and take that over with `godwit adopt`.",
  );
  entries.push({
    id: `${normal(logicalFilePath ?? path)}::${id}::${author}`,
    file: shown,
    problem,
    tool: {
      version: `${filename}::${id}::${author}`,
      checksums: [],
      columns: { id, author, filename },
    },
    read: ({ text }) => nothing(text),
  });
}

function follow(
  changelog: Changelog,
  item: ChangelogItem & { kind: "include" | "includeAll" },
  from: Shown,
): void {
  const wanted = normal(item.path);
  const below = (path: string) => posix.join(posix.dirname(path), wanted);
  const target = item.relative
    ? { file: resolve(dirname(from.file), wanted), path: below(from.path), known: below(from.known) }
    : { file: search(changelog.folder, wanted), path: wanted, known: wanted };
  const { file, path, known } = target;
  if (file === null || !isThere(file)) {
    if (!item.optional)
      changelog.problems.push({
        code: "SOURCE_FILE_UNREADABLE",
        message: `${from.shown} includes ${item.path}, which is not there.`,
        hint: "Restore the file; or name with --dir a folder at or below the one that such paths start from.",
        place: { file: from.shown },
      });
  } else if (item.kind === "include" && !isFolder(file)) include(changelog, { file, path, known });
  else {
    const which = item.kind === "include" ? { ...EVERYTHING, endsWith: "" } : item;
    const count = includeAll(changelog, file, { ...which, path, known });
    if (count > 0 || (item.kind === "includeAll" && item.optional)) return;
    changelog.problems.push(
      refused(
        from.shown,
        `it includes all of ${item.path}, and nothing there is a changelog`,
        'Restore the files; or say errorIfMissingOrEmpty="false".',
      ),
    );
  }
}

/** Paths in a changelog start at some folder above it, which only the tool's configuration names. */
function search(folder: string, path: string): string | null {
  for (let from = folder; ; from = dirname(from)) {
    if (isThere(join(from, path))) return join(from, path);
    if (dirname(from) === from) return null;
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** Path, id and author are compared regardless of case. */
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

function nothingIn(folder: string): Problem {
  return refused(
    folder,
    "there is neither a changelog in it nor an SQL file that begins with `--liquibase formatted sql`",
    "Name the folder of the root changelog with --dir.",
  );
}
