/**
 * What changes no schema is no drift: maintenance, and a restore of a dump, also into a newer PostgreSQL. The schemas are random
 * choices of all known changes, and go through random operations. `GODWIT_TEST_UNCHANGED=1000` goes through so many.
 */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import { afterAll, beforeAll } from "vitest";
import { packSnapshot, unpackSnapshot } from "../../src/schema/packed.ts";
import type { SchemaSnapshot } from "../../src/schema/snapshot.ts";
import { expect, test } from "../support/database.ts";
import { type Chance, chanceFor, times } from "../support/seed.ts";
import { startServer, type ThrowAwayServer } from "../support/server.ts";
import type { SchemaChange } from "./change.ts";
import { OBJECT_CHANGES } from "./object-changes.ts";
import { described, snapshotOf } from "./snapshots.ts";
import { TABLE_CHANGES } from "./table-changes.ts";

/** The oldest server that the dump program of the machine and the newest server both know. */
const OLD = 15;
const TRIPS = times("GODWIT_TEST_UNCHANGED", 40);
const TRIPS_OF_A_SCHEMA = 8;
/** Few enough for the time of one test. */
const PORTION = 50;
const CHANGES = [...TABLE_CHANGES, ...OBJECT_CHANGES].filter(
  ({ since = 0, unrestorable }) => since <= OLD && unrestorable === undefined,
);

interface Place {
  readonly port: number;
  readonly database: string;
  readonly major: number;
}

/** What carries out statements, or makes a database of another one. Returns where the schema is then. */
type Operation = (from: Place, to: (port: number) => Promise<Place>) => Promise<Place>;

const maintained =
  (...statements: readonly string[]): Operation =>
  async (from) => {
    const own = statements.map((text) => text.replaceAll("$database", `"${from.database}"`));
    await command(urlOf(from), ...own);
    return from;
  };

const MAINTENANCE: Readonly<Record<string, Operation>> = {
  VACUUM: maintained("vacuum (freeze, analyze)"),
  "VACUUM FULL": maintained("vacuum full"),
  ANALYZE: maintained("analyze"),
  REINDEX: maintained("reindex database $database"),
  "REINDEX CONCURRENTLY": maintained("reindex database concurrently $database"),
  CLUSTER: maintained("cluster"),
};

const restored =
  (port: (from: Place) => number): Operation =>
  async (from, to) => {
    const dump = await run("pg_dump", [urlOf(from)]);
    const target = await to(port(from));
    await run("psql", ["--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", urlOf(target)], dump);
    return target;
  };

const archived =
  (port: (from: Place) => number): Operation =>
  async (from, to) => {
    const folder = await mkdtemp(join(tmpdir(), "godwit-dump-"));
    try {
      const file = join(folder, "archive");
      await run("pg_dump", ["--format=custom", `--file=${file}`, urlOf(from)]);
      const target = await to(port(from));
      await run("pg_restore", ["--exit-on-error", `--dbname=${urlOf(target)}`, file]);
      return target;
    } finally {
      await rm(folder, { recursive: true });
    }
  };

let old: ThrowAwayServer;
let random: Chance;
beforeAll(async () => {
  random = chanceFor("schemas that nobody changes");
  old = await startServer({ major: OLD });
});
afterAll(() => old.stop());

const portions = Array.from(
  { length: Math.ceil(TRIPS / PORTION) },
  (_, at) => [at, Math.min(PORTION, TRIPS - at * PORTION)] as const,
);

test.for(portions)(
  "maintenance, dumps that are restored and a newer PostgreSQL are no drift: %i, %i round trips",
  {
    timeout: 600_000,
  },
  async ([portion, count], { db }) => {
    const [here, newest] = [({ port }: Place) => port, () => db.port];
    const operations = {
      ...MAINTENANCE,
      "a dump, restored": restored(here),
      "an archive, restored": archived(here),
      "15 → 18 by a dump": restored(newest),
      "15 → 18 by an archive": archived(newest),
    };
    /** The dump program of the machine knows no newer server than the old one. */
    const possible = ({ major }: Place) => (major === OLD ? operations : MAINTENANCE);
    const chance = random.of(portion);
    const done = new Map<string, number>();
    const kinds = new Set<string>();
    let objects = 0;
    for (let trips = 0, schema = 0; trips < count; schema++) {
      const own = chance.of(schema);
      const isFirst = portion === 0 && schema === 0;
      let made = 0;
      const to = async (port: number): Promise<Place> => {
        const place = {
          port,
          database: `${db.name}_${schema}_${made++}`,
          major: port === old.port ? OLD : 18,
        };
        await command(urlOf({ ...place, database: "template1" }), `create database ${place.database}`);
        return place;
      };
      let place = await to(old.port);
      // The first one has all kinds, and goes through all operations.
      const rows = isFirst ? CHANGES : some(own, CHANGES);
      await make(urlOf(place), rows);
      const before = await snapshotOf(urlOf(place));
      const kept = unpackSnapshot(packSnapshot(before)) as SchemaSnapshot;
      for (const { kind } of before.objects) kinds.add(kind);
      objects += before.objects.length;
      const path: string[] = [];
      const all = Object.keys(operations);
      const length = isFirst ? all.length - 1 : TRIPS_OF_A_SCHEMA;
      for (; path.length < length && trips < count; trips++) {
        const names = Object.keys(possible(place));
        const name = (isFirst ? all[path.length] : names[own.int(0, names.length - 1)]) as string;
        path.push(name);
        const from = place;
        place = await (operations[name as keyof typeof operations] as Operation)(from, to);
        expect(
          described(kept, await snapshotOf(urlOf(place))),
          `${own.seed}, ${portion} ${schema}: ${path}`,
        ).toEqual([]);
        if (place !== from) await drop(from);
        done.set(name, (done.get(name) ?? 0) + 1);
      }
      await drop(place);
    }
    console.info(`${objects} objects of ${kinds.size} kinds:`, Object.fromEntries(done));
  },
);

function some(chance: Chance, changes: readonly SchemaChange[]): readonly SchemaChange[] {
  const share = chance.int(3, 20) / 100;
  return changes.filter(() => chance.chance(share));
}

function urlOf({ port, database }: Pick<Place, "port" | "database">): string {
  return `postgres://postgres@127.0.0.1:${port}/${database}`;
}

async function drop(place: Place): Promise<void> {
  await command(urlOf(place), "drop subscription if exists sub");
  await command(urlOf({ ...place, database: "template1" }), `drop database ${place.database} with (force)`);
}

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
