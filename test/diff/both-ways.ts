/** Finds both ways in one transaction, and in a copy: the statements should be the same, for each kind of change. */
import type { Connection } from "../../src/database/connection.ts";
import { bothWays } from "../../src/diff/both-ways.ts";
import { diffSchemas } from "../../src/diff/diff.ts";
import { isProven } from "../../src/diff/proven.ts";
import { readTogether } from "../../src/diff/reading.ts";
import { compareSchemas } from "../../src/schema/compare.ts";
import { takeSnapshot } from "../../src/schema/snapshot.ts";
import type { SchemaChange } from "../schema/change.ts";
import { ALL, connectionTo } from "../schema/snapshots.ts";
import { expect, type TestDatabase } from "../support/database.ts";
import { createDatabases } from "../support/databases.ts";
import { isClean, type Three } from "./kinds.ts";

/** By the name of the change. */
export async function waysOf(db: TestDatabase, changes: readonly SchemaChange[]) {
  const found: Record<string, unknown> = {};
  const wanted: Record<string, unknown> = {};
  const left = [...changes];
  while (left.length > 0) {
    const { names, drop } = await createDatabases(db, 3);
    const open = (name = "") => connectionTo(db.adminUrl.replace(/[^/]+$/, name));
    try {
      await using present = await open(names[0]);
      await using desired = await open(names[1]);
      await using copy = await open(names[2]);
      const three = { present, desired, copy };
      const empty = await takeSnapshot(copy, ALL);
      while (left.length > 0 && (await isClean(three, empty))) {
        const [change] = left.splice(0, 1);
        if (change === undefined) break;
        found[change.name] = await inOneTransaction(three, change);
        wanted[change.name] = await inCopy(three);
        for (const one of [present, desired, copy]) await one.execute("drop subscription if exists sub");
      }
    } finally {
      await drop();
    }
  }
  return { found, wanted };
}

/** From the present to the desired, beginning with either. */
async function inOneTransaction({ present, desired, copy }: Three, { setup, change }: SchemaChange) {
  const inSchema = (text: string) => `set search_path = s; ${text}; reset search_path`;
  for (const one of [present, desired, copy]) await one.execute(`create schema s; ${inSchema(setup)}`);
  await desired.execute(inSchema(change));
  const start = await read(present);
  const end = await read(desired);
  const options = { renames: [], compared: ALL, owner: present.server.user };
  const there = await bothWays({
    ...{ ...options, connection: present, first: start, second: end, isTurned: false },
  }).catch(() => null);
  const turned = await bothWays({
    ...{ ...options, connection: desired, first: end, second: start, isTurned: true },
  }).catch(() => null);
  expect(compareSchemas(start.snapshot, await takeSnapshot(present, ALL))).toEqual([]);
  expect(compareSchemas(end.snapshot, await takeSnapshot(desired, ALL))).toEqual([]);
  return {
    there: there === null ? null : [texts(there.way), texts(there.back)],
    turned: turned === null ? null : [texts(turned.back), texts(turned.way)],
  };
}

/** `null`: something is left or refused, or needs its own transaction. */
async function inCopy({ present, desired, copy }: Three) {
  const ways = [];
  for (const goal of [desired, present]) {
    const way = await diffSchemas({ copy, desired: goal, compared: ALL }).catch(() => null);
    if (way === null || !isProven(way)) return { there: null, turned: null };
    ways.push(texts(way));
  }
  return { there: ways, turned: ways };
}

function read(connection: Connection) {
  return readTogether([connection, connection], ALL);
}

function texts({ statements }: { readonly statements: readonly { readonly text: string }[] }) {
  return statements.map(({ text }) => text);
}
