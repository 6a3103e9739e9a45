/** The call of a function that runs in another process. */
import type { RowsWindow } from "../core/backfill.ts";
import type { Place } from "../errors.ts";
import type { EncodedValue } from "./protocol.ts";

export type { Recorded, Returned } from "./protocol.ts";

/** What a function of a module gets from us. */
export interface Call {
  /** `rows` of a backfill is called for these. Left out: `up` or `down` is called. */
  readonly window?: RowsWindow | undefined;
  readonly ask: (text: string, parameters: readonly EncodedValue[]) => Promise<unknown>;
  readonly parameterKinds: (text: string) => Promise<unknown>;
  readonly execute: (text: string) => Promise<unknown>;
  /** The function is about to be called; what came before was its import. */
  readonly begun: () => void;
  readonly log: (level: "info" | "warn" | "error", message: string) => void;
  /** The function has settled well, and something that it left behind went on. */
  readonly late: (how: string, place?: Place) => void;
  /** Asks the function to end; after a grace its process is ended. The reason is thrown either way. */
  readonly signal: AbortSignal;
  /** Ends its process at once. The reason is thrown. */
  readonly abandoned: AbortSignal;
}
