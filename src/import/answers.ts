/**
 * The answers of the workers that are not committed yet. They are committed together, every second or every few hundred
 * files. A crash loses at most the answers that wait here, and their files are read again.
 */
import type { Refused, Stored } from "../images/results.ts";
import type { Runs } from "../images/runs.ts";
import { HASH_VERSION } from "../pixels/pixels.ts";
import { type CommitParts, commitResults, type FileResult } from "./commit.ts";
import type { Answer } from "./pool.ts";
import type { Progress } from "./progress.ts";
import type { FileJob } from "./protocol.ts";
import type { Queue } from "./queue.ts";
import { isTrouble, type Tally } from "./tally.ts";

const COMMIT_EVERY_MS = 1_000;
const COMMIT_FILES = 300;
/** How many answers may wait for a commit. At this number no more files are handed out. */
const MAX_WAITING = 2_000;

export interface AnswersOptions {
  readonly commit: CommitParts;
  readonly runs: Runs;
  readonly queue: Queue;
  readonly tally: Tally;
  readonly progress: Progress;
}

export class Answers {
  readonly #options: AnswersOptions;
  #waiting: { readonly result: FileResult; readonly bytes: number }[] = [];
  #lastCommit = performance.now();

  constructor(options: AnswersOptions) {
    this.#options = options;
  }

  get isFull(): boolean {
    return this.#waiting.length > MAX_WAITING;
  }

  get isCommitDue(): boolean {
    if (this.#waiting.length >= COMMIT_FILES) return true;
    return this.#waiting.length > 0 && performance.now() - this.#lastCommit >= COMMIT_EVERY_MS;
  }

  described(job: FileJob, { description }: Answer & { kind: "described" }): void {
    const stored: Stored = {
      id: job.id,
      sizeBytes: job.sizeBytes,
      mtimeMs: job.mtimeMs,
      content: { ...description, hashVersion: HASH_VERSION },
    };
    this.#waiting.push({ result: { kind: "stored", path: job.path, stored }, bytes: job.sizeBytes });
  }

  refused(job: FileJob, { code, reason }: { readonly code: string; readonly reason: string }): void {
    const refused: Refused = { id: job.id, state: stateOf(code), code, reason };
    this.#waiting.push({ result: { kind: "refused", path: job.path, refused }, bytes: job.sizeBytes });
  }

  async commit(): Promise<void> {
    const { commit, runs, queue, tally, progress } = this.#options;
    const committing = this.#waiting;
    this.#waiting = [];
    this.#lastCommit = performance.now();
    if (committing.length === 0) return;
    const { moves, refused } = await commitResults(
      commit,
      committing.map((each) => each.result),
    );
    const refusedByDatabase = new Map(refused.map((each) => [each.refused.id, each.refused]));
    const batches = new Map<number, { number: number; done: number; failed: number; over: boolean }>();
    for (const { result, bytes } of committing) {
      const id = result.kind === "stored" ? result.stored.id : result.refused.id;
      const why = result.kind === "refused" ? result.refused : refusedByDatabase.get(id);
      tally.count(result.path, why, bytes);
      const failed = why !== undefined && isTrouble(why);
      const { batch, over } = queue.settle(id, failed);
      if (batch === undefined) continue;
      batches.set(batch.number, { number: batch.number, done: batch.done, failed: batch.failed, over });
      if (over) tally.batchDone(batch, queue.batches.length);
    }
    progress.moved += moves.length;
    if (batches.size > 0)
      await commit.transaction(async (to) => {
        for (const batch of batches.values()) await runs.sayBatch(to, batch);
      });
  }
}

/** The state of a file that was refused with this code. */
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
