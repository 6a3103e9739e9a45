/** Has `rows` of a module change the rows of a window, in the transaction of that window. */

import type { Window } from "../../../backfill/key.ts";
import { columnsQuery, rowsWindow } from "../../../backfill/rows.ts";
import type { BackfillTable } from "../../../backfill/table.ts";
import type { Backfill, PatchColumn } from "../../../core/backfill.ts";
import type { Connection } from "../../../database/connection.ts";
import { GodwitError, SourceError } from "../../../errors.ts";
import type { Content } from "../../../source/source.ts";
import { nearest } from "../../../std/nearest.ts";
import { whereIs } from "../context.ts";
import { callFunction } from "../module-call.ts";
import { placeOfTrace, traceOf } from "../trace.ts";
import type { Filling } from "./filling.ts";
import { RowsThrew } from "./rows-threw.ts";

/** The columns that may be set. Throws `SourceError` (`BACKFILL_TABLE`) where one that is asked for does not exist. */
export async function readColumns(
  connection: Pick<Connection, "execute">,
  table: BackfillTable,
  { backfill, file }: { readonly backfill: Backfill; readonly file: string },
): Promise<readonly PatchColumn[]> {
  if (backfill.columns === undefined) return [];
  const [answer] = await connection.execute(columnsQuery(table));
  const columns = (answer?.rows ?? []) as unknown as readonly PatchColumn[];
  const known = columns.map(({ name }) => name);
  const missing = [...backfill.columns, ...(backfill.writes ?? [])].find((name) => !known.includes(name));
  if (missing === undefined) return columns;
  const meant = nearest(missing, known);
  throw new SourceError([
    {
      code: "BACKFILL_TABLE",
      message: `${file} is a backfill that ${backfill.columns.includes(missing) ? "asks for" : "writes"} the column ${missing}, which ${table.shown} does not have.`,
      hint: meant === undefined ? `Its columns: ${known.join(", ")}.` : `Did you mean ${meant}?`,
      place: { file },
    },
  ]);
}

/** Calls it, and returns how many rows it has changed. Throws what the server says, or `RowsThrew`. */
export async function changeByFunction(
  filling: Filling,
  rows: Content & { readonly kind: "module" },
  window: Window,
): Promise<number> {
  const { context, prepared, table, backfill, columns, keeping } = filling;
  const called = rowsWindow(table, {
    window,
    read: backfill.columns ?? [],
    where: backfill.where,
    columns,
    writes: backfill.writes ?? null,
    keeping,
  });
  // What it sends itself runs in the transaction of the window, and must not end it.
  const inside = { ...prepared, form: { ...prepared.form, transactional: true } };
  try {
    const { swallowed, changed } = await callFunction(context, inside, rows, { window: called });
    if (swallowed !== undefined) throw swallowed;
    return changed;
  } catch (error) {
    const { lost } = context.connection;
    if (error instanceof GodwitError || lost.aborted || context.stop.aborted) throw error;
    const place = await placeOfTrace(traceOf(error), whereIs(context, prepared.step));
    throw new RowsThrew(error, place === undefined ? undefined : { ...place });
  }
}
