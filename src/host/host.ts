/**
 * Where user code runs: modules and configuration files are loaded and called in a process of their own, never in ours.
 *
 * User code may exit, hang, spin, crash, run out of memory or write to stdout. Here each of these becomes the answer to
 * what was asked, within its time. The process is started when it is first needed, serves all modules of one source,
 * and is replaced after it ended. It does not keep our process alive, and ends with it.
 */
import { basename } from "node:path";
import { ConfigError, DatabaseError, type Place, SourceError, StepFailed } from "../errors.ts";
import { redact } from "../std/secret.ts";
import { delay, orAbort, timeLimit } from "../std/time.ts";
import type { Call } from "./call.ts";
import { HostChild, HostEnded, HostFailed, type Listener, type Stream } from "./child.ts";
import type {
  Declared,
  Direction,
  FromHost,
  LoadedConfig,
  ModuleFile,
  Recorded,
  Request,
  Returned,
  Thrown,
  ThrownAt,
} from "./protocol.ts";

export interface HostOptions {
  /** Where compiled TypeScript is kept; `null`: nowhere. */
  readonly cacheFolder: string | null;
  /** How long an import may take before it counts as one that never settles. */
  readonly moduleTimeoutMs?: number | undefined;
  /** What user code finds in `process.env`; default: what we find. */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
  /** Told what user code prints while no function of it is called. */
  readonly print?: ((line: string) => void) | undefined;
  /** What a stack of user code says about the author's files. */
  readonly reader?: StackReader | undefined;
  /** Ends an import that is under way. */
  readonly signal?: AbortSignal | undefined;
}

/** How long user code may take to end by itself, once it was asked to. */
const GRACE_MS = 2_000;
const MODULE_TIMEOUT_MS = 30_000;

/** From a stack, which speaks of compiled code, to what the author wrote. */
export interface StackReader {
  readonly placeOf: (stack: string, module: ModuleFile) => Promise<Place | undefined>;
  /** The same stack, in the author's lines. */
  readonly mapped: (stack: string) => Promise<string>;
}

export class Host implements AsyncDisposable {
  readonly #options: HostOptions;
  #child: HostChild | undefined;
  /** Imports one after the other, since one of several at once has ended the process. */
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
    this.#running();
    this.#declared.set(key, loading);
    loading.catch(() => this.#declared.delete(key));
    return loading;
  }

  /** Calls a function of a module. Throws what it throws; errors of statements are the very ones that `call` threw. */
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
      { kind: "run", module, direction, cacheFolder },
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
          const how = `threw where nobody could catch it, after its function had settled: ${message}`;
          void this.#placeOf(stack, module).then((place) => call.late(how, place));
        },
        onPrint: (line, stream) => call.log(levelOf(stream), line),
        onSettled: () => {
          unawaited = open;
        },
      },
    );
    try {
      const { swallowed, unbegun, left } = await this.#within(child, { id, answer, call });
      const error = swallowed && errors.get(swallowed.statement);
      if (error instanceof Error) traced(error, swallowed?.at);
      settled = true;
      const count = unawaited > 0 ? unawaited : late;
      const kind = unawaited > 0 ? "unawaited" : "late";
      return { unbegun, left: left ?? (count > 0 ? { kind, count, calledAt: undefined } : null) };
    } catch (error) {
      throw await this.#failureOfCall(error, { module, errors });
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
      throw await this.#failureOfCall(error, { module, errors: new Map() });
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
        // It may have been any of those that were under way: each is tried again by itself.
        if (!(error instanceof HostEnded) || error.alone || this.#closed) throw error;
        return await this.#alone<Declared>(request);
      }
    } catch (error) {
      if (error instanceof HostFailed) throw errorOf(error.thrown, new Map());
      if (!(error instanceof HostEnded)) throw error;
      const { file, path } = module;
      throw new SourceError([
        {
          code: "SOURCE_MODULE_BROKEN",
          message: `${file} cannot be loaded: ${endedWords(error)}.`,
          hint: "A migration declares functions; what it does belongs into them.",
          place: (await this.#placeOf(stackOf(error), module)) ?? { file },
          details: { path },
        },
      ]);
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
      // It waits, or it spins; a process that spins answers nobody any more.
      const alone = child.underWay <= 1;
      await child.kill();
      throw new HostEnded(`its import did not settle within ${timeoutMs} ms (module timeout)`, {
        exitStack: null,
        alone,
        thrown: null,
      });
    }
  }

  async #placeOf(stack: string, module: ModuleFile): Promise<Place | undefined> {
    return stack === "" ? undefined : await this.#options.reader?.placeOf(stack, module);
  }

  async #failureOfCall(error: unknown, { module, errors }: CallFacts): Promise<unknown> {
    if (error instanceof HostFailed) return errorOf(error.thrown, errors);
    if (!(error instanceof HostEnded)) return error;
    const { file } = module;
    if (error.thrown !== null) {
      const { message, stack = "" } = errorOf(error.thrown, errors);
      return new StepFailed({
        code: "STEP_FAILED",
        message: redact(`Something threw where nobody could catch it: ${message}`),
        hint: "In a migration: await every promise, and catch errors in timers and callbacks.",
        place: (await this.#placeOf(stack, module)) ?? { file },
        details: { stack: redact((await this.#options.reader?.mapped(stack)) ?? stack) },
      });
    }
    return new StepFailed({
      code: "STEP_PROCESS_ENDED",
      message: `${file} did not come to its end: ${error.how}.`,
      hint: "A migration must not end its process, nor touch what it has not opened: throw an error to fail, return to succeed.",
      place: (await this.#placeOf(stackOf(error), module)) ?? { file },
    });
  }

  /** The answer; or, once it must end, what it comes to. */
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

function wireError(error: unknown) {
  if (!(error instanceof DatabaseError)) return error instanceof Error ? error.message : String(error);
  const { sqlState, position, completed, routine } = error;
  return { problem: error.toProblem(), sqlState, position, completed, routine };
}

interface CallFacts {
  readonly module: ModuleFile;
  /** What the statements threw, by their number. */
  readonly errors: ReadonlyMap<number, unknown>;
}

/** Our errors as themselves, those of statements as the ones that were thrown, all others by their message. */
function errorOf(thrown: Thrown, errors: ReadonlyMap<number, unknown>): Error {
  return traced(revived(thrown, errors), thrown.at);
}

/** What `run/trace.ts` reads. */
function traced(error: Error, at: ThrownAt | undefined): Error {
  if (at !== undefined && !(TRACED in error)) Object.defineProperty(error, TRACED, { value: at });
  return error;
}

const TRACED: unique symbol = Symbol.for("godwit.trace") as never;

function revived(thrown: Thrown, errors: ReadonlyMap<number, unknown>): Error {
  if (thrown.kind === "statement") {
    const error = errors.get(thrown.statement);
    return error instanceof Error ? error : new Error(String(error));
  }
  if (thrown.kind === "error") {
    const { message, name, stack, hint } = thrown;
    const error = Object.assign(new Error(message), hint === undefined ? {} : { hint });
    error.name = name;
    error.stack = stack;
    return error;
  }
  const [first] = thrown.problems;
  // Where user code has changed the globals, what it threw may have lost its words.
  if (first === undefined) return new Error(`${thrown.name}, and its message was lost on its way`);
  if (thrown.name === "SourceError") return new SourceError(thrown.problems);
  if (thrown.name === "ConfigError")
    return new ConfigError(first as never, { others: thrown.problems.slice(1) });
  return new StepFailed(first as never);
}

function endedWords({ how, thrown }: HostEnded): string {
  if (thrown === null) return how;
  const { message } = errorOf(thrown, new Map());
  return `${how}: ${message}`;
}

/** Of what ended a process: what was thrown, or the call of `process.exit`. */
function stackOf({ exitStack, thrown }: HostEnded): string {
  return thrown === null ? (exitStack ?? "") : (errorOf(thrown, new Map()).stack ?? "");
}
