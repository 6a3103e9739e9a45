/**
 * What changes no schema makes no difference: maintenance, and a restore of a dump, also into a newer PostgreSQL. The schemas
 * are random choices of all known changes. `GODWIT_TEST_UNCHANGED=1000` makes so many of them.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import pg from "pg";
import { onTestFinished } from "vitest";
import { expect, test } from "../support/database.ts";
import { chanceFor, times } from "../support/seed.ts";
import { startServer } from "../support/server.ts";
import type { SchemaChange } from "./change.ts";
import { OBJECT_CHANGES } from "./object-changes.ts";
import { described, snapshotOf } from "./snapshots.ts";
import { TABLE_CHANGES } from "./table-changes.ts";

/** The oldest server that the dump program of the machine and the newest server both know. */
const OLD = 15;
const ROUNDS = times("GODWIT_TEST_UNCHANGED", 2);
const CHANGES = [...TABLE_CHANGES, ...OBJECT_CHANGES].filter(
  ({ since = 0, unrestorable }) => since <= OLD && unrestorable === undefined,
);

test("maintenance and restored dumps make no difference", { timeout: 600_000 }, async ({ db }) => {
  const old = await startServer({ major: OLD });
  onTestFinished(() => old.stop());
  const random = chanceFor("schemas that nobody changes");
  const at = (port: number, database: string) => `postgres://postgres@127.0.0.1:${port}/${database}`;
  let objects = 0;
  let kinds = new Set<string>();
  for (let round = 0; round < ROUNDS; round++) {
    const chance = random.of(round);
    const [first, second] = [`of_${round}`, `restored_${round}`];
    await command(at(old.port, "postgres"), `create database ${first}`, `create database ${second}`);
    const chosen = ROUNDS < 10 && round === 0 ? CHANGES : CHANGES.filter(() => chance.chance(0.2));
    await make(at(old.port, first), chosen);
    const before = await snapshotOf(at(old.port, first));
    objects += before.objects.length;
    kinds = new Set([...kinds, ...before.objects.map(({ kind }) => kind)]);

    await command(at(old.port, first), "vacuum full", "analyze", `reindex database ${first}`, "cluster");
    expect(described(before, await snapshotOf(at(old.port, first)))).toEqual([]);

    const dump = await run("pg_dump", [at(old.port, first)]);
    const newer = `${db.name}_${round}`;
    await command(db.adminUrl, `create database ${newer}`);
    try {
      for (const url of [at(old.port, second), at(db.port, newer)]) {
        await run("psql", ["--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", url], dump);
        expect(described(before, await snapshotOf(url)), url).toEqual([]);
      }
    } finally {
      await command(at(db.port, newer), "drop subscription if exists sub");
      await command(db.adminUrl, `drop database ${newer} with (force)`);
    }
  }
  console.info(`${ROUNDS} schemas, ${objects} objects of ${kinds.size} kinds`);
});

/** Each in a schema of its own. One that another has taken the name of is left out. */
async function make(url: string, changes: readonly SchemaChange[]): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    for (const [place, { setup, change, name }] of changes.entries()) {
      const schema = `s${place}`;
      const own = (sql: string) =>
        sql.replace(/\bschema s\b/g, `schema ${schema}`).replace(/\bs\.mood/g, `${schema}.mood`);
      try {
        await client.query(
          `begin; create schema ${schema}; set local search_path = ${schema}; ${own(setup)}; ${own(change)}; commit`,
        );
      } catch (error) {
        await client.query("rollback");
        // duplicate_object
        if ((error as { code?: string }).code !== "42710" && (error as { code?: string }).code !== "42P06")
          throw new Error(`${name}: ${error}`);
      }
    }
  } finally {
    await client.end();
  }
}

/** Never while this process stands still: it reads what the servers log, and a full pipe stops them. */
async function run(program: string, args: readonly string[], input = ""): Promise<string> {
  const running = promisify(execFile)(program, [...args], { maxBuffer: 1 << 28 });
  running.child.stdin?.end(input);
  return (await running).stdout;
}

async function command(url: string, ...statements: readonly string[]): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}
