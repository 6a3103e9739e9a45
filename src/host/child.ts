/**
 * One process that runs user code.
 *
 *   started ─► working ─► ended      by us (SIGKILL), by itself, or by what user code made it do
 *
 * It has a process group of its own: Ctrl-C in a terminal does not reach it before we have decided, and what it has
 * started ends with it. A pipe that is never written to tells it that we are gone, also when it spins.
 */

import { type ChildProcess, spawn } from "node:child_process";
import type { Socket } from "node:net";
import type { Duplex, Readable } from "node:stream";
import { CHANNEL, type Channel, LIFELINE, openChannel } from "./channel.ts";
import { linesOf } from "./lines.ts";
import { ownFile } from "./own-files.ts";
import type { FromHost, Request, Thrown, ToHost } from "./protocol.ts";

export type Stream = "stdout" | "stderr";

/** What one request is told while it is under way. */
export interface Listener {
  readonly onMessage?: (
    message: FromHost & { readonly kind: "begun" | "statement" | "log" | "late" },
  ) => void;
  readonly onPrint?: (line: string, stream: Stream) => void;
  /** After the answer something threw where nobody could catch it, and no other request was under way. */
  readonly onOrphan?: (thrown: Thrown) => void;
  /** At the moment of the answer, before what was printed has been read. */
  readonly onSettled?: () => void;
}

export interface ChildOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** What is printed while no request, or more than one, is under way. */
  readonly print: (line: string, stream: Stream) => void;
}

/** The process ended, or user code threw where nobody could catch it, while something was asked. */
export class HostEnded extends Error {
  /** As the end of a sentence: `its process ended with exit code 0 (process.exit)`. */
  readonly how: string;
  /** The stack of whoever called `process.exit`, if that is known. */
  readonly exitStack: string | null;
  /** Nothing else was under way: then this request is what ended it. */
  readonly alone: boolean;
  /** What was thrown, where that was the reason. */
  readonly thrown: Thrown | null;

  constructor(how: string, facts: { exitStack: string | null; alone: boolean; thrown: Thrown | null }) {
    super(how);
    this.how = how;
    this.exitStack = facts.exitStack;
    this.alone = facts.alone;
    this.thrown = facts.thrown;
  }
}

/** The request failed in user code; the process goes on. */
export class HostFailed extends Error {
  readonly thrown: Thrown;
  constructor(thrown: Thrown) {
    super("user code failed");
    this.thrown = thrown;
  }
}

interface Pending {
  readonly listener: Listener;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

export class HostChild {
  readonly #child: ChildProcess;
  readonly #channel: Channel<ToHost>;
  readonly #options: ChildOptions;
  readonly #pending = new Map<number, Pending>();
  /** Of requests that were answered well. */
  readonly #answered = new Map<number, Listener>();
  readonly #ended: Promise<void>;
  readonly #flush: (() => void)[] = [];
  #next = 1;
  #exitStack: string | null = null;
  #describing: NodeJS.Timeout | undefined;
  #over = false;
  #gone = false;

  constructor(options: ChildOptions) {
    this.#options = options;
    const child = spawn(process.execPath, [...inherited(process.execArgv), ownFile("user-code.js")], {
      env: options.environment as NodeJS.ProcessEnv,
      stdio: ["ignore", "pipe", "pipe", "pipe", "pipe"],
      detached: process.platform !== "win32",
    });
    this.#child = child;
    this.#ended = new Promise((resolve) => {
      const end = (how: string) => {
        this.#over = true;
        this.#gone = true;
        clearTimeout(this.#describing);
        this.#fail(how, null);
        this.#killGroup();
        for (const stream of child.stdio) stream?.destroy();
        resolve();
      };
      child.once("error", (error) => end(`its process could not be started: ${error.message}`));
      // What was printed last is read before the end is told.
      child.once("exit", (code, signal) => void this.#settle().then(() => end(howEnded(code, signal))));
    });
    this.#channel = openChannel(child.stdio[CHANNEL] as Duplex, {
      onMessage: (message: FromHost) => this.#heard(message),
      onBroken: () => this.#cut(),
    });
    for (const name of ["stdout", "stderr"] as const)
      this.#flush.push(linesOf(child[name] as Readable, (line) => this.#printed(line, name)));
    // Its end of the pipe closes with the process; that is no error of ours. What code writes to it is not looked at.
    (child.stdio[LIFELINE] as Socket | null)?.on("error", () => {}).resume();
    this.#hold(false);
  }

  /** How many requests are not answered yet. */
  get underWay(): number {
    return this.#pending.size;
  }

  get over(): boolean {
    return this.#over;
  }

  /** Resolves with the answer. Throws `HostFailed` or `HostEnded`. */
  request<T>(
    request: Request,
    listener: Listener = {},
  ): { readonly id: number; readonly answer: Promise<T> } {
    const id = this.#next++;
    const answer = new Promise<unknown>((resolve, reject) => {
      this.#pending.set(id, { listener, resolve, reject });
    }) as Promise<T>;
    this.#hold(true);
    this.tell({ kind: "request", id, request });
    return { id, answer };
  }

  tell(message: ToHost): void {
    // Where it has just ended, `exit` says what becomes of the requests.
    if (!this.#gone) this.#channel.tell(message);
  }

  /** Ends it at once, with all that it has started. Requests under way fail. */
  async kill(): Promise<void> {
    this.#over = true;
    // Whoever waits for its end is not to be ended before it, as a process is that nothing holds.
    if (!this.#gone) this.#hold(true);
    this.#killGroup();
    await this.#ended;
  }

  #killGroup(): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      if (process.platform === "win32") this.#child.kill("SIGKILL");
      else process.kill(-pid, "SIGKILL");
    } catch {
      // Nobody of its group is left.
    }
  }

  #heard(message: FromHost): void {
    clearTimeout(this.#describing);
    switch (message.kind) {
      case "describing":
        this.#describing = setTimeout(() => this.#giveUp(SPEECHLESS), DESCRIBING_MS);
        this.#describing.unref();
        return;
      case "done":
      case "failed": {
        const pending = this.#pending.get(message.id);
        if (pending === undefined) return;
        pending.listener.onSettled?.();
        // What it printed before is in the pipe already, and is read first.
        void this.#settle().then(() => {
          if (!this.#pending.delete(message.id)) return;
          if (this.#pending.size === 0) this.#hold(false);
          if (message.kind === "done") {
            if (pending.listener.onOrphan !== undefined) this.#answered.set(message.id, pending.listener);
            pending.resolve(message.value);
          } else pending.reject(new HostFailed(message.thrown));
        });
        return;
      }
      case "begun":
      case "statement":
      case "log":
      case "late":
        (this.#pending.get(message.id)?.listener ?? this.#answered.get(message.id))?.onMessage?.(message);
        return;
      case "exiting":
        this.#exitStack = message.stack;
        return;
      case "uncaught":
        // Nobody knows what state it is in.
        this.#over = true;
        void this.#settle().then(() => {
          if (this.#pending.size === 0) {
            this.#options.print(uncaughtLine(message.thrown), "stderr");
            [...this.#answered.values()].at(-1)?.onOrphan?.(message.thrown);
          }
          this.#fail("an error was thrown where nothing could catch it", message.thrown);
          this.#killGroup();
        });
    }
  }

  /** Its end of the channel is closed. That is so when it ends; where it does not, its code has done it. */
  #cut(): void {
    if (this.#over) return;
    this.#over = true;
    const timer = setTimeout(() => this.#giveUp(CUT), ENDING_MS);
    void this.#ended.then(() => clearTimeout(timer));
  }

  #giveUp(how: string): void {
    this.#over = true;
    this.#fail(how, null);
    this.#killGroup();
  }

  #fail(how: string, thrown: Thrown | null): void {
    const alone = this.#pending.size === 1;
    const failed = [...this.#pending.values()];
    this.#pending.clear();
    this.#hold(false);
    for (const { reject } of failed)
      reject(new HostEnded(how, { exitStack: this.#exitStack, alone, thrown }));
  }

  #printed(line: string, stream: Stream): void {
    const [only, ...others] = this.#pending.values();
    const print = others.length === 0 ? only?.listener.onPrint : undefined;
    (print ?? this.#options.print)(line, stream);
  }

  /** Two turns of the event loop: whatever was in the pipes before is read then. */
  async #settle(): Promise<void> {
    for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
    for (const flush of this.#flush) flush();
  }

  /** Keeps our process alive while an answer is awaited, and only then. */
  #hold(held: boolean): void {
    const handles = [this.#child, ...this.#child.stdio] as (
      | { ref?(): void; unref?(): void }
      | null
      | undefined
    )[];
    for (const handle of handles)
      if (held) handle?.ref?.();
      else handle?.unref?.();
  }
}

/** How long a process takes to end after its pipes are closed, with its memory written to a disk. */
const ENDING_MS = 1_000;

const CUT = `it closed file descriptor ${CHANNEL}, over which Godwit speaks with its process, or wrote to it`;

/** How long what was thrown may take to say what it is. */
const DESCRIBING_MS = 2_000;

const SPEECHLESS = `it threw something whose message could not be read within ${DESCRIBING_MS / 1000} s`;

function howEnded(code: number | null, signal: NodeJS.Signals | null): string {
  if (signal === "SIGABRT" || code === 134) return "its process crashed (SIGABRT), perhaps out of memory";
  if (signal !== null)
    return `its process was ended by ${signal}${signal === "SIGKILL" ? " (out of memory?)" : ""}`;
  return `its process ended with exit code ${code} (process.exit)`;
}

function uncaughtLine(thrown: Thrown): string {
  const message = thrown.kind === "error" ? thrown.message : "";
  return `An error was thrown where nothing could catch it, when no migration was running: ${message}`;
}

/** Of the options of Node those that say how modules are found and how large the process may grow. */
function inherited(options: readonly string[]): string[] {
  const wanted =
    /^(-C|-r|--(conditions|import|require|loader|experimental-loader|preserve-symlinks(-main)?|max-old-space-size|no-warnings|enable-source-maps|use-.*-ca))(=|$)/;
  const separate = /^(-C|-r|--(conditions|import|require|loader|experimental-loader))$/;
  return options.flatMap((option, index) => {
    if (wanted.test(option)) return [option];
    return index > 0 && separate.test(options[index - 1] ?? "") ? [option] : [];
  });
}
