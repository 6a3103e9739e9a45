/**
 * Our own layout, `plain`: one folder with numbered SQL files, pairs, sectioned files and modules. Below it,
 * `repeatable/` holds SQL that runs again whenever it changes. Other sub-folders belong to the author.
 *
 * Discovery keeps no text: it reads and hashes each file and drops the text. A fault in a file becomes the problem of
 * its migration, which keeps its place in the order.
 */
import { type Dirent, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { setImmediate as breathe } from "node:timers/promises";
import type { Backfill } from "../../core/backfill.ts";
import { checksum } from "../../core/checksum.ts";
import { withRequired } from "../../core/gates.ts";
import type { Direction, Migration } from "../../core/migration.ts";
import { type Problem, SourceError } from "../../errors.ts";
import { historyPlace } from "../detect/tool-place.ts";
import { readFolder } from "../folder.ts";
import { doesNothing } from "../header.ts";
import { type Modules, type ModulesOptions, openModules } from "../module/modules.ts";
import { offsetLoop } from "../module/offset-loop.ts";
import { duplicateId, type FileGroup, groupFiles, nameProblem, numberOf, readName } from "../names.ts";
import { fingerprintWithPauses, type Pause, pauses } from "../pauses.ts";
import { placeAt } from "../place.ts";
import {
  changedFile,
  emptyFile,
  emptyFolder,
  falseMarker,
  misplacedInDown,
  noWayBack,
  problemOf,
  repeatableProblem,
  twoWaysBack,
  withOthers,
} from "../problems.ts";
import type { Content, Listing, Source } from "../source.ts";
import { statementFault } from "../statement-fault.ts";
import { readText } from "../text.ts";
import { parseDirectives } from "./directives.ts";
import { oppositeMarker } from "./markers.ts";
import { parseSections, type Sections } from "./sections.ts";

export interface PlainOptions extends ModulesOptions {
  /** The folder with the migrations, relative to the working directory. */
  readonly folder: string;
}

const REPEATABLE = "repeatable";
/**
 * How many files are read between two pauses, so that a health endpoint in the same process stays responsive. Modules
 * among them are imported in parallel (200 in TypeScript: 220 ms instead of 300).
 */
const FILES_AT_ONCE = 16;

/** Opens a folder in the layout `plain`. Reads nothing before `list()`. */
export function openPlain(options: PlainOptions): Source {
  const folder = resolve(options.folder);
  const modules = openModules(options);
  const pause = pauses(options.signal);
  return {
    layout: "plain",
    folder,
    historyPlace: (tool) => historyPlace(tool, { folder, environment: options.environment ?? {} }),
    list: () => listPlain(folder, { modules, pause }),
    read: (migration, direction) => readPlain(folder, { migration, direction, modules, pause }),
    apart: () => openPlain(options),
    close: modules.close,
  };
}

interface Reading {
  readonly modules: Modules;
  readonly pause: Pause;
}

async function listPlain(folder: string, reading: Reading): Promise<Listing> {
  const { modules, pause } = reading;
  const entries = readFolder(folder);
  const top = entries.filter((entry) => entry.name !== REPEATABLE);
  const below = entries.length === top.length ? [] : readRepeatable(folder);
  const grouped = groupFiles(filesOf(top));
  const repeatable = groupFiles(filesOf(below), `${REPEATABLE}/`);
  const problems = [
    ...top.map((entry) => nameProblem(entry.name)).filter((problem) => problem !== null),
    ...below.map((entry) => repeatableProblem(entry.name)).filter((problem) => problem !== null),
    ...grouped.orphans,
  ];
  const groups = [
    ...grouped.groups.map((group) => ({ ...group, below: "" })),
    ...repeatable.groups
      .filter((group) => group.up.role === "sql")
      .map((group) => ({ ...group, down: null, below: REPEATABLE })),
  ];
  if (groups.length === 0 && problems.length === 0) {
    const folders = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith("."));
    const names = folders.map((entry) => entry.name);
    throw new SourceError([emptyFolder(folder, names)]);
  }

  // The process starts while the other files are read.
  if (groups.some(isModule)) await modules.warm();
  const taken = new Map(grouped.groups.map((group) => [group.id, group.up.name]));
  const finish = (migration: Migration): Migration => {
    const { id, kind, file } = migration;
    const other = kind === "repeatable" ? taken.get(id) : undefined;
    const duplicate =
      (kind === "repeatable" ? repeatable : grouped).duplicates.get(id) ??
      (other === undefined ? undefined : duplicateId(id, [other, file]));
    return duplicate === undefined ? migration : { ...migration, problem: duplicate };
  };
  const migrations: Migration[] = [];
  for (let at = 0; at < groups.length; at += FILES_AT_ONCE) {
    const some = groups.slice(at, at + FILES_AT_ONCE);
    migrations.push(
      ...(await Promise.all(some.map((group) => describe(folder, group, reading)))).map(finish),
    );
    await breathe();
    await pause();
  }
  return { migrations, problems };
}

type Placed = FileGroup & { readonly below: string };

function isModule({ up }: FileGroup): boolean {
  return up.role === "typescript" || up.role === "javascript";
}

/** Never throws: a fault becomes the migration's problem. */
async function describe(folder: string, group: Placed, { modules, pause }: Reading): Promise<Migration> {
  const file = group.below === "" ? group.up.name : `${group.below}/${group.up.name}`;
  const module = isModule(group);
  const nothing: Migration = {
    id: group.id,
    kind: module ? "module" : group.below === "" ? "sql" : "repeatable",
    number: numberOf(group.id),
    file,
    revises: null,
    depends: [],
    phase: "startup",
    checksum: checksum(""),
    fingerprint: null,
    revertible: false,
    settings: {},
  };
  let known = nothing;
  try {
    const path = join(folder, file);
    const text = readText(path, file);
    await pause();
    const print = module ? null : await fingerprintWithPauses(text, pause);
    known = { ...nothing, checksum: checksum(text), fingerprint: print };
    await pause();
    if (!module) return describeSql(folder, group, { known, text });
    const { phase, ...declared } = await modules.load({ path, file, text });
    const note = offsetLoop(file, text);
    return { ...known, ...declared, phase: phase ?? "startup", ...(note === null ? {} : { note }) };
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    return { ...known, problem: withOthers(error.problems) };
  }
}

function describeSql(
  folder: string,
  group: Placed,
  { known, text }: { known: Migration; text: string },
): Migration {
  const { file } = known;
  const header = parseDirectives(text, file);
  const sections = parseSections(text, file);
  const problems = [...header.problems, ...sections.problems];
  const { backfill } = header;
  if (backfill !== null) problems.push(...statementProblems(sections.up, file, backfill));
  const down = group.down === null ? null : checkDownFile(join(folder, group.down.name), group.down.name);
  if (down !== null && sections.down !== null)
    problems.push(twoWaysBack(file, { text, down: group.down?.name ?? "", line: sections.down.line - 1 }));
  problems.push(...(down?.problems ?? []));
  return {
    ...known,
    ...withRequired(header),
    revises: header.revises,
    phase: header.phase ?? "startup",
    settings: { transaction: sections.up.transaction, ...header.settings },
    revertible: down?.reverts ?? sections.down !== null,
    ...(backfill === null ? {} : { backfill }),
    ...(problems.length === 0 ? {} : { problem: withOthers(problems) }),
    ...(backfill === null && doesNothing(sections.up.text) ? { note: emptyFile(file) } : {}),
  };
}

function statementProblems(
  { text, line }: Sections["up"],
  file: string,
  { options }: Backfill,
): readonly Problem[] {
  const fault = statementFault(text, { undo: options.undo !== null });
  if (fault === null) return [];
  const place = placeAt(file, text, fault.start);
  return [
    {
      code: "BACKFILL_STATEMENT",
      message: `${file} ${fault.message}`,
      hint: fault.hint,
      place: { ...place, line: (place.line ?? 1) + line - 1 },
    },
  ];
}

/** Read during discovery too, so that a broken way back is known before it is needed. */
function checkDownFile(path: string, file: string): { reverts: boolean; problems: readonly Problem[] } {
  try {
    const text = readText(path, file);
    const marker = oppositeMarker(text, { direction: "down", counterpart: false });
    const place = placeAt(file, text, marker?.start ?? 0);
    const mixed = marker === null ? [] : [falseMarker(marker.line, { direction: "up", runs: "down", place })];
    return { reverts: !doesNothing(text), problems: [...downHeader(text, file).problems, ...mixed] };
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    return { reverts: false, problems: error.problems };
  }
}

async function readPlain(
  folder: string,
  {
    migration,
    direction,
    modules,
    pause,
  }: Reading & { readonly migration: Migration; readonly direction: Direction },
): Promise<Content> {
  const { file } = migration;
  const problem = problemOf(migration, direction);
  if (problem !== undefined) throw new SourceError([problem]);
  const path = join(folder, file);
  const text = readText(path, file);
  await pause();
  if (checksum(text) !== migration.checksum) throw new SourceError([changedFile(file)]);
  if (direction === "down" && !migration.revertible) throw new SourceError([noWayBack(file)]);
  if (migration.kind === "module") {
    await modules.load({ path, file, text });
    return modules.content({ path, file, text }, direction);
  }
  await pause();
  const sections = parseSections(text, file);
  await pause();
  if (direction === "up") return { kind: "sql", text: sections.up.text, line: sections.up.line, file };
  return sections.down === null ? readDownFile(folder, file) : readDownSection(sections.down, migration);
}

function readDownSection(down: NonNullable<Sections["down"]>, migration: Migration): Content {
  const { transaction } = down;
  const settings = transaction === undefined ? migration.settings : { ...migration.settings, transaction };
  return { kind: "sql", text: down.text, line: down.line, file: migration.file, settings };
}

function readDownFile(folder: string, upFile: string): Content {
  const file = upFile.replace(/(?:\.up)?\.sql$/, ".down.sql");
  const text = readText(join(folder, file), file);
  return { kind: "sql", text, line: 1, file, settings: downHeader(text, file).settings };
}

/** Place and phase belong to the migration and are declared in the up file. How to run is declared in each file. */
function downHeader(text: string, file: string) {
  const { settings, problems, ...header } = parseDirectives(text, file);
  const declared =
    header.backfill !== null ||
    header.depends.length > 0 ||
    header.requires.length > 0 ||
    header.revises !== null ||
    header.phase !== undefined;
  if (
    !declared &&
    settings.outOfOrder === undefined &&
    settings.minimumRevision === undefined &&
    settings.expect === undefined
  )
    return { settings, problems };
  return { settings, problems: [...problems, misplacedInDown(file)] };
}

/** A file of that name is ignored. */
function readRepeatable(folder: string): Dirent[] {
  const path = join(folder, REPEATABLE);
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ? readFolder(path) : [];
}

function filesOf(entries: readonly Dirent[]) {
  return entries
    .filter((entry) => nameProblem(entry.name) === null)
    .map((entry) => readName(entry.name))
    .filter((file) => file !== null);
}
