/**
 * Reads all pending files: hands them to the workers and commits the answers.
 *
 *   pending ─► handed out ─► described or refused ─► committed
 *      ▲            │
 *      │            ├─ the connection broke ──► handed out again
 *      │            ├─ its worker died ───────► handed out alone; died again: in quarantine
 *      │            ├─ its worker never ran ──► handed out again; workers never run: the import gives up
 *      │            └─ it changed meanwhile ──► handed out when it has rested; still changing: stays for the next run
 *      └─ this process ends in any other way
 */
import { ImportFailed, type Problem } from "../errors.ts";
import type { Results } from "../images/results.ts";
import type { Runs } from "../images/runs.ts";
import { delay } from "../std/time.ts";
import { Answers } from "./answers.ts";
import type { CommitParts } from "./commit.ts";
import { Crashes } from "./crashes.ts";
import type { ObserveImport } from "./events.ts";
import { workerSettings } from "./memory.ts";
import { type Answer, type PoolEvent, type Worker, WorkerPool } from "./pool.ts";
import type { Progress } from "./progress.ts";
import type { FileJob } from "./protocol.ts";
import { type Pending, Queue } from "./queue.ts";
import { originAway, PASSING, type Reach } from "./reach.ts";
import { Resting } from "./resting.ts";
import { FILES_PER_BATCH, type ImportSettings } from "./settings.ts";
import { Tally } from "./tally.ts";

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
  readonly progress: Progress;
}

const SAY_EVERY_MS = 3_000;
const OBSERVE_EVERY_MS = 250;
/** After a signal the files that are being read have this long to finish. */
const GRACE_MS = 10_000;

export class Reading implements AsyncDisposable {
  readonly #settings: ImportSettings;
  readonly #context: ReadingContext;
  readonly #queue: Queue;
  readonly #pool: WorkerPool;
  readonly #again: FileJob[] = [];
  readonly #crashes: Crashes;
  readonly #resting: Resting;
  readonly #tally: Tally;
  readonly #answers: Answers;
  #lastSaid = 0;
  #lastObserved = 0;
  #lostSince: number | undefined;
  #fatal: ImportFailed | undefined;
  #wakeUp: () => void = () => {};
  /** Something has arrived while the loop was busy, so the loop does not sleep. */
  #news = false;

  constructor(settings: ImportSettings, pending: Pending, context: ReadingContext) {
    this.#settings = settings;
    this.#context = context;
    this.#crashes = new Crashes(settings);
    this.#resting = new Resting({
      settleMs: settings.settleMs,
      reach: context.reach,
      signal: context.signal,
    });
    this.#tally = new Tally({
      name: settings.name,
      total: { files: pending.ids.length, bytes: pending.sizes.reduce((sum, size) => sum + size, 0) },
      progress: context.progress,
      observe: context.observe,
    });
    const workers = settings.batched ? settings.workers : 1;
    this.#queue = new Queue(pending, {
      bytes: settings.batchBytes,
      files: FILES_PER_BATCH,
      atOnce: workers,
      load: (ids) => context.results.filesOf(context.commit.connection, ids),
    });
    this.#answers = new Answers({ ...context, queue: this.#queue, tally: this.#tally });
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
    this.#tally.sample();
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
          else this.#answers.refused(job, refused);
        await this.#queue.refill();
        this.#handOut();
        if (this.#answers.isCommitDue) await this.#answers.commit();
        await this.#tell();
        if (this.#isOver()) break;
        await this.#sleep();
      }
      this.#blame();
      await this.#answers.commit();
      await this.#tell(true);
    } finally {
      stop.removeEventListener("abort", wake);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool.close();
  }

  // Incoming events.

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
      case "described":
        this.#blame();
        this.#answers.described(job, answer);
        return;
      case "refused":
        if (answer.code === "FILE_CHANGED" && this.#resting.takesAgain(job)) return;
        this.#answers.refused(job, { code: answer.code, reason: answer.message });
        return;
      case "thumbnail":
        return;
    }
  }

  #crashed(event: PoolEvent & { kind: "crashed" }): void {
    const { again, blamed, fatal, notice } = this.#crashes.heard(event);
    this.#again.push(...again);
    for (const each of blamed) this.#answers.refused(each.job, each);
    if (fatal !== null) this.#fatal ??= fatal;
    if (notice !== null) this.#context.notice(notice);
  }

  #blame(): void {
    for (const each of this.#crashes.blame()) this.#answers.refused(each.job, each);
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

  // Outgoing files and results.

  #handOut(): void {
    if (this.#answers.isFull) return;
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

  /** Waits for the files that are being read, commits them, and throws `reason`. */
  async #stop(reason: unknown): Promise<never> {
    const deadline = performance.now() + GRACE_MS;
    const { lock, connection } = this.#context;
    while (this.#pool.busy && performance.now() < deadline) {
      if (this.#lostSince !== undefined || lock.lost.aborted || connection.lost.aborted) break;
      await this.#sleep();
    }
    if (!lock.lost.aborted && !connection.lost.aborted) await this.#answers.commit();
    throw reason;
  }

  // The end, and reports.

  #isOver(): boolean {
    return (
      this.#queue.empty &&
      this.#again.length === 0 &&
      this.#crashes.isEmpty &&
      this.#resting.isEmpty &&
      !this.#pool.busy
    );
  }

  async #tell(last = false): Promise<void> {
    const now = performance.now();
    if (!last && now - this.#lastObserved < OBSERVE_EVERY_MS) return;
    this.#lastObserved = now;
    this.#tally.sample();
    const figures = this.#tally.figures(this.#queue, this.#pool.workers);
    this.#context.observe({ kind: "import-progress", import: this.#settings.name, figures });
    if (!last && now - this.#lastSaid < SAY_EVERY_MS) return;
    this.#lastSaid = now;
    await this.#context.commit.transaction((to) => this.#context.runs.say(to, "reading", figures));
  }

  /** Waits until something arrives. The wait is short, because commits, resting files and figures are due by time. */
  async #sleep(): Promise<void> {
    if (!this.#news) {
      const woken = new AbortController();
      this.#wakeUp = () => woken.abort();
      await delay(OBSERVE_EVERY_MS, woken.signal).catch(() => {});
    }
    this.#news = false;
  }
}
