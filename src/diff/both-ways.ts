/**
 * The ways between two schemas that are alike, found and proven in a database that has the first of them. Everything happens in one
 * transaction, which is rolled back:
 *
 *   first ─► the way ─► equal to the second? ─► the way back ─► equal to the first?
 *
 * Where the second is the one that the diff begins with, the first way is its way back, and has to hold after the other one too:
 *
 *   first ─► the way ─► equal to the second? ─► its columns in order ─► the way back ─► equal to the first? ─► the way once more
 */
import { identifier } from "../core/sql/quote.ts";
import type { Connection } from "../database/connection.ts";
import { type SnapshotOptions, takeSnapshot } from "../schema/snapshot.ts";
import { diffSchemas, type SchemaDiff } from "./diff.ts";
import { withoutRows } from "./emptied.ts";
import type { RenameHint } from "./hints.ts";
import { putInOrder } from "./in-order.ts";
import { differencesBetween } from "./judge.ts";
import { isProven } from "./proven.ts";
import type { SchemaReading } from "./reading.ts";
import { turned } from "./renames.ts";

export interface BothWaysInput {
  readonly connection: Connection;
  readonly first: SchemaReading;
  readonly second: SchemaReading;
  /** From the first to the second. */
  readonly renames: readonly RenameHint[];
  readonly compared: SnapshotOptions;
  readonly owner: string;
  /** The diff begins with the second. */
  readonly isTurned: boolean;
}

export interface BothWays {
  readonly way: SchemaDiff;
  readonly back: SchemaDiff;
}

/** `null`: they are not proven like this. Throws what pg-delta throws. */
export async function bothWays({ connection, owner, ...input }: BothWaysInput): Promise<BothWays | null> {
  await connection.execute(`set role ${identifier(owner)}; begin`);
  try {
    return await foundIn(connection, { owner, ...input });
  } finally {
    if (!connection.lost.aborted) await connection.execute("rollback; reset role");
  }
}

async function foundIn(
  copy: Connection,
  { first, second, renames, compared, owner, isTurned }: Omit<BothWaysInput, "connection">,
): Promise<BothWays | null> {
  const options = { copy, compared, owner, isInTransaction: true };
  // The diff begins with a live database, whose rows are not here either.
  if (isTurned) await withoutRows(copy);
  const way = await diffSchemas({ ...options, present: first, desired: second, renames });
  if (!isProven(way)) return null;
  const tables = way.otherOrder;
  if (isTurned && tables.length > 0) {
    await copy.execute("set local check_function_bodies = off");
    if (!(await putInOrder({ ...options, desired: second, tables }))) return null;
    await copy.execute("set local check_function_bodies = on");
  }
  // What was read of the second schema is true here now. But where its columns are in their own order, they may not be here.
  const present = isTurned ? second : { ...second, snapshot: way.reached };
  const back = await diffSchemas({ ...options, present, desired: first, renames: turned(renames) });
  if (!isProven(back)) return null;
  if (!isTurned) return { way, back };
  await copy.execute(way.statements.map(({ text }) => `${text};\n`).join(""));
  const { differences } = differencesBetween(await takeSnapshot(copy, compared), second.snapshot);
  return differences.length === 0 ? { way, back } : null;
}
