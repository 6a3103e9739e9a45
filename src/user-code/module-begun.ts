/**
 * What a module has begun: statements until they settle, and schema builders until they are executed. Once its function
 * has settled, a statement that still runs, or one that comes later, has nobody who waits for it.
 */
import type { LeftBehind } from "../host/protocol.ts";
import { captureCall, traceCall } from "../run/step/trace.ts";

type Call = ReturnType<typeof captureCall>;

export interface Begun {
  /** Runs a statement and counts it until it settles. One that comes when the function has settled does not run. */
  readonly statement: <T>(call: Call, run: () => Promise<T>) => Promise<T>;
  /** The same builder, whose chains are known until they are executed. */
  readonly builders: <T extends object>(schema: T) => T;
  /** From now on nothing begins any more. */
  readonly close: () => void;
  readonly closed: () => boolean;
  /** What was left over, asked once behind `close`. Whatever comes after it is told to `onLate`. */
  readonly left: () => LeftBehind | null;
}

/** What comes too late neither runs nor goes on: an error would reach nobody, and end the process. */
export const NEVER: Promise<never> = new Promise(() => {});

export function createBegun(onLate: () => void): Begun {
  const running = new Set<Call>();
  const unexecuted = new Set<{ readonly call: Call }>();
  const late: Call[] = [];
  let unawaited: readonly Call[] = [];
  let closed = false;
  let told = false;

  const statement = async <T>(call: Call, run: () => Promise<T>): Promise<T> => {
    if (closed) {
      late.push(call);
      if (told) onLate();
      return NEVER;
    }
    running.add(call);
    try {
      return await run();
    } finally {
      running.delete(call);
    }
  };

  return {
    statement,
    builders: (schema) => followed(schema, { statement, unexecuted }),
    close() {
      if (closed) return;
      closed = true;
      unawaited = [...running];
    },
    closed: () => closed,
    left() {
      told = true;
      // A builder that waits for a statement that nobody awaits is the second fault of the same kind.
      const kinds = [
        ["unawaited", unawaited],
        ["late", late],
        ["unexecuted", Array.from(unexecuted, ({ call }) => call)],
      ] as const;
      for (const [kind, [first, ...others]] of kinds)
        if (first !== undefined) return { kind, count: others.length + 1, calledAt: first.stack };
      return null;
    },
  };
}

interface Following {
  readonly statement: Begun["statement"];
  readonly unexecuted: Set<{ readonly call: Call }>;
}

/** Kysely's builders are immutable: each call gives a new one, and the last of a chain is what must be executed. */
function followed<T extends object>(builder: T, following: Following, own?: { readonly call: Call }): T {
  const { statement, unexecuted } = following;
  const proxy: T = new Proxy(builder, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== "function") return value;
      return (...given: unknown[]): unknown => {
        // It hands over the builder itself.
        if (property === "$call") return (given[0] as (builder: T) => unknown)(proxy);
        if (property === "execute") {
          if (own !== undefined) unexecuted.delete(own);
          const call = captureCall();
          const done = statement(call, async () => {
            try {
              return (await value.apply(target, given)) as unknown;
            } catch (error) {
              traceCall(error, call);
              throw error;
            }
          });
          done.catch(() => {});
          return done;
        }
        const next: unknown = value.apply(target, given);
        if (own !== undefined) unexecuted.delete(own);
        if (
          typeof next !== "object" ||
          next === null ||
          property === "compile" ||
          property === "toOperationNode"
        )
          return next;
        if ("createTable" in next) return followed(next, following);
        const link = { call: captureCall() };
        unexecuted.add(link);
        return followed(next, following, link);
      };
    },
  });
  return proxy;
}
