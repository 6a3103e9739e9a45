/** The second judge of a diff: `pg_dump --schema-only` of the copy and of the desired schema, line for line. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { promisify } from "node:util";
import { afterAll, beforeAll, vi } from "vitest";
import type { Connection } from "../../src/database/connection.ts";
import { takeSnapshot } from "../../src/schema/snapshot.ts";
import type { SchemaChange } from "../schema/change.ts";
import { OBJECT_CHANGES } from "../schema/object-changes.ts";
import { ALL, connectionTo } from "../schema/snapshots.ts";
import { TABLE_CHANGES } from "../schema/table-changes.ts";
import { expect, test } from "../support/database.ts";
import { startServer, type ThrowAwayServer } from "../support/server.ts";
import { isClean, type Outcomes, thereAndBack } from "./kinds.ts";
import { LEFT_OF_OBJECTS, LEFT_OF_TABLES, SEEN_BY_DUMP_ALONE } from "./outcomes.ts";

// Four dumps for each change, which a busy machine takes its time for.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

/** The newest server that the dump program of the machine knows. */
const MAJOR = 15;
/** Debian's `pg_dump` is a program in Perl that looks for this one. */
const ON_DEBIAN = `/usr/lib/postgresql/${MAJOR}/bin/pg_dump`;
const PG_DUMP = existsSync(ON_DEBIAN) ? ON_DEBIAN : "pg_dump";
const CHANGES = [...TABLE_CHANGES, ...OBJECT_CHANGES].filter(({ since = 0 }) => since <= MAJOR);
const LEFT: Outcomes = { ...LEFT_OF_TABLES, ...LEFT_OF_OBJECTS };
const PORTION = 32;

let server: ThrowAwayServer;
beforeAll(async () => {
  server = await startServer({ major: MAJOR });
});
afterAll(() => server.stop());

const portions = Array.from({ length: Math.ceil(CHANGES.length / PORTION) }, (_, at) =>
  CHANGES.slice(at * PORTION, (at + 1) * PORTION),
);

test.for(portions.map((changes) => [`${changes[0]?.name} … ${changes.at(-1)?.name}`, changes] as const))(
  "a dump sees no difference that the comparison does not name: %s",
  async ([, changes]) => {
    const found = await silentDifferences(changes);
    const expected = Object.entries(SEEN_BY_DUMP_ALONE).filter(([name]) =>
      changes.some((change) => change.name === name),
    );
    expect(found).toEqual(Object.fromEntries(expected));
  },
);

/** Of the changes that our comparison calls equal, in both directions, those whose dumps differ. */
async function silentDifferences(changes: readonly SchemaChange[]): Promise<Outcomes> {
  const found: Record<string, readonly string[]> = {};
  const left = changes.filter(({ name }) => LEFT[name] === undefined);
  for (let set = 0; left.length > 0; set++) {
    const names = ["present", "desired", "copy"].map((name) => `${name}_${performance.now()}_${set}`);
    await using admin = await connectionTo(urlOf("postgres"));
    for (const name of names) await admin.execute(`create database "${name}"`);
    const [present, desired, copy] = names.map((name) => connectionTo(urlOf(name)));
    {
      await using first = (await present) as Connection;
      await using second = (await desired) as Connection;
      await using third = (await copy) as Connection;
      const three = { present: first, desired: second, copy: third };
      const empty = await takeSnapshot(third, ALL);
      const dumps: readonly [Connection, string][] = [first, second, third].map((one, at) => [
        one,
        names[at] as string,
      ]);
      const databaseOf = new Map(dumps);
      while (left.length > 0 && (await isClean(three, empty))) {
        const [change] = left.splice(0, 1);
        if (change === undefined) break;
        const outcome = await thereAndBack(three, change, async (one, goal) => {
          const [is, wanted] = [await dumpOf(databaseOf.get(one)), await dumpOf(databaseOf.get(goal))];
          return is === wanted ? [] : differing(is, wanted);
        });
        if (outcome.length > 0) found[change.name] = outcome;
      }
    }
    for (const name of names) await admin.execute(`drop database "${name}" with (force)`);
  }
  return found;
}

function urlOf(database: string): string {
  return `postgres://postgres@127.0.0.1:${server.port}/${encodeURIComponent(database)}`;
}

async function dumpOf(database = ""): Promise<string> {
  const { stdout } = await promisify(execFile)(PG_DUMP, ["--schema-only", urlOf(database)]);
  // The word of these commands of psql is another one in each dump.
  return stdout.replace(/^\\(?:un)?restrict .*$/gm, "");
}

function differing(is: string, wanted: string): readonly string[] {
  const [a, b] = [is, wanted].map((text) => text.split("\n").filter((line) => !/^(?:--.*)?$/.test(line)));
  const only = (lines: readonly string[] = [], others: readonly string[] = [], sign = "") =>
    lines.filter((line) => !others.includes(line)).map((line) => `${sign}${line.trim()}`);
  const lines = [...only(a, b, "is: "), ...only(b, a, "wanted: ")];
  return lines.length > 0 ? lines : ["the same lines in another order"];
}
