/** What a backfill declares: which rows it rewrites, by which key, in windows of which size. Pure. */
import { parseDurationMs } from "../std/duration.ts";
import { type BackfillOptions, hasIdleZeros } from "./backfill-options.ts";

export interface Backfill {
  /** The table as its author wrote it: `products`, `shop.products`, `"Order"`. */
  readonly table: string;
  /** The columns of a unique index, in its order. `null`: those of the primary key. */
  readonly key: readonly string[] | null;
  /** A condition: the rows that are not done yet. `null`: nothing is asked at the end. */
  readonly where: string | null;
  /** The statement of a module, with `:window` in it. `null`: the file is the statement. */
  readonly statement: string | null;
  /** The columns that a function of the module is handed, which changes the rows in place of a statement. */
  readonly columns?: readonly string[] | undefined;
  /** The columns that the function may set. Left out: any. */
  readonly writes?: readonly string[] | undefined;
  readonly windows: Windows;
  /** How many windows run at once, each on a connection of its own. Left out: one. */
  readonly parallel?: number | undefined;
  readonly options: BackfillOptions;
}

/** The size of a window is a number of rows. It follows the time that windows take. */
export interface Windows {
  /** The time that one window should take, in milliseconds. */
  readonly targetMs: number;
  /** The first window has so many rows. Later ones have fewer only after an error. */
  readonly minRows: number;
  /** `null`: a small share of the table (`backfill/pace.ts`). */
  readonly maxRows: number | null;
}

/** A column of the key by which a table is paged. */
export interface KeyColumn {
  readonly name: string;
  /** As `format_type` writes it. */
  readonly type: string;
  /** The quoted name of the collation that the index is ordered by. `null`: the type has none. */
  readonly collation: string | null;
}

/** A column that a patch may set. */
export interface PatchColumn {
  readonly name: string;
  /** As `format_type` writes it, without length and precision: assignment refuses a text that is too long, a cast cuts it. */
  readonly type: string;
  /** The type in which a new value is compared with the old one. `null`: trailing blanks mean nothing to it. */
  readonly compared: string | null;
}

/** What stands around an `UPDATE`, so that it keeps old values. */
export interface KeepingSql {
  readonly before: string;
  /** Added to the condition of a window. */
  readonly condition: string;
  /** Behind the word RETURNING. */
  readonly modes: string;
  /** Added to what is returned. */
  readonly returned: string;
  /** A further part of the WITH, which writes what was returned as `godwit_changed`. */
  readonly after: string;
}

/** What the function is called for. Plain data, which crosses into the process of user code. */
export interface RowsWindow {
  readonly table: string;
  readonly shown: string;
  readonly key: readonly KeyColumn[];
  readonly columns: readonly PatchColumn[];
  /** Reads the rows and locks them. The values of the key come first, then what the function asked for. */
  readonly select: string;
  /** The columns that it may set. `null`: any. */
  readonly writes: readonly string[] | null;
  /** `null`: no old values are kept. */
  readonly keeping: KeepingSql | null;
  /** The condition of the window for the rows that are written. Without it, the whole table is read for each window. */
  readonly inside: string;
}

export const DEFAULT_WINDOWS: Windows = { targetMs: 500, minRows: 100, maxRows: null };

/** A window is shorter than the limit of a statement, and than what anybody should wait for a row. */
const MOST_TARGET_MS = 60_000;

/** The first window has no more rows than any may have. */
export function fitting(windows: Windows): Windows {
  const { minRows, maxRows } = windows;
  return maxRows === null ? windows : { ...windows, minRows: Math.min(minRows, maxRows) };
}

/** The time of a window as an author writes it: `500ms`, `2s`. `null`: it is none that can be used. */
export function parseTargetMs(text: string): number | null {
  const ms = hasIdleZeros(text) ? null : parseDurationMs(text);
  return ms === null || ms < 1 || ms > MOST_TARGET_MS ? null : ms;
}

/** A number of rows, from 1 to a hundred million. `null`: it is none that can be used. */
export function parseRows(text: string): number | null {
  const rows = /^[1-9]\d{0,8}$/.test(text) ? Number(text) : 0;
  return rows >= 1 && rows <= 100_000_000 ? rows : null;
}

/** More connections than this serve no server. */
export const MOST_PARALLEL = 32;

/** A number of connections, from 1 to 32. `null`: it is none that can be used. */
export function parseParallel(text: string): number | null {
  const count = /^[1-9]\d?$/.test(text) ? Number(text) : 0;
  return count >= 1 && count <= MOST_PARALLEL ? count : null;
}

/** How many rows in a second a person may allow. */
const MOST_RATE = 999_999_999;
export const RATE = "a whole number of rows in a second, from 1 to 999,999,999";

export function isRate(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= MOST_RATE;
}

/** Whether `down` can take it back although its author wrote no way back. */
export function keepsOldValues({ backfill }: { readonly backfill?: Backfill | undefined }): boolean {
  return backfill !== undefined && backfill.options.undo !== null;
}

/** Whether migrations behind it need not wait for it. */
export function isBackground({ backfill }: { readonly backfill?: Backfill | undefined }): boolean {
  return backfill?.options.background === true;
}

/** Settings that mean nothing for a backfill: it is transactions of its own, and goes on where it was ended. */
export function contradicts({
  transaction,
  idempotent,
}: {
  readonly transaction?: unknown;
  readonly idempotent?: unknown;
}): string | null {
  if (transaction !== undefined) return "transaction";
  return idempotent === undefined ? null : "idempotent";
}
