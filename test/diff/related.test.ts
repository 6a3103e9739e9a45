/** A plan of the facts that matter is the plan of all facts, for each kind of change. */
import type { Connection } from "../../src/database/connection.ts";
import { planned, readFacts, rolesOf } from "../../src/diff/delta.ts";
import { related } from "../../src/diff/related.ts";
import { takeSnapshot } from "../../src/schema/snapshot.ts";
import type { SchemaChange } from "../schema/change.ts";
import { OBJECT_CHANGES } from "../schema/object-changes.ts";
import { ALL, connectionTo } from "../schema/snapshots.ts";
import { TABLE_CHANGES } from "../schema/table-changes.ts";
import { expect, test } from "../support/database.ts";
import { createDatabases } from "../support/databases.ts";
import { isClean, portions } from "./kinds.ts";

/** What has nothing to do with any of the changes, so that the facts that matter are fewer than all. */
const OTHERS = `
create schema other;
create table other.parent (id serial primary key, "Na""me" text not null check ("Na""me" <> ''));
create table other.child (id bigint generated always as identity primary key, parent integer references other.parent);
create index on other.child (parent);
create view other.both as select c.id, p."Na""me" from other.child c join other.parent p on p.id = c.parent;
create function other.count() returns bigint language sql as 'select count(*) from other.both';
comment on view other.both is 'both';
grant select on other.parent to pg_read_all_data;
`;

test.for(portions([...TABLE_CHANGES, ...OBJECT_CHANGES]))(
  "the facts that matter lead to the same statements as all facts: %s",
  async ([, changes], { db }) => {
    const found: Record<string, unknown> = {};
    const wanted: Record<string, unknown> = {};
    const left = [...changes];
    while (left.length > 0) {
      const { names, drop } = await createDatabases(db, 2);
      const open = (name = "") => connectionTo(db.adminUrl.replace(/[^/]+$/, name));
      try {
        await using present = await open(names[0]);
        await using desired = await open(names[1]);
        for (const one of [present, desired]) await one.execute(OTHERS);
        const empty = await takeSnapshot(present, ALL);
        while (left.length > 0 && (await isClean({ present, desired }, empty))) {
          const [change] = left.splice(0, 1);
          if (change === undefined) break;
          const { some, all } = await plansOf(change, [present, desired]);
          found[change.name] = some;
          wanted[change.name] = all;
        }
      } finally {
        await drop();
      }
    }
    expect(found).toEqual(wanted);
  },
);

async function plansOf({ setup, change }: SchemaChange, ends: readonly [Connection, Connection]) {
  const inSchema = (text: string) => `set search_path = s; ${text}; reset search_path`;
  for (const one of ends) await one.execute(`create schema s; ${inSchema(setup)}`);
  await ends[1].execute(inSchema(change));
  const [before, after] = [await readFacts(ends[0]), await readFacts(ends[1])];
  const options = { owner: ends[0].server.user, roles: await rolesOf(ends[0]) };
  const some = [];
  const all = [];
  for (const [from, to] of [
    [before, after],
    [after, before],
  ] as const) {
    const isMeant = await related(from, to);
    expect([...from.facts.keys()].filter((key) => key.startsWith("table:other.") && isMeant(key))).toEqual(
      [],
    );
    some.push(await planned(from, to, { ...options, isMeant }).catch(String));
    all.push(await planned(from, to, options).catch(String));
  }
  for (const one of ends) await one.execute("drop subscription if exists sub");
  return { some, all };
}
