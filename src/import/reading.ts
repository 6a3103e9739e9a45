/**
 * From what is pending to what is committed: hands files to the workers and makes their answers last.
 *
 *   pending ─► handed out ─► described or refused ─► committed
 *      ▲            │
 *      │            ├─ the connection broke ──► handed out again
 *      │            ├─ its worker died ───────► handed out alone; died again: in quarantine
 *      │            ├─ its worker never ran ──► handed out again; workers never run: the import gives up
 *      │            └─ it changed meanwhile ──► handed out when it has rested; still changing: left for the next run
 *      └─ everything else that ends this process
 */
import { ImportFailed, type Problem } from "../errors.ts";
import type { Refused, Results, Stored } from "../images/results.ts";
import type { Runs } from "../images/runs.ts";
import { HASH_VERSION } from "../pixels/pixels.ts";
import { delay } from "../std/time.ts";
import { type CommitParts, commitOutcomes, type Outcome } from "./commit.ts";
import { Crashes } from "./crashes.ts";
import type { ObserveImport } from "./events.ts";
import { createRate, type Figures, remainingMs } from "./figures.ts";
import { workerSettings } from "./memory.ts";
import { type Answer, type PoolEvent, type Worker, WorkerPool } from "./pool.ts";
import type { Progress } from "./progress.ts";
import type { FileJob } from "./protocol.ts";
import { type Pending, Queue } from "./queue.ts";
import { originAway, PASSING, type Reach } from "./reach.ts";
import { Resting } from "./resting.ts";
import { FILES_PER_BATCH, type ImportSettings } from "./settings.ts";

export interface ReadingContext {
  readonly signal: AbortSignal;
  readonly lock: { readonly lost: AbortSignal };
  readonly connection: { readonly lost: AbortSignal };
  readonly reach: Reach;
  readonly results: Results;
  readonly runs: Runs;
  readonly commit: CommitParts;
  readonly observe: ObserveImport;
  readonly warn: (problem: Problem) => void;
  readonly notice: (message: string) => void;
  readonly so: Progress;
}

const COMMIT_EVERY_MS = 1_000;
const COMMIT_FILES = 300;
/** Answers that wait to be committed before nothing more is handed out. */
const MAX_WAITING = 2_000;
const SAY_EVERY_MS = 3_000;
const OBSERVE_EVERY_MS = 250;
/** After a signal: how long files in hand may take to their end. */
const GRACE_MS = 10_000;

export class Reading implements AsyncDisposable {
  readonly #settings: ImportSettings;
  readonly #context: ReadingContext;
  readonly #queue: Queue;
  readonly #pool: WorkerPool;
  readonly #total: { readonly files: number; readonly bytes: number };
  readonly #again: FileJob[] = [];
  readonly #crashes: Crashes;
  readonly #resting: Resting;
  #answered: { readonly outcome: Outcome; readonly bytes: number }[] = [];
  #lastCommit = performance.now();
  #lastSaid = 0;
  #lastObserved = 0;
  #lostSince: number | undefined;
  #fatal: ImportFailed | undefined;
  #wakeUp: () => void = () => {};
  /** Something came in while the loop was at work. */
  #news = false;
  readonly #done = { files: 0, bytes: 0, failed: 0, unsupported: 0, batches: 0 };
  readonly #rates = { files: createRate(), bytes: createRate() };

  constructor(settings: ImportSettings, pending: Pending, context: ReadingContext) {
    this.#settings = settings;
    this.#context = context;
    this.#crashes = new Crashes(settings);
    this.#resting = new Resting({
      settleMs: settings.settleMs,
      reach: context.reach,
      signal: context.signal,
    });
    this.#total = { files: pending.ids.length, bytes: pending.sizes.reduce((sum, size) => sum + size, 0) };
    const workers = settings.batched ? settings.workers : 1;
    this.#queue = new Queue(pending, {
      bytes: settings.batchBytes,
      files: FILES_PER_BATCH,
      atOnce: workers,
      load: (ids) => context.results.filesOf(context.commit.connection, ids),
    });
    this.#pool = new WorkerPool({
      workers,
      settings: workerSettings(settings),
      fileTimeoutMs: settings.fileTimeoutMs,
      on: (event) => this.#heard(event),
    });
  }

  async run(): Promise<void> {
    const { signal, lock, connection, runs, commit } = this.#context;
    await commit.transaction((to) => runs.planBatches(to, this.#queue.batches));
    const stop = AbortSignal.any([signal, lock.lost, connection.lost]);
    const wake = () => this.#wake();
    stop.addEventListener("abort", wake, { once: true });
    this.#sample();
    try {
      for (;;) {
        lock.lost.throwIfAborted();
        connection.lost.throwIfAborted();
        if (this.#fatal !== undefined) await this.#stop(this.#fatal);
        if (signal.aborted) await this.#stop(signal.reason);
        this.#refuseLongOutage();
        if (this.#fatal !== undefined) continue;
        for (const { job, refused } of await this.#resting.over())
          if (refused === null) this.#again.push(job);
          else this.#refuse(job, refused);
        await this.#queue.refill();
        this.#handOut();
        if (this.#isCommitDue()) await this.#commit();
        await this.#tell();
        if (this.#isOver()) break;
        await this.#sleep();
      }
      this.#blame();
      await this.#commit();
      await this.#tell(true);
    } finally {
      stop.removeEventListener("abort", wake);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool.close();
  }

  // What comes in

  #heard(event: PoolEvent): void {
    switch (event.kind) {
      case "fetched":
        this.#lostSince = undefined;
        break;
      case "answer":
        this.#crashes.answered(event.worker);
        this.#answer(event.job, event.answer);
        break;
      case "crashed":
        this.#crashed(event);
        break;
      case "origin":
        this.#originLost(event);
        break;
      case "notice":
        this.#context.notice(event.message);
        return;
    }
    this.#wake();
  }

  #answer(job: FileJob, answer: Answer): void {
    switch (answer.kind) {
      case "interrupted":
        this.#again.push(job);
        return;
      case "described": {
        this.#blame();
        const { description } = answer;
        const stored: Stored = {
          id: job.id,
          sizeBytes: job.sizeBytes,
          mtimeMs: job.mtimeMs,
          content: { ...description, hashVersion: HASH_VERSION },
        };
        this.#answered.push({ outcome: { kind: "stored", path: job.path, stored }, bytes: job.sizeBytes });
        return;
      }
      case "refused":
        if (answer.code === "FILE_CHANGED" && this.#resting.takesAgain(job)) return;
        this.#refuse(job, { code: answer.code, reason: answer.message });
        return;
      case "thumbnail":
        return;
    }
  }

  #crashed(event: PoolEvent & { kind: "crashed" }): void {
    const { again, blamed, fatal, notice } = this.#crashes.heard(event);
    this.#again.push(...again);
    for (const each of blamed) this.#refuse(each.job, each);
    if (fatal !== null) this.#fatal ??= fatal;
    if (notice !== null) this.#context.notice(notice);
  }

  #blame(): void {
    for (const each of this.#crashes.blame()) this.#refuse(each.job, each);
  }

  #refuse(job: FileJob, { code, reason }: { readonly code: string; readonly reason: string }): void {
    const refused: Refused = { id: job.id, state: stateOf(code), code, reason };
    this.#answered.push({ outcome: { kind: "refused", path: job.path, refused }, bytes: job.sizeBytes });
  }

  #originLost(event: PoolEvent & { kind: "origin" }): void {
    const problem = { code: event.code as never, message: event.message, hint: event.hint };
    if (!PASSING.has(event.code)) {
      this.#fatal ??= new ImportFailed(problem);
      return;
    }
    if (this.#lostSince === undefined) {
      this.#lostSince = performance.now();
      const minutes = Math.max(1, Math.round(this.#settings.patienceMs / 60_000));
      this.#context.warn({
        ...problem,
        hint: `Trying again for up to ${minutes} min; what was committed stays.`,
      });
    }
  }

  #wake(): void {
    this.#news = true;
    this.#wakeUp();
  }

  #refuseLongOutage(): void {
    if (this.#lostSince === undefined) return;
    const lostMs = performance.now() - this.#lostSince;
    if (lostMs <= this.#settings.patienceMs) return;
    this.#fatal = originAway(this.#settings.description, lostMs);
  }

  // What goes out

  #handOut(): void {
    if (this.#answered.length > MAX_WAITING) return;
    const depth = this.#settings.batched ? 8 : 1;
    for (const worker of this.#pool.workers)
      while (worker.jobs.size < depth && !this.#crashes.isAlone(worker)) {
        const job = this.#next(worker);
        if (job === undefined) break;
        this.#pool.send(worker, job);
      }
  }

  #next(worker: Worker): FileJob | undefined {
    const alone = this.#crashes.next(worker, this.#pool.workers.length);
    if (alone !== undefined) return alone === "wait" ? undefined : alone;
    for (;;) {
      const job = this.#again.shift() ?? this.#queue.take(worker.number);
      if (job === undefined || !this.#resting.takes(job)) return job;
    }
  }

  // What lasts

  #isCommitDue(): boolean {
    if (this.#answered.length >= COMMIT_FILES) return true;
    return this.#answered.length > 0 && performance.now() - this.#lastCommit >= COMMIT_EVERY_MS;
  }

  async #commit(): Promise<void> {
    const answered = this.#answered;
    this.#answered = [];
    this.#lastCommit = performance.now();
    if (answered.length === 0) return;
    const { commit, runs, so } = this.#context;
    const { moves, refused } = await commitOutcomes(
      commit,
      answered.map((each) => each.outcome),
    );
    const notTaken = new Map(refused.map((each) => [each.refused.id, each.refused]));
    const batches = new Map<number, { number: number; done: number; failed: number; over: boolean }>();
    for (const { outcome, bytes } of answered) {
      const id = outcome.kind === "stored" ? outcome.stored.id : outcome.refused.id;
      const why = outcome.kind === "refused" ? outcome.refused : notTaken.get(id);
      this.#count(outcome.path, why, bytes);
      const failed = why !== undefined && isTrouble(why);
      const { batch, over } = this.#queue.settle(id, failed);
      if (batch === undefined) continue;
      batches.set(batch.number, { number: batch.number, done: batch.done, failed: batch.failed, over });
      if (over) this.#batchDone(batch);
    }
    so.moved += moves.length;
    if (batches.size > 0)
      await commit.transaction(async (to) => {
        for (const batch of batches.values()) await runs.sayBatch(to, batch);
      });
  }

  #count(path: string, why: Refused | undefined, bytes: number): void {
    const { so, observe } = this.#context;
    this.#done.files++;
    this.#done.bytes += bytes;
    so.bytesRead += bytes;
    if (why === undefined) so.stored++;
    else if (!isTrouble(why)) this.#done.unsupported += why.state === "unsupported" ? 1 : 0;
    else {
      this.#done.failed++;
      const { state, code, reason } = why;
      observe({
        kind: "import-trouble",
        import: this.#settings.name,
        trouble: { path, state, code, reason },
      });
    }
  }

  #batchDone(batch: {
    number: number;
    files: number;
    bytes: number;
    failed: number;
    startedAt: number;
  }): void {
    this.#done.batches++;
    this.#context.observe({
      kind: "import-batch-done",
      import: this.#settings.name,
      batch: batch.number,
      batches: this.#queue.batches.length,
      files: batch.files,
      bytes: batch.bytes,
      failed: batch.failed,
      durationMs: performance.now() - batch.startedAt,
    });
  }

  /** Lets the files in hand come to their end, commits them, and then throws. */
  async #stop(reason: unknown): Promise<never> {
    const deadline = performance.now() + GRACE_MS;
    const { lock, connection } = this.#context;
    while (this.#pool.busy && performance.now() < deadline) {
      if (this.#lostSince !== undefined || lock.lost.aborted || connection.lost.aborted) break;
      await this.#sleep();
    }
    if (!lock.lost.aborted && !connection.lost.aborted) await this.#commit();
    throw reason;
  }

  // How far it is

  #isOver(): boolean {
    return (
      this.#queue.empty &&
      this.#again.length === 0 &&
      this.#crashes.isEmpty &&
      this.#resting.isEmpty &&
      !this.#pool.busy
    );
  }

  #sample(): void {
    const now = performance.now();
    this.#rates.files.add(now, this.#done.files);
    this.#rates.bytes.add(now, this.#done.bytes);
  }

  async #tell(last = false): Promise<void> {
    const now = performance.now();
    if (!last && now - this.#lastObserved < OBSERVE_EVERY_MS) return;
    this.#lastObserved = now;
    this.#sample();
    const figures = this.figures();
    this.#context.observe({ kind: "import-progress", import: this.#settings.name, figures });
    if (!last && now - this.#lastSaid < SAY_EVERY_MS) return;
    this.#lastSaid = now;
    await this.#context.commit.transaction((to) => this.#context.runs.say(to, "reading", figures));
  }

  figures(): Figures {
    const rates = {
      filesPerSecond: this.#rates.files.perSecond(),
      bytesPerSecond: this.#rates.bytes.perSecond(),
    };
    const files = { done: this.#done.files, total: this.#total.files };
    const bytes = { done: this.#done.bytes, total: this.#total.bytes };
    const counts = this.#context.so.scan?.counts;
    return {
      stage: "reading",
      seen: { folders: counts?.folders ?? 0, files: counts?.files ?? 0, bytes: counts?.bytes ?? 0 },
      files,
      bytes,
      stored: this.#context.so.stored,
      failed: this.#done.failed,
      unsupported: this.#done.unsupported,
      ...rates,
      remainingMs: remainingMs(files, bytes, rates),
      batches: {
        done: this.#done.batches,
        total: this.#queue.batches.length,
        running: this.#queue.running.map((batch) => batch.number),
      },
      workers: this.#pool.workers.map(({ number, pid, jobs }) => ({
        number,
        pid,
        paths: [...jobs.values()].map((job) => job.path),
      })),
    };
  }

  /** Until something comes in, but not for long: commits, rests and figures have their times. */
  async #sleep(): Promise<void> {
    if (!this.#news) {
      const woken = new AbortController();
      this.#wakeUp = () => woken.abort();
      await delay(OBSERVE_EVERY_MS, woken.signal).catch(() => {});
    }
    this.#news = false;
  }
}

/** What becomes of a file that was refused for this reason. */
function stateOf(code: string): Refused["state"] {
  switch (code) {
    case "IMAGE_UNSUPPORTED":
      return "unsupported";
    case "FILE_CHANGED":
      return "changing";
    case "FILE_GONE":
      return "missing";
    case "FILE_UNREADABLE":
      return "failed";
    default:
      return "quarantined";
  }
}

function isTrouble({ state }: Refused): boolean {
  return state === "quarantined" || state === "failed";
}
