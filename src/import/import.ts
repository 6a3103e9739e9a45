/**
 * Brings the files of an origin into the database.
 *
 *   scan ─► expire old hashes ─► batches ─► fetch and hash (workers) ─► commit every second or so ─► settle ─► report
 *
 * Every state that counts is in the ledger. After a crash the next run scans (or goes on scanning) and finds what is left
 * as `pending`. A crash loses the work of about a second. One loop does all work here, one thing after the other. Workers
 * and timers only wake it.
 *
 * A file may be handed out more than once. That is so after a lost connection. It is so after its worker died: then it is
 * read alone, to know whether this file is to blame. And it is so after it changed while it was read: then it rests first.
 */
import type { Connection } from "../database/connection.ts";
import { GodwitError, type Problem } from "../errors.ts";
import { bindOrigin } from "../images/origins.ts";
import { createResults, type Results } from "../images/results.ts";
import { createRuns, type Runs } from "../images/runs.ts";
import { createScans, type Scan } from "../images/scans.ts";
import { createImageTables, imageTablesMissing } from "../images/sql.ts";
import { openTable, type Table } from "../images/table.ts";
import type { Lock } from "../lock/lock.ts";
import { openOrigin } from "../origin/open.ts";
import { HASH_VERSION } from "../pixels/pixels.ts";
import { requireOrigin } from "./bound.ts";
import { type CommitParts, createTransaction, namesOf } from "./commit.ts";
import type { ObserveImport } from "./events.ts";
import { parsePattern } from "./pattern.ts";
import { coloursUnknown, incomplete, rowsVanish, warningsOf } from "./problems.ts";
import type { Progress } from "./progress.ts";
import { Reach } from "./reach.ts";
import { Reading } from "./reading.ts";
import type { ImportReport } from "./report.ts";
import { type ScanResult, scanOrigin } from "./scan.ts";
import type { ImportSettings } from "./settings.ts";
import { withTrust } from "./trust.ts";
import { markVanished } from "./vanished.ts";

export interface ImportContext {
  readonly schema: string;
  readonly runId: string;
  readonly host: string;
  readonly pid: number;
  readonly connection: Connection;
  readonly lock: Lock;
  readonly lockAttempts: number;
  readonly signal: AbortSignal;
  readonly observe: ObserveImport;
  /** What the run did over earlier connections. This connection continues the counts. */
  readonly progress: Progress;
}

/** How many files are in each state after the run, over all runs of the import. */
export interface FileStates {
  readonly files: ImportReport["files"];
  readonly troubles: ImportReport["troubles"];
}

/**
 * Runs one import. Throws `ImportFailed`, `DatabaseError`, `LockError` or the reason of the signal. What was
 * committed before that stays.
 */
export async function importFiles(settings: ImportSettings, context: ImportContext): Promise<FileStates> {
  return new Import(settings, context).run();
}

const ABSENT_AT_ONCE = 5_000;

class Import {
  #settings: ImportSettings;
  readonly #context: ImportContext;
  readonly #results: Results;
  readonly #runs: Runs;
  readonly #transaction: CommitParts["transaction"];
  readonly #noticed = new Set<string>();

  constructor(settings: ImportSettings, context: ImportContext) {
    this.#settings = settings;
    this.#context = context;
    this.#results = createResults(context.schema, settings.name);
    this.#runs = createRuns(context.schema, settings.name, context.runId);
    this.#transaction = createTransaction(context.connection, {
      fence: context.lock.fence,
      attempts: context.lockAttempts,
      signal: AbortSignal.any([context.signal, context.lock.lost]),
    });
  }

  async run(): Promise<FileStates> {
    const { connection, schema, host, pid } = this.#context;
    const { rows } = await connection.query<{ missing: boolean }>(imageTablesMissing(schema));
    if (rows[0]?.missing !== false)
      await this.#transaction(async () => void (await connection.execute(createImageTables(schema))));
    const table = await openTable(connection, this.#settings.table, {
      schema,
      importName: this.#settings.name,
      hashSize: this.#settings.hashSize,
    });
    await this.#transaction(() => this.#runs.begin(connection, { host, pid }));
    try {
      const states = await this.#bringIn(table);
      await this.#finish("done");
      return states;
    } catch (error) {
      const interrupted = this.#context.signal.aborted;
      const problem = error instanceof GodwitError ? error.toProblem() : undefined;
      await (interrupted ? this.#finish("interrupted") : this.#finish("failed", problem));
      throw error;
    }
  }

  async #bringIn(table: Table): Promise<FileStates> {
    const { connection, schema, progress, signal } = this.#context;
    const onNotice = (message: string) => this.#notice(message);
    this.#settings = {
      ...this.#settings,
      origin: await withTrust(this.#settings.origin, { connection, schema, signal, onNotice }),
    };
    await using reach = new Reach({
      description: this.#settings.description,
      open: () => openOrigin(this.#settings.origin, { signal, onNotice }),
      patienceMs: this.#settings.patienceMs,
      signal: this.#context.signal,
      onLost: (problem) => this.#warn({ ...problem, hint: this.#patience() }),
    });
    progress.scan ??= await this.#scan(reach);
    await this.#read(reach, table);
    await this.#settle(table);
    const states = await this.#fileStates();
    this.#assertComplete(states);
    return states;
  }

  async #scan(reach: Reach): Promise<ScanResult> {
    const { connection, schema, progress, observe, signal } = this.#context;
    const { name, description, origin, pattern, exclude, batched, hashSize } = this.#settings;
    const scans = createScans(schema, name);
    const opened = await reach.open();
    const base = opened.realBase;
    const bound = await requireOrigin(connection, this.#settings, { schema, origin: opened });
    let scan: Scan | undefined;
    await this.#transaction(async () => {
      await bindOrigin(connection, schema, { importName: name, origin: bound });
      scan = await scans.begin(connection, `${description} ${base}`);
    });
    if (scan === undefined) throw new Error("A scan was not begun.");
    const { id, folders } = scan;
    progress.resumed = !(folders.length === 1 && folders[0] === "");
    observe({ kind: "import-started", import: name, origin: description, resumed: progress.resumed });
    const meter = everyMs(250, (counts: ScanResult["counts"]) =>
      observe({ kind: "import-progress", import: name, figures: scanning(counts) }),
    );
    const result = await scanOrigin(reach, scans, scan, {
      pattern,
      exclude,
      followLinks: this.#settings.followLinks === true,
      foldersAtOnce: batched && origin.kind === "sftp" ? Math.min(4, origin.channels) : 1,
      signal: AbortSignal.any([signal, this.#context.lock.lost]),
      onProgress: meter,
      transaction: this.#transaction,
    });
    for (const problem of warningsOf(result, this.#settings)) this.#warn(problem);
    await this.#transaction(async () => {
      await markVanished(connection, this.#settings, { scans, scan: id, result, resumed: progress.resumed });
      await scans.expire(connection, { version: HASH_VERSION, size: hashSize });
      if (this.#settings.rereadsForColours === true) await scans.expireColours(connection);
      await scans.complete(connection, id);
    });
    const colourless = await scans.withoutColours(connection);
    if (colourless > 0) this.#warn(coloursUnknown(this.#settings, colourless));
    return result;
  }

  async #read(reach: Reach, table: Table): Promise<void> {
    const pending = await this.#results.pending(this.#context.connection);
    if (pending.ids.length === 0) return;
    await using reading = new Reading(this.#settings, pending, {
      ...this.#context,
      reach,
      results: this.#results,
      runs: this.#runs,
      commit: {
        connection: this.#context.connection,
        results: this.#results,
        table,
        pattern: parsePattern(this.#settings.pattern),
        transaction: this.#transaction,
      },
      warn: (problem) => this.#warn(problem),
      notice: (message) => this.#notice(message),
    });
    await reading.run();
  }

  /** Makes sure that every stored file has its row, and that no row names a file that is gone. */
  async #settle(table: Table): Promise<void> {
    const { connection, progress } = this.#context;
    const pattern = parsePattern(this.#settings.pattern);
    let before: string | undefined;
    for (;;) {
      const absent = await table.absent(connection, ABSENT_AT_ONCE);
      if (absent.length === 0) break;
      if (absent[0] === before) throw rowsVanish(this.#settings.table.name, absent.length);
      before = absent[0];
      const files = await this.#results.filesOf(connection, absent);
      await this.#transaction((to) => table.write(to, namesOf(pattern, files)));
      progress.restored += absent.length;
    }
    await this.#transaction((to) => table.settle(to));
  }

  async #fileStates(): Promise<FileStates> {
    const { connection } = this.#context;
    const files = await this.#results.count(connection);
    return { files, troubles: await this.#results.troubles(connection, 20) };
  }

  #assertComplete({ files }: FileStates): void {
    const unreadable = this.#context.progress.scan?.unreadable ?? [];
    const left = (files.failed ?? 0) + (files.pending ?? 0) + unreadable.length;
    if (left > 0) throw incomplete(this.#settings.name, files, unreadable);
  }

  /** `problem`: why it failed, for those who look later. */
  async #finish(state: string, problem?: Problem): Promise<void> {
    const { connection, lock } = this.#context;
    if (connection.lost.aborted || lock.lost.aborted) return;
    await this.#runs.finish(connection, state, { ...this.#summary(), ...lastWords(problem) }).catch(() => {});
  }

  #summary(): object {
    const { stored, moved, restored, bytesRead } = this.#context.progress;
    return { stored, moved, restored, bytesRead };
  }

  #warn(problem: Problem): void {
    const { progress, observe } = this.#context;
    const key = `${problem.code} ${problem.message}`;
    if (progress.warnings.has(key)) return;
    progress.warnings.set(key, problem);
    observe({ kind: "import-warning", import: this.#settings.name, problem });
  }

  /** Reports each message once. Several workers may report the same problem of this machine. */
  #notice(message: string): void {
    if (this.#noticed.has(message)) return;
    this.#noticed.add(message);
    this.#context.observe({ kind: "import-notice", import: this.#settings.name, message });
  }

  #patience(): string {
    return `Trying again for up to ${Math.round(this.#settings.patienceMs / 60_000)} min; what was committed stays.`;
  }
}

function lastWords(problem: Problem | undefined): { readonly problem?: Problem } {
  if (problem === undefined) return {};
  const { code, message, hint } = problem;
  return { problem: { code, message, ...(hint === undefined ? {} : { hint }) } };
}

function scanning(counts: ScanResult["counts"]) {
  return {
    stage: "scanning" as const,
    seen: { folders: counts.folders, files: counts.files, bytes: counts.bytes },
    files: { done: 0, total: 0 },
    bytes: { done: 0, total: 0 },
    stored: 0,
    failed: 0,
    unsupported: 0,
    filesPerSecond: 0,
    bytesPerSecond: 0,
    remainingMs: null,
    batches: { done: 0, total: 0, running: [] },
    workers: [],
  };
}

function everyMs<T>(ms: number, say: (value: T) => void): (value: T) => void {
  let last = Number.NEGATIVE_INFINITY;
  return (value) => {
    const now = performance.now();
    if (now - last < ms) return;
    last = now;
    say(value);
  };
}
