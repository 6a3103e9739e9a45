/** Uses a folder of another tool as a source. It is read in place, in that tool's order, and nothing in it is changed. */
import { join, resolve } from "node:path";
import { setImmediate as breathe } from "node:timers/promises";
import { checksum, fingerprint } from "../../core/checksum.ts";
import type { Direction, Migration } from "../../core/migration.ts";
import { SourceError } from "../../errors.ts";
import { historyPlace } from "../detect/tool-place.ts";
import { doesNothing } from "../header.ts";
import { duplicateId } from "../names.ts";
import { unlistedSql } from "../passed-over.ts";
import { declaresNoSections } from "../plain/markers.ts";
import type { Section } from "../plain/sections.ts";
import { changedFile, emptyFile, noWayBack, problemOf, withOthers } from "../problems.ts";
import type { Content, DatabaseFacts, Listing, Source } from "../source.ts";
import { decode, readBytes, readText } from "../text.ts";
import {
  type Entry,
  type FileText,
  type Layout,
  type LayoutOptions,
  type Reading,
  wholeFile,
} from "./layout.ts";
import { readOwnHeader } from "./own-header.ts";
import { strayMark } from "./stray.ts";

/** How many files are read between two pauses, so that a health endpoint in the same process stays responsive. */
const FILES_AT_ONCE = 32;

/** Reads nothing before `list()`. */
export function openInPlace(layout: Layout, folder: string, given: LayoutOptions): Source {
  const root = resolve(folder);
  let facts: DatabaseFacts | null = null;
  const options: LayoutOptions = { ...given, facts: () => facts };
  let found: ReadonlyMap<string, Entry> | undefined;
  return {
    layout: layout.name,
    folder: root,
    ...(layout.usesFacts === undefined
      ? {}
      : {
          inform(known) {
            facts = known;
          },
        }),
    historyPlace: (tool) => historyPlace(tool, { folder: root, environment: options.environment }),
    async list() {
      const discovery = layout.discover(root, options);
      const { entries, problems } = discovery;
      found = new Map(entries.map((entry) => [entry.id, entry]));
      const migrations = await describeAll({ root, layout: layout.name }, entries);
      return { migrations, problems, notes: unlistedSql(layout.name, root, discovery) };
    },
    async read(migration, direction) {
      found ??= new Map(layout.discover(root, options).entries.map((entry) => [entry.id, entry]));
      const entry = found.get(migration.id);
      if (entry === undefined) throw new SourceError([changedFile(migration.file)]);
      return contentOf(root, entry, { migration, direction });
    },
  };
}

/** The layout of the folder, and its location. */
interface FolderOf {
  readonly root: string;
  readonly layout: string;
}

async function describeAll(place: FolderOf, entries: readonly Entry[]): Promise<Listing["migrations"]> {
  const first = new Map<string, string>();
  const migrations: Migration[] = [];
  // A file with many migrations is read once, not once per migration.
  let last: FileText | undefined;
  const read = (file: string) => {
    if (last?.file !== file) last = readFile(place.root, file);
    return last;
  };
  for (const [position, entry] of entries.entries()) {
    const described = describe(place, entry, { position, read });
    const other = first.get(entry.id);
    first.set(entry.id, other ?? entry.file);
    migrations.push(
      other === undefined ? described : { ...described, problem: duplicateId(entry.id, [other, entry.file]) },
    );
    if (position % FILES_AT_ONCE === 0) await breathe();
  }
  return migrations;
}

/** Never throws: a fault becomes the migration's problem. */
function describe(
  { root, layout }: FolderOf,
  entry: Entry,
  { position, read }: { position: number; read: (file: string) => FileText },
): Migration {
  const nothing: Migration = {
    id: entry.id,
    kind: entry.repeatable === true ? "repeatable" : "sql",
    number: null,
    position,
    ...(entry.rerun === true ? { rerun: true } : {}),
    file: entry.file,
    revises: null,
    depends: [],
    phase: "startup",
    checksum: checksum(""),
    fingerprint: null,
    revertible: false,
    settings: {},
  };
  if (entry.problem !== undefined) return { ...nothing, tool: entry.tool, problem: entry.problem };
  try {
    const file = read(entry.file);
    const reading = entry.read(file);
    const identity = reading.identity ?? file.text;
    const { transaction } = reading.up;
    const back = reading.down ?? readDownFile(root, entry);
    const stray = declaresNoSections(file.text)
      ? null
      : (strayMark(reading.up, { layout, file: entry.file, direction: "up" }) ??
        (back && strayMark(back, { layout, file: downFileOf(entry, reading), direction: "down" })));
    const header = readOwnHeader(file.text, { file: entry.file, layout });
    const problems = [...(reading.problems ?? []), ...(stray == null ? [] : [stray]), ...header.problems];
    return {
      ...nothing,
      checksum: checksum(identity),
      fingerprint: fingerprint(identity),
      revertible: reading.down != null || (back !== null && !doesNothing(back.text)),
      settings: {
        ...(transaction === undefined ? {} : { transaction }),
        ...reading.settings,
        ...header.settings,
      },
      tool: reading.tool,
      ...(problems.length === 0 ? {} : { problem: withOthers(problems) }),
      ...(doesNothing(reading.up.text) ? { note: emptyFile(entry.file) } : {}),
    };
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    return { ...nothing, problem: withOthers(error.problems) };
  }
}

/** Read during discovery too, so that a broken way back is known before it is needed. */
function readDownFile(root: string, { downFile }: Entry): Section | null {
  if (downFile === undefined) return null;
  return { text: readText(join(root, downFile), downFile), line: 1, transaction: undefined };
}

function downFileOf({ file, downFile }: Entry, { down }: Reading): string {
  return down == null && downFile !== undefined ? downFile : file;
}

function contentOf(
  root: string,
  entry: Entry,
  { migration, direction }: { migration: Migration; direction: Direction },
): Content {
  const problem = problemOf(migration, direction);
  if (problem !== undefined) throw new SourceError([problem]);
  const file = readFile(root, entry.file);
  const reading = entry.read(file);
  if (checksum(reading.identity ?? file.text) !== migration.checksum)
    throw new SourceError([changedFile(entry.file)]);
  const [unknown, ...others] = reading.unknown ?? [];
  if (unknown !== undefined) throw new SourceError([unknown, ...others]);
  if (direction === "up") return sqlOf(reading.up, entry.file, migration, reading);
  if (reading.down != null) return sqlOf(reading.down, entry.file, migration, reading);
  if (entry.downFile === undefined) throw new SourceError([noWayBack(entry.file)]);
  const down = readFile(root, entry.downFile);
  return sqlOf(entry.readDown?.(down) ?? wholeFile(down), entry.downFile, migration, reading);
}

function sqlOf(section: Section, file: string, migration: Migration, reading: Reading): Content {
  const { text, line, transaction } = section;
  const settings = {
    ...migration.settings,
    ...reading.settings,
    transaction: transaction ?? reading.settings?.transaction,
  };
  return { kind: "sql", text, line, file, settings, ownTransactions: true };
}

function readFile(root: string, file: string): FileText {
  const bytes = readBytes(join(root, file), file);
  return { file, bytes, text: decode(bytes, file) };
}
