/** Lints files: those that are named, those that are pending or changed in a database, or all. Nothing is changed. */
import { isAbsolute, join, relative, resolve, sep } from "node:path";
import type { LintFinding, LintReport } from "../analysis/finding.ts";
import { type LintInput, readAndLint, sorted, type WhatWasRead } from "../analysis/lint.ts";
import type { History } from "../core/history.ts";
import type { Migration } from "../core/migration.ts";
import { resolveRevision } from "../core/revision.ts";
import { ConfigError } from "../errors.ts";
import type { Listing, Source } from "../source/source.ts";
import { groupBy } from "../std/group.ts";
import type { RunContext, Target } from "./session/target.ts";
import { viewOf } from "./status.ts";

export interface Linted extends LintReport {
  /** The folder of migrations, absolute. Files are below it. */
  readonly folder: string;
  /** Which files were linted. */
  readonly scope: "named" | "pending" | "all";
  /** Why all were: what it is that cannot be known. `null`: it was asked for. */
  readonly because: string | null;
  /** The major version that the statements must run on. `null`: it is not known. */
  readonly server: number | null;
}

/** What was found in the files of one target, and what was read for it. */
export interface LintReading {
  readonly linted: Linted;
  readonly read: WhatWasRead;
}

export interface LintOptions extends Pick<LintInput, "levels" | "root" | "now"> {
  /** The version that was given, which comes before that of the target. */
  readonly server: number | null;
}

/** What `up` would apply: files that the database does not have, and files that have changed since. */
export async function lintPending(
  target: Target,
  options: LintOptions,
  context: RunContext,
): Promise<LintReading> {
  const { files, history, version } = await viewOf(target, context);
  const server = options.server ?? Math.floor(version / 10_000);
  const chosen = pendingOf(files.migrations, history);
  const { source } = target;
  const { report, read } = await readAndLint({
    ...options,
    together: true,
    source,
    listing: files,
    chosen,
    server,
    signal: context.signal,
  });
  const linted: Linted = { ...report, folder: source.folder, scope: "pending", because: null, server };
  return { linted, read };
}

export interface LintFilesOptions extends LintOptions {
  /** Paths or ids. `null`: all of them. */
  readonly named: readonly string[] | null;
  /** Paths are relative to it. */
  readonly workingFolder: string;
  readonly because: string | null;
  readonly signal: AbortSignal;
}

/** Files alone, without a database. Throws `ConfigError` for a name that is no migration. */
export async function lintFiles(source: Source, options: LintFilesOptions): Promise<LintReading> {
  const { named, because, workingFolder, ...rest } = options;
  const listing = await source.list();
  const chosen = named === null ? listing.migrations : chosenOf(named, { listing, source, workingFolder });
  const { report, read } = await readAndLint({ ...rest, together: false, source, listing, chosen });
  const scope = named === null ? "all" : "named";
  return { linted: { ...report, folder: source.folder, scope, because, server: options.server }, read };
}

/** Several readings as one report. Files are named from a folder on, and what two say of one place is said once. */
export function together(root: string, readings: readonly LintReading[]): Linted {
  const reports = readings.map(({ linted }) => linted);
  const isAll = reports.every(({ scope }) => scope === "all");
  const servers = new Set(reports.map(({ server }) => server));
  const folders = groupBy(readings, ({ linted }) => linted.folder);
  const each = [...folders.values()].flatMap(ofOneFolder);
  const fromRoot = <T extends { readonly file: string }>(all: readonly T[], { folder }: Linted) =>
    all.map((one) => ({ ...one, file: relative(root, resolve(folder, one.file)).split(sep).join("/") }));
  const sum = (count: (one: Linted) => number) => each.reduce((total, one) => total + count(one), 0);
  const unused = each.find(({ squawk }) => !squawk.used);
  return {
    folder: root,
    scope: isAll ? "all" : "pending",
    because: reports.find(({ because }) => because !== null)?.because ?? null,
    server: servers.size === 1 ? (reports[0]?.server ?? null) : null,
    files: sum(({ files }) => files),
    statements: sum(({ statements }) => statements),
    waived: sum(({ waived }) => waived),
    findings: each.flatMap((one) => fromRoot(one.findings, one)),
    notUnderstood: each.flatMap((one) => fromRoot(one.notUnderstood, one)),
    squawk: unused?.squawk ?? { used: true },
  };
}

/** What is found for any of the targets: a table that one of them has already is in use there. */
function ofOneFolder(readings: readonly LintReading[]): readonly Linted[] {
  const [first] = readings;
  if (first === undefined) return [];
  const statements = new Map(readings.flatMap(({ read }) => [...read.statements]));
  const findings = readings.flatMap((one) => one.linted.findings);
  const report = {
    ...first.linted,
    files: new Set(readings.flatMap(({ read }) => read.revisions)).size,
    statements: [...statements.values()].reduce((total, count) => total + count, 0),
    waived: distinct(readings.flatMap(({ read }) => read.waived)).length,
    findings: sorted(distinct(findings).filter((finding) => isOfAll(finding, readings))),
    notUnderstood: distinct(readings.flatMap((one) => one.linted.notUnderstood)),
  };
  return [report];
}

/** A waiver that one target needs is no waiver without use. */
function isOfAll(finding: LintFinding, readings: readonly LintReading[]): boolean {
  if (finding.rule !== "waiver-unused") return true;
  const said = readings.filter(({ read }) => read.statements.has(finding.file));
  return said.every(({ linted }) => linted.findings.some((one) => keyOf(one) === keyOf(finding)));
}

function distinct<T extends object>(all: readonly T[]): readonly T[] {
  return [...new Map(all.map((one) => [keyOf(one), one])).values()];
}

function keyOf(one: object): string {
  return JSON.stringify(one);
}

function pendingOf(migrations: readonly Migration[], { entries, again }: History): readonly Migration[] {
  const applied = new Map(entries.map((entry) => [entry.revision, entry]));
  return migrations.filter(({ id, checksum }) => {
    const entry = applied.get(id);
    return entry === undefined || entry.state !== "applied" || entry.checksum !== checksum || again?.has(id);
  });
}

function chosenOf(
  words: readonly string[],
  { listing, source, workingFolder }: { listing: Listing; source: Source; workingFolder: string },
): readonly Migration[] {
  const { migrations } = listing;
  const ids = migrations.map(({ id }) => id);
  const chosen = new Set<Migration>();
  for (const word of words) {
    const path = pathWithin(source.folder, resolve(workingFolder, word));
    // Up and down may be two files: `0001_a.down.sql` belongs to the migration of `0001_a.up.sql`.
    const found = migrations.filter(({ file }) => file === path || file === word || isBeside(file, path));
    const byId = found.length > 0 ? found : migrations.filter(({ id }) => id === idOf(word, ids));
    if (byId.length === 0) throw noMigration(word, source.folder);
    for (const migration of byId) chosen.add(migration);
  }
  return [...chosen];
}

function pathWithin(folder: string, path: string): string | null {
  const within = relative(folder, path);
  return within.startsWith("..") || isAbsolute(within) ? null : within.split(sep).join("/");
}

function isBeside(file: string, path: string | null): boolean {
  const bare = (name: string) => name.replace(/\.(?:up|down|undo)?\.?sql$/, "");
  if (path === null || !path.endsWith(".sql")) return false;
  if (/(?:^|\/)down\.sql$/.test(path)) return join(file, "..") === join(path, "..");
  return bare(file) === bare(path);
}

function idOf(word: string, ids: readonly string[]): string | null {
  try {
    return resolveRevision(word, ids);
  } catch {
    return null;
  }
}

function noMigration(word: string, folder: string): ConfigError {
  return new ConfigError({
    code: "CONFIG_INVALID",
    message: `${word} is no migration of ${folder}.`,
    hint: "Name a file of that folder or an id, or another folder with --dir.",
    details: { from: "flag" },
  });
}
