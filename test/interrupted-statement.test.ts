/**
 * A statement that cannot be in a transaction is terminated half-way, while it waits for somebody's transaction. What it
 * leaves behind is judged by the catalog, cleared, and the statement is finished, once.
 */
import { describe } from "vitest";
import { expect, test } from "./support/database.ts";
import { stateOf } from "./support/state.ts";
import { folderOf, recorder, targetOf, up } from "./support/target.ts";
import { majorVersion } from "./support/version.ts";

const SETUP = `create table shops (id int, name text);
create index shops_name on shops (name);
create table orders (id int, day int) partition by list (day);
create table orders_1 partition of orders for values in (1);
insert into shops values (1, 'a'); insert into orders values (1, 1);`;

interface Case {
  readonly statement: string;
  /** What whoever is in the way is reading. */
  readonly reads: string;
  /** What it leaves behind when it is terminated, as a line of the schema. */
  readonly leftover: RegExp;
}

const CASES: readonly Case[] = [
  {
    statement: "create index concurrently shops_id on shops (id)",
    reads: "shops",
    leftover: /^index CREATE INDEX shops_id .* f [ft]$/,
  },
  {
    statement: "drop index concurrently shops_name",
    reads: "shops",
    leftover: /^index CREATE INDEX shops_name .* f [ft]$/,
  },
  {
    statement: "reindex index concurrently shops_name",
    reads: "shops",
    leftover: /^index CREATE INDEX shops_name_ccnew .* f [ft]$/,
  },
  {
    statement: "alter table orders detach partition orders_1 concurrently",
    reads: "orders",
    leftover: /^partition orders_1 of orders true$/,
  },
];

describe("a session that is terminated during", () => {
  test.for(CASES)("$statement", async ({ statement, reads, leftover }, { db, skip }) => {
    skip(statement.includes("detach") && majorVersion() < 14, "PostgreSQL 13 has no DETACH CONCURRENTLY");
    await db.sql(SETUP);
    await db.sql(statement);
    const undisturbed = await stateOf(db.admin);
    await db.admin(`drop schema public cascade; create schema public authorization ${db.owner}`);
    await db.sql(SETUP);
    const somebody = await db.connect();
    await somebody.query(`begin isolation level repeatable read; select from ${reads}`);

    const folder = folderOf({ "0001_a.sql": `${statement};` });
    // A short lock timeout only makes the run look sooner at who is in its way: these statements wait without one.
    const target = targetOf({ url: db.url, folder, settings: { lockTimeoutMs: 200, connectDelayMs: 5 } });
    let waits = () => {};
    const waiting = new Promise<void>((resolve) => {
      waits = resolve;
    });
    const context = recorder((event) => {
      if (event.kind === "step-progress" && event.blockers.length > 0) waits();
    });
    const running = up(target, context);
    await waiting;
    expect((await stateOf(db.admin)).schema).toContainEqual(expect.stringMatching(leftover));
    await db.admin(
      "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
    );
    await context.once("connection-lost");
    await somebody.query("rollback");
    expect(await running).toMatchObject({ outcome: "done" });

    const after = await stateOf(db.admin);
    expect({ schema: after.schema, rows: after.rows }).toEqual({
      schema: undisturbed.schema,
      rows: undisturbed.rows,
    });
    expect(after.ledger.filter((line) => line.startsWith("log"))).toEqual(["log 1 applied 0001_a up"]);
  });
});
