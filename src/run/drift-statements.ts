/**
 * The statements that undo or adopt drift, each with the differences that it is for. They are found for whole databases. What the
 * configuration ignores is left out of them, and the rest is carried out once more: nothing may be left but what is ignored.
 */
import { identifier } from "../core/sql/quote.ts";
import type { Connection } from "../database/connection.ts";
import type { Scratch } from "../database/embedded/scratch.ts";
import { attributed } from "../diff/attributed.ts";
import { differencesBetween } from "../diff/judge.ts";
import { lossesOf } from "../diff/losses.ts";
import { failuresOnRows } from "../diff/on-rows.ts";
import type { DiffStatement } from "../diff/statement.ts";
import { DatabaseError } from "../errors.ts";
import { describeDifference } from "../schema/compare.ts";
import { ignoredBy } from "../schema/ignore.ts";
import { identity, type SchemaSnapshot, takeSnapshot } from "../schema/snapshot.ts";

export interface DriftStatement extends DiffStatement {
  /** The differences that it is for, as `kind name`. */
  readonly differences: readonly string[];
}

export interface Way {
  readonly statements: readonly DriftStatement[];
  readonly losses: readonly string[];
  readonly failsOnRows: readonly string[];
  /** Why they are not proven. Empty: they are. */
  readonly unproven: readonly string[];
}

export interface WayOptions {
  readonly scratch: Scratch;
  /** The database that the statements begin in. It stays as it is. */
  readonly from: string;
  /** All of them, in order. */
  readonly statements: readonly DiffStatement[];
  /** The role that executes them. */
  readonly user: string;
  /** What is ignored. */
  readonly patterns: readonly string[];
}

export async function wayOf({ scratch, from, statements, user, patterns }: WayOptions): Promise<Way> {
  await using each = await openCopy(scratch, { of: from, as: `each_${from}`, user });
  const states = [await snapshotOf(each)];
  for (const { text } of statements) {
    await each.execute(text);
    states.push(await snapshotOf(each));
  }
  const [before, after] = [states[0] as SchemaSnapshot, states.at(-1) as SchemaSnapshot];
  const { differences } = differencesBetween(before, after);
  const names = attributed(states, differences);
  const isIgnored = ignoredBy(patterns, [before, after]);
  const ignored = new Set(differences.filter(isIgnored).map(identity));
  const own = statements.map((statement, at) => ({ ...statement, differences: names[at] ?? [] }));
  if (ignored.size === 0) return { ...withCautions(own, { from: before, to: after }), unproven: [] };
  const kept = own
    .filter((one) => one.differences.length === 0 || one.differences.some((name) => !ignored.has(name)))
    .map((one) => ({ ...one, differences: one.differences.filter((name) => !ignored.has(name)) }));
  await using some = await openCopy(scratch, { of: from, as: `some_${from}`, user });
  for (const { text } of kept)
    try {
      await some.execute(text);
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error;
      return { ...NOTHING, unproven: [`Without what is ignored (driftIgnore), ${text}: ${error.message}`] };
    }
  const made = await snapshotOf(some);
  const left = differencesBetween(made, after).differences.filter((one) => !isIgnored(one));
  return left.length > 0
    ? {
        ...NOTHING,
        unproven: left.map((one) => `Without what is ignored (driftIgnore): ${describeDifference(one, 80)}`),
      }
    : { ...withCautions(kept, { from: before, to: made }), unproven: [] };
}

const NOTHING = { statements: [], losses: [], failsOnRows: [] } as const;

function withCautions(
  statements: readonly DriftStatement[],
  sides: { readonly from: SchemaSnapshot; readonly to: SchemaSnapshot },
): Omit<Way, "unproven"> {
  return { statements, losses: lossesOf(statements, sides), failsOnRows: failuresOnRows(statements, sides) };
}

const snapshotOf = (connection: Connection) => takeSnapshot(connection, { schema: null });

async function openCopy(
  scratch: Scratch,
  { of, as, user }: { readonly of: string; readonly as: string; readonly user: string },
): Promise<Connection> {
  await scratch.create(as, { template: of });
  const connection = await scratch.open(as);
  await connection.execute(`set role ${identifier(user)}`);
  return connection;
}
