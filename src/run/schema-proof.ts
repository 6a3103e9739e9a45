/**
 * The two ways between the states of a diff, found and proven on the scratch server: in one transaction if that is possible. Else in
 * steps, for instance because a new value of an enum is used:
 *
 *   a copy of the present ─► both ways, statement by statement
 *   another copy          ─► both ways once more, as they will be carried out
 */
import { identifier } from "../core/sql/quote.ts";
import type { Connection } from "../database/connection.ts";
import type { Scratch } from "../database/embedded/scratch.ts";
import { bothWays } from "../diff/both-ways.ts";
import { diffSchemas, type SchemaDiff } from "../diff/diff.ts";
import type { RenameHint } from "../diff/hints.ts";
import { differencesBetween } from "../diff/judge.ts";
import { unproven } from "../diff/proven.ts";
import { readingOf, readSchema, type SchemaReading } from "../diff/reading.ts";
import { reasonOf } from "../diff/reasons.ts";
import { turned } from "../diff/renames.ts";
import type { DiffStatement } from "../diff/statement.ts";
import { DatabaseError } from "../errors.ts";
import { describeDifference, type SchemaDifference } from "../schema/compare.ts";
import { type SchemaSnapshot, takeSnapshot } from "../schema/snapshot.ts";
import { ALL } from "./database-copy.ts";
import { messageOf } from "./scratch-roles.ts";

export interface Proof {
  readonly there: SchemaDiff;
  readonly back: SchemaDiff;
  /** `false`: a statement takes effect only when its transaction has ended, and a later one needs it. */
  readonly transaction: boolean;
}

interface Proving {
  readonly from: { readonly name: string };
  readonly to: { readonly name: string };
  readonly renames: readonly RenameHint[];
  readonly present: SchemaReading;
  readonly desired: SchemaReading;
  readonly scratch: Scratch;
  readonly owner: string;
}

/** The states are in the databases `present` and `desired`, which nobody is connected to, and which stay. */
export async function prove(proving: Proving): Promise<Proof> {
  // Why it is impossible is told by the other way, if that fails too.
  const found = await inOneTransaction(proving).catch(() => null);
  return found ?? inSteps(proving);
}

async function inOneTransaction({ scratch, ...input }: Proving): Promise<Proof | null> {
  await using connection = await scratch.open("present");
  const { present: first, desired: second, renames, owner } = input;
  const ends = { first, second, renames, isTurned: false };
  const found = await bothWays({ connection, compared: ALL, owner, ...ends });
  return found === null ? null : { there: found.way, back: found.back, transaction: true };
}

async function inSteps({ scratch, owner, from, to, renames }: Proving): Promise<Proof> {
  await Promise.all(["copy", "replay"].map((name) => scratch.create(name, { template: "present" })));
  await using present = await scratch.open("present");
  await using desired = await scratch.open("desired");
  await using copy = await scratch.open("copy");
  await using replay = await scratch.open("replay");
  for (const one of [copy, replay]) await one.execute(`set role ${identifier(owner)}`);
  const [start, end] = await Promise.all([readSchema(present, ALL), readSchema(desired, ALL)]);
  const options = { copy, compared: ALL, owner };
  const there = await diffSchemas({ ...options, present: start, desired: end, renames });
  refuseUnproven(there, `from ${from.name} to ${to.name}`);
  const reached = readingOf(copy, there.reached);
  const turnedBack = { present: reached, desired: start, renames: turned(renames) };
  const back = await diffSchemas({ ...options, ...turnedBack });
  refuseUnproven(back, `the way back, from ${to.name} to ${from.name}`);
  const up = await replayed(replay, there.statements, end.snapshot);
  const down = await replayed(replay, back.statements, start.snapshot);
  return { there, back, transaction: up && down };
}

/** A value of an enum is used in the transaction that has added it; and a statement that runs in no transaction. */
const NEEDS_OWN_TRANSACTION = ["55P04", "25001"];

/** Carries out what was found once more, as it will be carried out. Returns whether one transaction is enough. */
async function replayed(
  connection: Connection,
  statements: readonly DiffStatement[],
  goal: SchemaSnapshot,
): Promise<boolean> {
  const texts = statements.map(({ text }) => `${text};\n`);
  let inOne = true;
  try {
    await connection.execute(["begin;\n", ...texts, "commit"].join(""));
  } catch (error) {
    await connection.execute("rollback");
    if (!(error instanceof DatabaseError) || !NEEDS_OWN_TRANSACTION.includes(error.sqlState ?? ""))
      throw error;
    inOne = false;
    for (const text of texts) await connection.execute(text);
  }
  const { differences } = differencesBetween(await takeSnapshot(connection, ALL), goal);
  if (differences.length > 0) throw unproven(differences.map(describeDifference), "carried out once more");
  return inOne;
}

function refuseUnproven({ left, refused }: SchemaDiff, what: string): void {
  if (refused !== null) throw unproven([`${refused.statement}: ${messageOf(refused.error)}`], what);
  if (left.length > 0) throw unproven(left.map(described), what);
}

function described(difference: SchemaDifference): string {
  const reason = reasonOf(difference);
  return `${describeDifference(difference)}${reason === null ? "" : ` (${reason})`}`;
}
