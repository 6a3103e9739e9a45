/**
 * One import: a connection of its own, under a lock of its own. Not the migration lock: an import takes hours, and a
 * release that only has startup migrations must not wait for it.
 *
 * A lost connection to the database has lost lock and open transaction with it, and a lost lease the right to commit; the
 * run connects again, waits for its turn and goes on with what is still pending. What was scanned by this run is not scanned again.
 */

import { compareNew } from "../duplicates/compare.ts";
import { DatabaseError, GodwitError, LockError, type Problem } from "../errors.ts";
import { type ImportRun, latestRuns } from "../images/runs.ts";
import { type FileStates, importFiles } from "../import/import.ts";
import { noProgress, type Progress } from "../import/progress.ts";
import type { ImportReport } from "../import/report.ts";
import type { ImportSettings } from "../import/settings.ts";
import { withConnection, withOneConnection } from "./session/connect.ts";
import { withWarnings } from "./session/local-commits.ts";
import { acquireLock } from "./session/locked.ts";
import { patiently } from "./session/own-waits.ts";
import type { RunContext, Target } from "./session/target.ts";
import { wayToTable } from "./table-missing.ts";

/** What is configured: an import that can be run, or the reason why this one cannot. */
export type Import =
  | { readonly name: string; readonly settings: ImportSettings }
  | { readonly name: string; readonly skip: Problem };

/** Lost connections or leases in a row, without anything stored in between, before the run gives up. */
const RECONNECTS = 5;

export interface ImportsOptions {
  readonly context: RunContext;
  /** Reads images again whose colours an earlier release did not record. */
  readonly colours?: boolean | undefined;
  /** These allow what the settings of an import do not. */
  readonly newOrigin?: boolean | undefined;
  readonly allowMissing?: boolean | undefined;
  readonly followLinks?: boolean | undefined;
}

/** One after the other. The first failure ends it, and its `report` is that of the failed import. */
export async function runImports(
  target: Target,
  wanted: readonly Import[],
  { context, colours, ...allowed }: ImportsOptions,
): Promise<readonly ImportReport[]> {
  const reports: ImportReport[] = [];
  for (const each of wanted) {
    const more = Object.fromEntries(Object.entries(allowed).filter(([, isAllowed]) => isAllowed));
    const one =
      "settings" in each
        ? { ...each, settings: { ...each.settings, ...more, rereadsForColours: colours === true } }
        : each;
    reports.push(await runImport(target, one, context));
  }
  return reports;
}

/** The newest run of each import, or of the one called `name`. */
export async function importRuns(
  target: Target,
  name: string | undefined,
  context: RunContext,
): Promise<readonly ImportRun[]> {
  const runs = await withConnection(target, context, (connection) =>
    latestRuns(connection, target.ledger.schema),
  );
  return name === undefined ? runs : runs.filter((each) => each.import === name);
}

/** A running import gives a sign of life every three seconds. */
const SILENT_MS = 30_000;

/** Whether a run that has not finished was probably killed. */
export function isSilent({ finishedAt, silentForMs }: ImportRun): boolean {
  return finishedAt === null && silentForMs > SILENT_MS;
}

/** Throws a `GodwitError` whose `report` says what had been done, unless every file has its row or its reason. */
export async function runImport(target: Target, wanted: Import, given: RunContext): Promise<ImportReport> {
  const { context, warnings } = withWarnings(given);
  const started = performance.now();
  const startedAt = new Date().toISOString();
  const progress = noProgress();
  const report = (outcome: ImportReport["outcome"], states?: FileStates): ImportReport => ({
    import: wanted.name,
    origin: "settings" in wanted ? wanted.settings.description : "",
    runId: context.runId,
    outcome,
    startedAt,
    durationMs: performance.now() - started,
    scanned: progress.scan?.counts ?? { folders: 0, files: 0, bytes: 0, ignored: 0, outside: 0 },
    stored: progress.stored,
    moved: progress.moved,
    restored: progress.restored,
    bytesRead: progress.bytesRead,
    files: states?.files ?? {},
    troubles: states?.troubles ?? [],
    warnings: [...progress.warnings.values(), ...warnings()],
  });
  if ("skip" in wanted) {
    context.observe({ kind: "import-skipped", import: wanted.name, problem: wanted.skip });
    progress.warnings.set("", wanted.skip);
    return report("skipped");
  }
  try {
    const done = report("done", await importReconnecting(target, wanted.settings, { context, progress }));
    context.observe({ kind: "import-finished", report: done });
    return done;
  } catch (error) {
    if (!(error instanceof GodwitError)) throw error;
    if (error.code === "IMPORT_TABLE_MISSING") {
      const { name, table } = wanted.settings;
      const about = { importName: name, table: table.name };
      error.hint = (await wayToTable(target, about, context)) ?? error.hint;
    }
    error.report = report(context.signal.aborted ? "interrupted" : "failed");
    throw error;
  }
}

async function importReconnecting(
  target: Target,
  settings: ImportSettings,
  { context, progress }: { readonly context: RunContext; readonly progress: Progress },
): Promise<FileStates> {
  for (let lost = 1; ; lost++) {
    const before = progress.stored;
    try {
      return await importOnce(target, settings, { context, progress });
    } catch (error) {
      if (progress.stored > before) lost = 1;
      if (!isLost(error) || lost > RECONNECTS || context.signal.aborted) throw error;
      context.observe({ kind: "connection-lost", problem: error.toProblem() });
    }
  }
}

/** The connection, or the lease: with either goes the right to commit, and what was committed stays. */
function isLost(error: unknown): error is GodwitError {
  if (error instanceof DatabaseError) return error.code === "DATABASE_CONNECTION_LOST";
  return error instanceof LockError && error.code === "LOCK_LOST";
}

function importOnce(
  target: Target,
  settings: ImportSettings,
  { context, progress }: { readonly context: RunContext; readonly progress: Progress },
): Promise<FileStates> {
  return withOneConnection(target, context, async (connection) => {
    const patient = <T>(work: () => Promise<T>) =>
      patiently(target, context, async (waits) => {
        using _ = waits.watch(connection);
        return await work();
      });
    const lock = await patient(() => acquireLock(target, connection, context, `import ${settings.name}`));
    try {
      await patient(() => lock.announce(`import ${settings.name} from ${settings.description}`));
      const states = await importFiles(settings, {
        schema: target.ledger.schema,
        runId: context.runId,
        host: context.host,
        pid: process.pid,
        connection,
        lock,
        lockAttempts: target.settings.lockAttempts,
        signal: context.signal,
        observe: context.observe,
        progress,
      });
      // What came in is compared with all the rest at once, so that nobody waits for it who asks for duplicates.
      await compareNew(connection, target.ledger.schema, { signal: context.signal });
      return states;
    } finally {
      if (!connection.lost.aborted) await lock.release().catch(() => {});
    }
  });
}
