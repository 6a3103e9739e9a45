/** An instance of PGlite, described by its structure, and the turns in which several connections of ours use it. */
import { orAbort } from "../std/time.ts";

/** What we use of `PGlite` (0.4 or newer). */
export interface PgliteLike {
  readonly closed?: boolean;
  readonly waitReady?: Promise<void>;
  execProtocol(
    message: Uint8Array,
    options?: { throwOnError?: boolean; onNotice?: (notice: PgliteNotice) => void },
  ): Promise<{ messages: readonly { readonly name: string }[] }>;
  describeQuery(text: string): Promise<{
    readonly queryParams: readonly { readonly dataTypeID: number }[];
    readonly resultFields?: readonly { readonly dataTypeID: number }[];
  }>;
  query(
    text: string,
    parameters?: unknown[],
    options?: {
      rowMode?: "array" | "object";
      serializers?: Record<number, (value: unknown) => string>;
      parsers?: Record<number, (value: string) => unknown>;
      onNotice?: (notice: PgliteNotice) => void;
    },
  ): Promise<{
    rows: unknown[];
    fields?: readonly { name: string; dataTypeID: number }[];
    command?: string;
    rowCount?: number;
  }>;
  runExclusive<T>(use: () => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export interface PgliteNotice {
  readonly severity?: string | undefined;
  readonly message?: string | undefined;
  readonly code?: string | undefined;
  readonly routine?: string | undefined;
}

/** The instance carries it, because the instance has the one session. */
const LAST = Symbol.for("godwit.pglite.last");

/** Waits until nobody else of us uses the instance. The caller calls the result when it is done with it. */
export async function takeTurn(instance: PgliteLike, signal: AbortSignal | undefined): Promise<() => void> {
  const holder = instance as PgliteLike & { [LAST]?: Promise<void> };
  const before = holder[LAST] ?? Promise.resolve();
  let leave = () => {};
  const mine = new Promise<void>((resolve) => {
    leave = resolve;
  });
  holder[LAST] = before.then(() => mine);
  try {
    await (signal === undefined ? before : orAbort(before, signal));
  } catch (error) {
    leave();
    throw error;
  }
  return leave;
}
