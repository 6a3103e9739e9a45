/** Takes a kind of change there and back, in databases that are used again as long as nothing stays in them. */
import type { Connection } from "../../src/database/connection.ts";
import { diffSchemas, type SchemaDiff } from "../../src/diff/diff.ts";
import { compareSchemas, type SchemaDifference } from "../../src/schema/compare.ts";
import { type SchemaSnapshot, takeSnapshot } from "../../src/schema/snapshot.ts";
import type { SchemaChange } from "../schema/change.ts";
import { ALL, connectionTo } from "../schema/snapshots.ts";
import type { TestDatabase } from "../support/database.ts";
import { createDatabases } from "../support/databases.ts";
import { majorVersion } from "../support/version.ts";

/** What was not made, of each kind: nothing, as a rule. */
export type Outcomes = Readonly<Record<string, readonly string[]>>;

export async function outcomesOf(db: TestDatabase, changes: readonly SchemaChange[]): Promise<Outcomes> {
  const known = changes.filter(({ since = 0 }) => since <= majorVersion());
  const found: Record<string, readonly string[]> = {};
  const left = [...known];
  while (left.length > 0) {
    const { names, drop } = await createDatabases(db, 3);
    const open = (name = "") => connectionTo(db.adminUrl.replace(/[^/]+$/, name));
    try {
      await using present = await open(names[0]);
      await using desired = await open(names[1]);
      await using copy = await open(names[2]);
      const empty = await takeSnapshot(copy, ALL);
      const databases = { present, desired, copy };
      while (left.length > 0 && (await isClean(databases, empty))) {
        const [change] = left.splice(0, 1);
        if (change !== undefined) found[change.name] = await thereAndBack(databases, change);
      }
    } finally {
      await drop();
    }
  }
  return found;
}

/** Says what else differs after the statements. */
export type Judge = (copy: Connection, goal: Connection) => Promise<readonly string[]>;

export interface Three {
  readonly present: Connection;
  readonly desired: Connection;
  readonly copy: Connection;
}

export async function isClean(databases: Partial<Three>, empty: SchemaSnapshot): Promise<boolean> {
  for (const one of Object.values(databases)) {
    await one.execute("drop schema if exists s cascade");
    if (compareSchemas(empty, await takeSnapshot(one, ALL)).length > 0) return false;
  }
  return true;
}

export async function thereAndBack(
  { present, desired, copy }: Three,
  { setup, change }: SchemaChange,
  judge: Judge = async () => [],
): Promise<readonly string[]> {
  const inSchema = (text: string) => `set search_path = s; ${text}; reset search_path`;
  for (const one of [present, desired, copy]) await one.execute(`create schema s; ${inSchema(setup)}`);
  await desired.execute(inSchema(change));
  const ways = [];
  for (const goal of [desired, present]) {
    const diff = await diffSchemas({ copy, desired: goal, compared: ALL }).catch(String);
    ways.push([...outcomeOf(diff), ...(await judge(copy, goal))]);
  }
  const [there, back] = ways;
  for (const one of [present, desired, copy]) await one.execute("drop subscription if exists sub");
  return [...(there ?? []), ...(back ?? []).map((text) => `back: ${text}`)];
}

function outcomeOf(diff: SchemaDiff | string): readonly string[] {
  if (typeof diff === "string") return [diff];
  return [
    ...(diff.refused === null ? [] : [`${diff.refused.statement}: ${(diff.refused.error as Error).message}`]),
    ...diff.left.map(briefly),
    ...diff.otherOrder.map((table) => `order of the columns of ${table}`),
  ];
}

function briefly({ change, kind, name, attributes }: SchemaDifference): string {
  const what = change === "changed" ? attributes.map(({ attribute }) => attribute).join(", ") : change;
  return `${kind} ${name}: ${what}`;
}

/** Every kind that is not named is made and taken back. */
export function allEqualBut(changes: readonly SchemaChange[], others: Outcomes): Outcomes {
  const known = changes.filter(({ since = 0 }) => since <= majorVersion());
  return Object.fromEntries(known.map(({ name }) => [name, others[name] ?? []]));
}

/** Few enough for the time of one test. */
export function portions(
  changes: readonly SchemaChange[],
): readonly (readonly [string, readonly SchemaChange[]])[] {
  const known = changes.filter(({ since = 0 }) => since <= majorVersion());
  return Array.from({ length: Math.ceil(known.length / PORTION) }, (_, at) => {
    const some = known.slice(at * PORTION, (at + 1) * PORTION);
    return [`${some[0]?.name} … ${some.at(-1)?.name}`, some] as const;
  });
}

const PORTION = 16;
