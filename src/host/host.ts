/**
 * Runs user code. Modules and configuration files are loaded and called in a process of their own, never in ours.
 *
 * User code may exit, hang, spin, crash, run out of memory or write to stdout. Each of these becomes an answer or an
 * error here, within the time limit. The process is started when it is first needed, serves all modules of one source,
 * and is replaced after it ended. It does not keep our process alive, and ends with it.
 */
import { basename } from "node:path";
import { delay, orAbort, timeLimit } from "../std/time.ts";
import type { Call } from "./call.ts";
import { HostChild, HostEnded, HostFailed, type Listener, type Stream } from "./child.ts";
import {
  endedWords,
  errorOf,
  failureOfCall,
  failureOfImport,
  placeOf,
  type StackReader,
  traced,
  wireError,
} from "./failures.ts";
import type {
  Declared,
  Direction,
  FromHost,
  LoadedConfig,
  ModuleFile,
  Recorded,
  Request,
  Returned,
} from "./protocol.ts";

export interface HostOptions {
  /** Holds compiled TypeScript. `null`: nothing is kept. */
  readonly cacheFolder: string | null;
  /** An import that takes longer than this fails. */
  readonly moduleTimeoutMs?: number | undefined;
  /** The `process.env` of user code. Default: ours. */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
  /** Receives what user code prints while none of its functions is called. */
  readonly print?: ((line: string) => void) | undefined;
  /** Finds the author's lines in a stack of user code. */
  readonly reader?: StackReader | undefined;
  /** Ends an import that is under way. */
  readonly signal?: AbortSignal | undefined;
}

/** User code that was asked to stop has this long to end by itself. */
const GRACE_MS = 2_000;
const MODULE_TIMEOUT_MS = 30_000;

export class Host implements AsyncDisposable {
  readonly #options: HostOptions;
  #child: HostChild | undefined;
  /** The last of the imports that run one by one. It is set after one of several at once has ended the process. */
  #careful: Promise<unknown> | undefined;
  #closed = false;
  readonly #declared = new Map<string, Promise<Declared>>();

  constructor(options: HostOptions) {
    this.#options = options;
  }

  /** Starts the process, so that it is there when it is needed. */
  warm(): void {
    this.#running();
  }

  /** Imports a module. Throws `SourceError`. */
  async load(module: ModuleFile): Promise<Declared> {
    if (this.#child?.over !== false) this.#declared.clear();
    const key = `${module.path}\0${module.text}`;
    const known = this.#declared.get(key);
    if (known !== undefined) return known;
    const loading = this.#load(module);
    // Before anything may throw: a refusal that nobody hears ends the whole program.
    loading.catch(() => this.#declared.delete(key));
    this.#running();
    this.#declared.set(key, loading);
    return loading;
  }

  /** Calls a function of a module and throws what it throws. An error of a statement is the one that `call` threw. */
  async run(module: ModuleFile, direction: Direction, call: Call): Promise<Returned> {
    const child = this.#running();
    const errors = new Map<number, unknown>();
    let open = 0;
    let unawaited = 0;
    let late = 0;
    let settled = false;
    const statement = async (asked: FromHost & { kind: "statement" }) => {
      open++;
      try {
        const { text, parameters } = asked;
        const result =
          asked.form === "ask"
            ? await call.ask(text, parameters)
            : asked.form === "kinds"
              ? await call.parameterKinds(text)
              : await call.execute(text).then(() => null);
        child.tell({ kind: "answer", statement: asked.statement, result });
      } catch (error) {
        errors.set(asked.statement, error);
        child.tell({ kind: "refusal", statement: asked.statement, error: wireError(error) });
      } finally {
        open--;
      }
    };
    const { cacheFolder } = this.#options;
    const { id, answer } = child.request<Returned>(
      { kind: "run", module, direction, cacheFolder, window: call.window },
      {
        onMessage: (message) => {
          if (message.kind === "statement") void statement(message);
          else if (message.kind === "log") call.log(message.level, message.message);
          else if (message.kind === "begun") call.begun();
          else if (settled) call.late(LATE_STATEMENT);
          else late++;
        },
        onOrphan: (thrown) => {
          const { message, stack = "" } = errorOf(thrown, errors);
          const how = `threw where nothing could catch it, after its function had settled: ${message}`;
          void placeOf(stack, module, this.#options.reader).then((place) => call.late(how, place));
        },
        onPrint: (line, stream) => call.log(levelOf(stream), line),
        onSettled: () => {
          unawaited = open;
        },
      },
    );
    try {
      const { swallowed, unbegun, left, changed } = await this.#within(child, { id, answer, call });
      const error = swallowed && errors.get(swallowed.statement);
      if (error instanceof Error) traced(error, swallowed?.at);
      settled = true;
      const count = unawaited > 0 ? unawaited : late;
      const kind = unawaited > 0 ? "unawaited" : "late";
      return { unbegun, changed, left: left ?? (count > 0 ? { kind, count, calledAt: undefined } : null) };
    } catch (error) {
      throw await failureOfCall(error, { module, errors, reader: this.#options.reader });
    }
  }

  /** Calls a function of a module whose statements are only written down. Throws what it throws. */
  async record(
    module: ModuleFile,
    direction: Direction,
    call: Omit<Call, "ask" | "parameterKinds" | "execute" | "late">,
  ): Promise<Recorded> {
    const child = this.#running();
    const { cacheFolder } = this.#options;
    const { id, answer } = child.request<Recorded>(
      { kind: "record", module, direction, cacheFolder },
      {
        onMessage: (message) => {
          if (message.kind === "log") call.log(message.level, message.message);
          if (message.kind === "begun") call.begun();
        },
        onPrint: (line, stream) => call.log(levelOf(stream), line),
      },
    );
    try {
      return await this.#within(child, { id, answer, call });
    } catch (error) {
      throw await failureOfCall(error, { module, errors: new Map(), reader: this.#options.reader });
    }
  }

  /** Loads a configuration file. Throws an `Error` whose message says why it cannot. */
  async config(path: string): Promise<LoadedConfig> {
    try {
      return await this.#import<LoadedConfig>({ kind: "config", path });
    } catch (error) {
      if (error instanceof HostEnded) throw new Error(endedWords(error));
      throw error instanceof HostFailed ? errorOf(error.thrown, new Map()) : error;
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#child?.kill();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #running(): HostChild {
    if (this.#child?.over === false) return this.#child;
    if (this.#closed) throw new Error("The source of this module was closed.");
    const print = (line: string) => this.#options.print?.(`a module: ${line}`);
    this.#child = new HostChild({ environment: this.#options.environment ?? process.env, print });
    return this.#child;
  }

  async #load(module: ModuleFile): Promise<Declared> {
    const request: Request = { kind: "load", module, cacheFolder: this.#options.cacheFolder };
    try {
      if (this.#careful !== undefined) return await this.#alone<Declared>(request);
      try {
        return await this.#import<Declared>(request);
      } catch (error) {
        // Any of the imports under way may be to blame, so each is tried again by itself.
        if (!(error instanceof HostEnded) || error.alone || this.#closed) throw error;
        return await this.#alone<Declared>(request);
      }
    } catch (error) {
      throw await failureOfImport(error, { module, reader: this.#options.reader });
    }
  }

  #alone<T>(request: Request): Promise<T> {
    const mine = (this.#careful ?? Promise.resolve()).then(() => this.#import<T>(request));
    this.#careful = mine.catch(() => {});
    return mine;
  }

  /** One import, within its time. */
  async #import<T>(request: Request): Promise<T> {
    const child = this.#running();
    const timeoutMs = this.#options.moduleTimeoutMs ?? MODULE_TIMEOUT_MS;
    using limit = timeLimit(timeoutMs);
    const { signal } = this.#options;
    const who = request.kind === "config" ? basename(request.path) : request.module.file;
    const listener: Listener = { onPrint: (line) => this.#options.print?.(`${who}: ${line}`) };
    try {
      return await orAbort(
        child.request<T>(request, listener).answer,
        signal === undefined ? limit.signal : AbortSignal.any([limit.signal, signal]),
      );
    } catch (error) {
      if (signal?.aborted) {
        await child.kill();
        throw signal.reason;
      }
      if (!limit.signal.aborted || error instanceof HostEnded || error instanceof HostFailed) throw error;
      // The import waits or spins. A process that spins answers no request, so it is replaced.
      const alone = child.underWay <= 1;
      await child.kill();
      throw new HostEnded(`its import did not settle within ${timeoutMs} ms (module timeout)`, {
        exitStack: null,
        alone,
        thrown: null,
      });
    }
  }

  /** The answer. Throws the reason of `signal` or `abandoned`, after user code had its time to end by itself. */
  async #within<T>(
    child: HostChild,
    { id, answer, call }: { id: number; answer: Promise<T>; call: Pick<Call, "signal" | "abandoned"> },
  ): Promise<T> {
    const { signal, abandoned } = call;
    try {
      return await orAbort(answer, AbortSignal.any([signal, abandoned]));
    } catch (error) {
      if (!signal.aborted && !abandoned.aborted) throw error;
      if (signal.aborted && !abandoned.aborted) {
        const { reason } = signal;
        child.tell({ kind: "abort", id, reason: reason instanceof Error ? reason.message : String(reason) });
        const over = new AbortController();
        const ended = answer.then(
          () => true,
          (failure) => !(failure instanceof HostEnded),
        );
        const inTime = await Promise.race([ended, delay(GRACE_MS, over.signal).then(() => false)]);
        over.abort();
        if (inTime) throw reason;
      }
      await child.kill();
      throw signal.aborted ? signal.reason : abandoned.reason;
    }
  }
}

const LATE_STATEMENT = "began a statement after its function had settled; that statement was not run";

function levelOf(stream: Stream): "info" | "warn" {
  return stream === "stdout" ? "info" : "warn";
}
