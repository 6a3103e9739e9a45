/**
 * Brings the files of an origin into the database.
 *
 *   scan ─► expire old hashes ─► batches ─► fetch and hash (workers) ─► commit every second or so ─► settle ─► report
 *
 * Every state that counts is in the ledger: killed anywhere, the next run scans (or goes on scanning), finds as
 * `pending` what is left, and goes on. What is lost is the work of about a second. One loop does everything that
 * happens here, one thing after the other; workers and timers only wake it.
 *
 * A file may be handed out more than once: after a lost connection (nobody's fault), after its worker died (then alone,
 * to know whether it was this file), and when it changed while it was read (then once it has rested).
 */
import type { Connection } from "../database/connection.ts";
import { ImportFailed, type Problem } from "../errors.ts";
import { createResults, type Results } from "../images/results.ts";
import { createRuns, type Runs } from "../images/runs.ts";
import { createScans, type Scan } from "../images/scans.ts";
import { createImageTables, imageTablesMissing } from "../images/sql.ts";
import { openTable, type Table } from "../images/table.ts";
import type { Lock } from "../lock/lock.ts";
import { openOrigin } from "../origin/open.ts";
import { HASH_VERSION } from "../pixels/pixels.ts";
import { type CommitParts, createTransaction, namesOf } from "./commit.ts";
import type { ObserveImport } from "./events.ts";
import { createExclusion } from "./exclude.ts";
import { parsePattern } from "./pattern.ts";
import type { Progress } from "./progress.ts";
import { Reach } from "./reach.ts";
import { Reading } from "./reading.ts";
import type { ImportReport } from "./report.ts";
import { type ScanResult, scanOrigin } from "./scan.ts";
import type { ImportSettings } from "./settings.ts";
import { withTrust } from "./trust.ts";

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
  /** What an earlier connection of the same run has done. */
  readonly so: Progress;
}

export interface Standing {
  readonly files: ImportReport["files"];
  readonly troubles: ImportReport["troubles"];
}

/** Throws `ImportFailed`, `DatabaseError`, `LockError` or the signal's reason; what was committed until then stays. */
export async function importFiles(settings: ImportSettings, context: ImportContext): Promise<Standing> {
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

  async run(): Promise<Standing> {
    const { connection, schema, host, pid, so } = this.#context;
    const { rows } = await connection.query<{ missing: boolean }>(imageTablesMissing(schema));
    if (rows[0]?.missing !== false)
      await this.#transaction(async () => void (await connection.execute(createImageTables(schema))));
    const table = await openTable(connection, this.#settings.table, {
      schema,
      importName: this.#settings.name,
      hashSize: this.#settings.hashSize,
    });
    await this.#transaction(() => this.#runs.begin(connection, { host, pid }));
    const { signal } = this.#context;
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
    try {
      so.scan ??= await this.#scan(reach);
      await this.#read(reach, table);
      await this.#settle(table);
      const standing = await this.#standing();
      this.#assert(standing);
      await this.#finish("done");
      return standing;
    } catch (error) {
      await this.#finish(this.#context.signal.aborted ? "interrupted" : "failed");
      throw error;
    }
  }

  async #scan(reach: Reach): Promise<ScanResult> {
    const { connection, schema, so, observe, signal } = this.#context;
    const { name, description, origin, pattern, exclude, batched, hashSize } = this.#settings;
    const scans = createScans(schema, name);
    const exclusion = createExclusion(exclude);
    const base = (await reach.open()).realBase;
    let scan: Scan | undefined;
    await this.#transaction(async () => {
      scan = await scans.begin(connection, `${description} ${base}`);
    });
    if (scan === undefined) throw new Error("A scan was not begun.");
    const { id, folders } = scan;
    so.resumed = !(folders.length === 1 && folders[0] === "");
    observe({ kind: "import-started", import: name, origin: description, resumed: so.resumed });
    const meter = everyMs(250, (counts: ScanResult["counts"]) =>
      observe({ kind: "import-progress", import: name, figures: scanning(counts) }),
    );
    const result = await scanOrigin(reach, scans, scan, {
      pattern,
      exclude,
      foldersAtOnce: batched && origin.kind === "sftp" ? Math.min(4, origin.channels) : 1,
      signal: AbortSignal.any([signal, this.#context.lock.lost]),
      onProgress: meter,
      transaction: this.#transaction,
    });
    if (result.counts.files === 0 && result.unreadable.length === 0 && !so.resumed)
      throw this.#nothingFound(result);
    for (const problem of warningsOf(result, description)) this.#warn(problem);
    await this.#transaction(async () => {
      for (;;) {
        const unseen = await scans.unseen(connection, id, 10_000);
        if (unseen.length === 0) break;
        const excluded = (path: string) => exclusion.excludes(path);
        const idsOf = (files: typeof unseen) => files.map((file) => file.id);
        await scans.mark(connection, idsOf(unseen.filter((file) => excluded(file.path))), "excluded");
        await scans.mark(connection, idsOf(unseen.filter((file) => !excluded(file.path))), "missing");
      }
      await scans.expire(connection, { version: HASH_VERSION, size: hashSize });
      if (this.#settings.rereadsForColours === true) await scans.expireColours(connection);
      await scans.complete(connection, id);
    });
    const colourless = await scans.withoutColours(connection);
    if (colourless > 0) this.#warn(coloursUnknown(name, colourless));
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

  /** The last promise: every stored file has its row, and no row says that a file is there that is not. */
  async #settle(table: Table): Promise<void> {
    const { connection, so } = this.#context;
    const pattern = parsePattern(this.#settings.pattern);
    let before: string | undefined;
    for (;;) {
      const absent = await table.absent(connection, ABSENT_AT_ONCE);
      if (absent.length === 0) break;
      if (absent[0] === before) throw this.#rowsVanish(absent.length);
      before = absent[0];
      const files = await this.#results.filesOf(connection, absent);
      await this.#transaction((to) => table.write(to, namesOf(pattern, files)));
      so.restored += absent.length;
    }
    await this.#transaction((to) => table.settle(to));
  }

  async #standing(): Promise<Standing> {
    const { connection } = this.#context;
    const files = await this.#results.count(connection);
    return { files, troubles: await this.#results.troubles(connection, 20) };
  }

  #assert({ files }: Standing): void {
    const unreadable = this.#context.so.scan?.unreadable ?? [];
    const failed = files.failed ?? 0;
    const pending = files.pending ?? 0;
    if (failed === 0 && pending === 0 && unreadable.length === 0) return;
    const what = [
      ...(failed === 0 ? [] : [`${failed} ${failed === 1 ? "file" : "files"} could not be read`]),
      ...(unreadable.length === 0 ? [] : [`${foldersOf(unreadable)} could not be read`]),
      ...(pending === 0 ? [] : [`${pending} files were left`]),
    ];
    throw new ImportFailed({
      code: "IMPORT_INCOMPLETE",
      message: `Import ${this.#settings.name} is not complete: ${what.join(", ")}. Everything else is stored.`,
      hint: "Give this user the right to read them, or leave them out with exclude; then run again: only what is left is read.",
      details: { unreadable, files },
    });
  }

  async #finish(state: string): Promise<void> {
    const { connection, lock } = this.#context;
    if (connection.lost.aborted || lock.lost.aborted) return;
    await this.#runs.finish(connection, state, this.#summary()).catch(() => {});
  }

  #summary(): object {
    const { stored, moved, restored, bytesRead } = this.#context.so;
    return { stored, moved, restored, bytesRead };
  }

  #warn(problem: Problem): void {
    const { so, observe } = this.#context;
    const key = `${problem.code} ${problem.message}`;
    if (so.warnings.has(key)) return;
    so.warnings.set(key, problem);
    observe({ kind: "import-warning", import: this.#settings.name, problem });
  }

  /** Every worker has the same to say about this machine: once is enough. */
  #notice(message: string): void {
    if (this.#noticed.has(message)) return;
    this.#noticed.add(message);
    this.#context.observe({ kind: "import-notice", import: this.#settings.name, message });
  }

  #patience(): string {
    return `Trying again for up to ${Math.round(this.#settings.patienceMs / 60_000)} min; what was committed stays.`;
  }

  #nothingFound({ counts, outside }: ScanResult): ImportFailed {
    const { name, description, pattern } = this.#settings;
    const found = counts.outside + counts.ignored;
    const example = outside[0] === undefined ? "" : `, for example ${outside[0]}`;
    return new ImportFailed({
      code: "ORIGIN_BASE_EMPTY",
      message:
        counts.outside > 0
          ? `No file of ${description} lies where ${pattern} says; ${counts.outside} lie elsewhere${example}.`
          : `There is no file in ${description}${found > 0 ? ` but ${found} that are left out` : ""}: nothing was imported, and nothing marked as missing.`,
      hint: `Is the folder right, and is the share mounted? Its files belong at ${pattern} (imports.${name}.pattern).`,
    });
  }

  #rowsVanish(count: number): ImportFailed {
    return new ImportFailed({
      code: "IMPORT_INCOMPLETE",
      message: `${count} rows that were written to ${this.#settings.table.name} are not there.`,
      hint: "A trigger or a rule of the table takes them away, or row-level security hides them from this role.",
    });
  }
}

/** `2 folders (a, b)` */
function foldersOf(unreadable: ScanResult["unreadable"]): string {
  const names = unreadable.slice(0, 3).map(({ path }) => path);
  const more = unreadable.length > names.length ? ", …" : "";
  return `${unreadable.length} ${unreadable.length === 1 ? "folder" : "folders"} (${names.join(", ")}${more})`;
}

function warningsOf(result: ScanResult, description: string): readonly Problem[] {
  const { outside, counts, unreadable, loops } = result;
  return [
    ...(counts.outside === 0
      ? []
      : [
          {
            code: "IMPORT_OUTSIDE_PATTERN" as const,
            message: `${counts.outside} ${counts.outside === 1 ? "file does" : "files do"} not lie where the pattern says and ${counts.outside === 1 ? "is" : "are"} left out, for example ${outside[0]}.`,
            hint: "Move them, or change the pattern of the import.",
          },
        ]),
    ...unreadable.slice(0, 10).map((each) => ({
      code: "ORIGIN_FOLDER_UNREADABLE" as const,
      message: each.message,
      hint: "What was imported from it before stays as it is.",
    })),
    ...loops.slice(0, 10).map((path) => ({
      code: "ORIGIN_FOLDER_UNREADABLE" as const,
      message: `Link ${path} leads to a folder of ${description} that is read anyway, and is not followed.`,
    })),
  ];
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

function coloursUnknown(name: string, files: number): Problem {
  return {
    code: "IMPORT_COLOURS_UNKNOWN",
    message: `The colours of ${files} stored images of import ${name} are not known: an earlier release read them.`,
    hint: `They are compared by shape alone, and godwit duplicates says so. To read them once more: godwit import ${name} --colours`,
    details: { files },
  };
}
