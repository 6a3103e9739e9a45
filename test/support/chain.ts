/**
 * Four migrations for two runners to take turns at. Each table is filled from the one before it, so that one made too
 * early fails, one made twice fails, and one filled twice or not at all has another number of rows.
 */
import type { AdoptOptions } from "../../src/run/adopt.ts";
import { expect, type TestDatabase } from "./database.ts";
import type { Files } from "./target.ts";

export const ADOPT: AdoptOptions = { assume: false, dryRun: false };

export const TABLES = ["a", "b", "c", "d"] as const;

export function make(index: number): string {
  const [table, before] = [TABLES[index], TABLES[index - 1]];
  if (before === undefined) return `create table ${table} (id int);\ninsert into ${table} values (1);\n`;
  return `create table ${table} (id int);\ninsert into ${table} select id from ${before};\n`;
}

export const drop = (index: number) => `drop table ${TABLES[index]};\n`;

/** The first so many as files. */
export function numbered(count: number, write: (index: number) => [string, string]): Files {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => write(index)));
}

/** Each of the first so many tables has exactly the one row that its migration inserts. */
export async function once(db: TestDatabase, count: number): Promise<void> {
  for (const table of TABLES.slice(0, count))
    expect(await db.sql(`select count(*)::int as n from ${table}`), table).toEqual([{ n: 1 }]);
}
