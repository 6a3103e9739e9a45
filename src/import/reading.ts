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
import { refuseOther } from "../origin/failures.ts";
import { HASH_VERSION } from "../pixels/pixels.ts";
import { delay } from "../std/time.ts";
import { type CommitParts, commitOutcomes, type Outcome } from "./commit.ts";
import type { ObserveImport } from "./events.ts";
import { createRate, type Figures, remainingMs } from "./figures.ts";
import { workerSettings } from "./memory.ts";
import { type Answer, type PoolEvent, type Worker, WorkerPool } from "./pool.ts";
import type { Progress } from "./progress.ts";
import type { FileJob } from "./protocol.ts";
import { type Pending, Queue } from "./queue.ts";
import { originAway, PASSING, type Reach } from "./reach.ts";
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
const MAX_RESTS = 3;
/** Workers in a row that ended before they ran. */
const MAX_STILLBORN = 10;
/** Images in a row that ended their worker, without one in between that did not. */
const MAX_SUSPECTS = 20;

export class Reading implements AsyncDisposable {
  readonly #settings: ImportSettings;
  readonly #context: ReadingContext;
  readonly #queue: Queue;
  readonly #pool: WorkerPool;
  readonly #total: { readonly files: number; readonly bytes: number };
  readonly #again: FileJob[] = [];
  /** Images that ended their worker, until another one shows that not all of them do. */
  readonly #suspects: { readonly job: FileJob; readonly reason: string }[] = [];
  /** To be read alone, because a worker died with them in hand. */
  readonly #alone: FileJob[] = [];
  readonly #aloneNow = new Map<number, string>();
  readonly #tried = new Set<string>();
  readonly #resting: { job: FileJob; until: number; rests: number }[] = [];
  readonly #rests = new Map<string, number>();
  readonly #scannedAt = performance.now();
  #answered: { readonly outcome: Outcome; readonly bytes: number }[] = [];
  #lastCommit = performance.now();
  #lastSaid = 0;
  #lastObserved = 0;
  #lostSince: number | undefined;
  #fatal: ImportFailed | undefined;
  #stillborn = 0;
  #wakeUp: () => void = () => {};
  /** Something came in while the loop was at work. */
  #news = false;
  readonly #done = { files: 0, bytes: 0, failed: 0, unsupported: 0, batches: 0 };
  readonly #rates = { files: createRate(), bytes: createRate() };

  constructor(settings: ImportSettings, pending: Pending, context: ReadingContext) {
    this.#settings = settings;
    this.#context = context;
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
        await this.#rest();
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
        this.#aloneNow.delete(event.worker.number);
        this.#stillborn = 0;
        this.#answer(event.job, event.answer);
        break;
      case "crashed":
        this.#aloneNow.delete(event.worker.number);
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
        if (answer.code === "FILE_CHANGED" && this.#mayRest(job)) return;
        this.#refuse(job, { code: answer.code, reason: answer.message });
        return;
      case "thumbnail":
        return;
    }
  }

  #crashed({ jobs, how, began, timedOut, worker }: PoolEvent & { kind: "crashed" }): void {
    if (!began) {
      for (const job of jobs) (this.#tried.has(job.id) ? this.#alone : this.#again).push(job);
      if (++this.#stillborn >= MAX_STILLBORN) this.#fatal ??= this.#noWorkers(how);
      return;
    }
    this.#stillborn = 0;
    for (const job of jobs) {
      const wasAlone = jobs.length === 1 && this.#tried.has(job.id);
      if (!wasAlone) {
        this.#tried.add(job.id);
        this.#alone.push(job);
      } else if (timedOut?.id === job.id) {
        const seconds = Math.round(this.#settings.fileTimeoutMs / 1000);
        this.#refuse(job, { code: "IMAGE_TIMEOUT", reason: `It could not be hashed within ${seconds} s.` });
      } else {
        this.#suspects.push({ job, reason: `It ended the process that decoded it (${how}), twice.` });
        if (this.#suspects.length >= MAX_SUSPECTS) this.#fatal ??= this.#allCrash(how);
      }
    }
    this.#context.notice(
      `worker ${worker.number} ended (${how}) with ${jobs.length} files in hand; they are tried one by one`,
    );
  }

  /** A worker can decode images, so it is those that end it that are to blame. */
  #blame(): void {
    for (const { job, reason } of this.#suspects.splice(0))
      this.#refuse(job, { code: "IMAGE_CRASHED", reason });
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

  #noWorkers(how: string): ImportFailed {
    return new ImportFailed({
      code: "IMPORT_WORKERS",
      message: `The worker processes of import ${this.#settings.name} end before they do anything (${how}), ${this.#stillborn} in a row.`,
      hint: "Has the machine (or the container) memory left, and may this user start processes? Then run again: no file was blamed.",
    });
  }

  #allCrash(how: string): ImportFailed {
    return new ImportFailed({
      code: "IMPORT_WORKERS",
      message: `The worker processes of import ${this.#settings.name} ended (${how}) over each of ${this.#suspects.length} images in a row, and decoded none in between.`,
      hint: "Has the machine (or the container) memory left, and does `npm rebuild sharp` help? Then run again: no file was blamed.",
    });
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
      while (worker.jobs.size < depth && !this.#aloneNow.has(worker.number)) {
        const job = this.#next(worker);
        if (job === undefined) break;
        this.#pool.send(worker, job);
      }
  }

  #next(worker: Worker): FileJob | undefined {
    if (this.#alone.length > 0) {
      // This one waits until it is idle; with several workers the others go on.
      if (this.#aloneNow.size > 0 && this.#pool.workers.length > 1) return this.#ordinary(worker);
      if (worker.jobs.size > 0) return undefined;
      const job = this.#alone.shift();
      if (job !== undefined) this.#aloneNow.set(worker.number, job.id);
      return job;
    }
    return this.#ordinary(worker);
  }

  #ordinary(worker: Worker): FileJob | undefined {
    for (;;) {
      const job = this.#again.shift() ?? this.#queue.take(worker.number);
      if (job === undefined || !this.#isFresh(job)) return job;
      this.#resting.push({ job, until: this.#scannedAt + this.#settings.settleMs, rests: 0 });
    }
  }

  /** Changed a moment ago, so perhaps still being written: it is read when it has rested, if it then looks the same. */
  #isFresh(job: FileJob): boolean {
    const rested = performance.now() - this.#scannedAt >= this.#settings.settleMs;
    return !rested && job.mtimeMs > Date.now() - this.#settings.settleMs;
  }

  #mayRest(job: FileJob): boolean {
    const rests = (this.#rests.get(job.id) ?? 0) + 1;
    this.#rests.set(job.id, rests);
    if (rests > MAX_RESTS) return false;
    this.#resting.push({ job, until: performance.now() + this.#settings.settleMs, rests });
    return true;
  }

  /**
   * Files whose rest is over are looked at again. One that looks as it did before is read; any other rests anew: a
   * writer that is slow, where times are in whole seconds, may leave it as it is for as long as reading takes.
   */
  async #rest(): Promise<void> {
    const now = performance.now();
    const over = this.#resting.filter((each) => each.until <= now);
    if (over.length === 0) return;
    this.#resting.splice(0, this.#resting.length, ...this.#resting.filter((each) => each.until > now));
    for (const { job, rests } of over) {
      if (rests === 0) {
        this.#again.push(job);
        continue;
      }
      let found = job;
      try {
        const signal = this.#context.signal;
        const looks = await this.#context.reach.with((origin) => origin.stat(job.path, { signal }));
        found = { ...job, ...looks };
        refuseOther(job.path, job, looks);
        this.#again.push(found);
      } catch (error) {
        if (!(error instanceof ImportFailed) || PASSING.has(error.code)) throw error;
        if (error.code === "FILE_CHANGED" && this.#mayRest(found)) continue;
        this.#refuse(found, { code: error.code, reason: error.message });
      }
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
      this.#alone.length === 0 &&
      this.#resting.length === 0 &&
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
