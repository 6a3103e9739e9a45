/**
 * The worker processes of an import.
 *
 *   starting ─► idle ◄─► busy ─► ended       (by the pool, by itself, or because of a file)
 *                          │
 *                          └─► its files come back as `crashed`, and the caller decides which ones to try again
 *
 * The pool ends a worker that takes too long over an image, because a decoder cannot be interrupted.
 */

import { type ChildProcess, fork } from "node:child_process";
import { ownFile } from "../host/own-files.ts";
import type { FileJob, FromWorker, ToWorker, WorkerSettings } from "./protocol.ts";

export interface PoolOptions {
  readonly workers: number;
  readonly settings: WorkerSettings;
  /** How long one image may take, in milliseconds. */
  readonly fileTimeoutMs: number;
  readonly on: (event: PoolEvent) => void;
}

export type PoolEvent =
  | { readonly kind: "answer"; readonly worker: Worker; readonly job: FileJob; readonly answer: Answer }
  | { readonly kind: "fetched"; readonly worker: Worker; readonly bytes: number }
  | {
      readonly kind: "origin";
      readonly code: string;
      readonly message: string;
      readonly hint: string | undefined;
    }
  | { readonly kind: "notice"; readonly message: string }
  /** A worker ended while it held these files. */
  | {
      readonly kind: "crashed";
      readonly worker: Worker;
      readonly jobs: readonly FileJob[];
      readonly how: string;
      /** Whether the worker ever ran. If not, no file can have ended it. */
      readonly began: boolean;
      readonly timedOut: FileJob | null;
    };

export type Answer = Extract<FromWorker, { readonly id: string }> & {
  readonly kind: "described" | "thumbnail" | "refused" | "interrupted";
};

export interface Worker {
  readonly number: number;
  readonly pid: number;
  readonly jobs: ReadonlyMap<string, FileJob>;
}

interface Member extends Worker {
  readonly child: ChildProcess;
  readonly jobs: Map<string, FileJob>;
  readonly decodingSince: Map<string, number>;
  began: boolean;
  ending: boolean;
  timedOut: FileJob | null;
}

/**
 * Settings of the C allocator, which reads them when a process starts. Without them a third of the time goes into
 * page faults. Freed memory is kept for the next image. A freed piece that has lost a corner to something small does
 * not fit the next image. So this holds only for images of which two fit. Larger images get their own pages and
 * return them.
 */
function malloc({ heldBytes }: WorkerSettings): NodeJS.ProcessEnv {
  return {
    MALLOC_MMAP_THRESHOLD_: String(Math.floor(heldBytes * 0.4)),
    MALLOC_TRIM_THRESHOLD_: "4294967296",
    MALLOC_ARENA_MAX: "1",
  };
}

export class WorkerPool implements AsyncDisposable {
  readonly #options: PoolOptions;
  readonly #members = new Set<Member>();
  readonly #watch: NodeJS.Timeout;
  #closed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
    for (let number = 1; number <= options.workers; number++) this.#start(number);
    this.#watch = setInterval(() => this.#endOverdue(), 1000);
  }

  get workers(): readonly Worker[] {
    return [...this.#members].filter((member) => !member.ending);
  }

  /** Whether any worker holds a file, including workers that are ending. */
  get busy(): boolean {
    return [...this.#members].some((member) => member.jobs.size > 0);
  }

  send(worker: Worker, job: FileJob): void {
    const member = worker as Member;
    member.jobs.set(job.id, job);
    tell(member.child, { kind: "file", job });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#watch);
    await Promise.all(
      [...this.#members].map(
        (member) =>
          new Promise<void>((resolve) => {
            if (member.child.exitCode !== null || member.child.signalCode !== null) return resolve();
            member.child.once("exit", () => resolve());
            // A worker has nothing to finish: only this process commits.
            member.child.kill("SIGKILL");
          }),
      ),
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #start(number: number): void {
    const child = fork(ownFile("import-worker.cjs"), [], {
      serialization: "advanced",
      env: { ...withoutSecrets(process.env), ...malloc(this.#options.settings) },
      // The output of native libraries does not belong into our log.
      stdio: ["ignore", "ignore", "ignore", "ipc"],
      execArgv: ["--expose-gc"],
    });
    const member: Member = {
      number,
      pid: child.pid ?? 0,
      child,
      jobs: new Map(),
      decodingSince: new Map(),
      began: false,
      ending: false,
      timedOut: null,
    };
    this.#members.add(member);
    child.on("message", (message: FromWorker) => this.#heard(member, message));
    child.on("error", () => this.#ended(member, "could not be started"));
    child.on("exit", (code, signal) => this.#ended(member, signal === null ? `exit code ${code}` : signal));
    tell(child, { kind: "start", settings: this.#options.settings });
  }

  #heard(member: Member, message: FromWorker): void {
    const { on } = this.#options;
    if (this.#closed) return;
    switch (message.kind) {
      case "ready":
        member.began = true;
        return;
      case "notice":
      case "origin":
        on(message);
        return;
      case "fetched":
        member.decodingSince.set(message.id, performance.now());
        on({ kind: "fetched", worker: member, bytes: message.bytes });
        return;
      default: {
        const job = member.jobs.get(message.id);
        member.jobs.delete(message.id);
        member.decodingSince.delete(message.id);
        if (job !== undefined) on({ kind: "answer", worker: member, job, answer: message });
      }
    }
  }

  #ended(member: Member, how: string): void {
    if (!this.#members.delete(member) || this.#closed) return;
    member.ending = true;
    this.#start(member.number);
    this.#options.on({
      kind: "crashed",
      worker: member,
      jobs: [...member.jobs.values()],
      how,
      began: member.began,
      timedOut: member.timedOut,
    });
  }

  #endOverdue(): void {
    const limit = performance.now() - this.#options.fileTimeoutMs;
    for (const member of this.#members)
      for (const [id, since] of member.decodingSince)
        if (since < limit && !member.ending) {
          member.ending = true;
          member.timedOut = member.jobs.get(id) ?? null;
          member.child.kill("SIGKILL");
        }
  }
}

function tell(child: ChildProcess, message: ToWorker): void {
  // If the worker has just ended, its `exit` event handles the file.
  if (child.connected) child.send(message, () => {});
}

/** The environment of a worker, without secrets. A worker contacts only the origin, and a message tells it how. */
function withoutSecrets(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept =
    /^(PATH|HOME|LANG|LC_.*|TZ|TMPDIR|TEMP|TMP|NODE_PATH|NODE_ENV|SystemRoot|LD_LIBRARY_PATH|FONTCONFIG_.*|XDG_.*|SSH_AUTH_SOCK|UV_THREADPOOL_SIZE)$/;
  return Object.fromEntries(Object.entries(environment).filter(([name]) => kept.test(name)));
}
