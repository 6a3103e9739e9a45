/** What a backfill declares: which rows it rewrites, by which key, in windows of which size. Pure. */
import { parseDurationMs } from "../std/duration.ts";

export interface Backfill {
  /** The table as its author wrote it: `products`, `shop.products`, `"Order"`. */
  readonly table: string;
  /** The columns of a unique index, in its order. `null`: those of the primary key. */
  readonly key: readonly string[] | null;
  /** A condition: the rows that are not done yet. `null`: nothing is asked at the end. */
  readonly where: string | null;
  /** The statement of a module, with `:window` in it. `null`: the file is the statement. */
  readonly statement: string | null;
  readonly windows: Windows;
  /** How many windows run at once, each on a connection of its own. Left out: one. */
  readonly parallel?: number | undefined;
  /** Old values are kept, so that they can be brought back. */
  readonly undo?: Undo | undefined;
}

export interface Undo {
  /** How long after the end of the backfill, in milliseconds. `null`: until a person forgets them. */
  readonly keepMs: number | null;
}

/** The size of a window is a number of rows. It follows the time that windows take. */
export interface Windows {
  /** The time that one window should take, in milliseconds. */
  readonly targetMs: number;
  /** The first window has so many rows. Later ones have fewer only after an error. */
  readonly minRows: number;
  readonly maxRows: number;
}

export const DEFAULT_WINDOWS: Windows = { targetMs: 500, minRows: 100, maxRows: 200_000 };

/** A window is shorter than the limit of a statement, and than what anybody should wait for a row. */
export const MOST_TARGET_MS = 60_000;

/** The time of a window as an author writes it: `500ms`, `2s`. `null`: it is none that can be used. */
export function parseTargetMs(text: string): number | null {
  const ms = parseDurationMs(text);
  return ms === null || ms < 1 || ms > MOST_TARGET_MS ? null : ms;
}

/** A number of rows, from 1 to a hundred million. `null`: it is none that can be used. */
export function parseRows(text: string): number | null {
  const rows = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  return rows >= 1 && rows <= 100_000_000 ? rows : null;
}

/** More connections than this serve no server. */
export const MOST_PARALLEL = 32;

/** A number of connections, from 1 to 32. `null`: it is none that can be used. */
export function parseParallel(text: string): number | null {
  const count = /^\d{1,2}$/.test(text) ? Number(text) : 0;
  return count >= 1 && count <= MOST_PARALLEL ? count : null;
}

/** `yes`, or how long old values are kept after the end: `30d`, `12h`. `null`: it is neither. */
export function parseUndo(text: string): Undo | null {
  if (text === "yes" || text === "true") return { keepMs: null };
  const days = /^(\d{1,4})d$/.exec(text)?.[1];
  const ms = days === undefined ? parseDurationMs(text) : Number(days) * 86_400_000;
  return ms === null || ms <= 0 || !/[a-z]$/.test(text) ? null : { keepMs: ms };
}

/** Whether `down` can take it back although its author wrote no way back. */
export function keepsOldValues({ backfill }: { readonly backfill?: Backfill | undefined }): boolean {
  return backfill?.undo !== undefined;
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
