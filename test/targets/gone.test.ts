/** A schema that goes while its target is migrated is neither made again nor missed in silence. */
import { describe } from "vitest";
import type { FleetConfig, RunEvent } from "../../src/index.ts";
import { commandIn } from "../support/command.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { psql } from "../support/psql.ts";
import { folderOf } from "../support/target.ts";
import { createFleet } from "../support/watched.ts";

const FILES = {
  "0001_shops.sql": "create table shops (id int primary key);",
  "0002_index.sql": "create index concurrently shops_id on shops (id);",
  "0003_more.sql": "create table more (id int);",
  "0004_last.sql": "create table last (id int);",
};
const LEDGERS = ["{schema}", "ledger_of_{schema}"];

async function makeSchemas(db: TestDatabase): Promise<void> {
  for (const name of ["a", "b", "c"]) await db.sql(`create schema ${name}`);
}

/** What is done while nothing of the run goes on, or beside it. */
type Meanwhile = { readonly at: "once" | "beside"; readonly sql: string } | undefined;

/** All three tenants, and `meanwhile` when `b` has come to that event. */
async function upWith(
  db: TestDatabase,
  { ledgerSchema, files = FILES }: { ledgerSchema: string; files?: Readonly<Record<string, string>> },
  meanwhile: (event: RunEvent) => Meanwhile,
) {
  let waiting: Promise<unknown> = Promise.resolve();
  const targets = {
    tenants: { url: db.url, dir: folderOf(files), schemas: ["a", "b", "c"], ledgerSchema },
  };
  const observe: FleetConfig["observe"] = (event, target) => {
    const { at, sql = "" } = (target === "tenants/b" ? meanwhile(event) : undefined) ?? {};
    if (at === "once") expect(psql(db.url, sql)).toBeNull();
    if (at === "beside") waiting = db.sql(sql);
  };
  await using fleet = createFleet({ targets, environment: {}, observe });
  const error = await fleet.up().then(
    () => null,
    (thrown: unknown) => thrown as { code: string; report: { targets: { schemas: { ok: boolean }[] }[] } },
  );
  await waiting;
  return { error, others: error?.report.targets[0]?.schemas.map(({ ok }) => ok) };
}

async function tablesOf(db: TestDatabase): Promise<readonly string[]> {
  const rows = await db.sql<{ name: string }>(`select relnamespace::regnamespace || '.' || relname as name
    from pg_class where relname in ('shops', 'more', 'last') order by 1`);
  return rows.map(({ name }) => name);
}

const OF_OTHERS = ["a.last", "a.more", "a.shops", "c.last", "c.more", "c.shops"];

describe("a tenant's schema that is dropped", () => {
  for (const ledgerSchema of LEDGERS) {
    test(`before its first step is not made again (ledger in ${ledgerSchema})`, async ({ db }) => {
      await makeSchemas(db);
      const { error, others } = await upWith(db, { ledgerSchema }, (event) =>
        event.kind === "connected" ? { at: "once", sql: "drop schema b cascade" } : undefined,
      );
      expect(error).toMatchObject({ code: "TARGET_SCHEMA_MISSING" });
      expect(others).toEqual([true, false, true]);
      expect(await tablesOf(db)).toEqual(OF_OTHERS);
      expect(await db.sql("select from pg_namespace where nspname in ('b', 'ledger_of_b')")).toEqual([]);
    });

    test(`or renamed between two steps leaves nothing in public (ledger in ${ledgerSchema})`, async ({
      db,
    }) => {
      await makeSchemas(db);
      for (const [index, sql] of ["drop schema b cascade", "alter schema b rename to b_old"].entries()) {
        const { error, others } = await upWith(db, { ledgerSchema }, (event) =>
          event.kind === "step-done" && event.step.revision === "0001_shops"
            ? { at: "once", sql }
            : undefined,
        );
        expect(error).toMatchObject({ code: "TARGET_SCHEMA_MISSING" });
        expect(others).toEqual([true, false, true]);
        expect((await tablesOf(db)).filter((name) => !name.startsWith("b_old."))).toEqual(OF_OTHERS);
        if (index === 0) await db.sql("drop schema if exists ledger_of_b cascade; create schema b");
      }
    });
  }

  test("while a step of it runs takes the step with it", async ({ db }) => {
    await makeSchemas(db);
    // The step waits until the schema is gone, and the schema goes when the step waits.
    const waits = `do $$ begin
      while current_schema = 'b' and exists (select from pg_namespace where nspname = 'b') loop
        perform pg_advisory_xact_lock_shared(1), pg_sleep(0.01);
      end loop; end $$;`;
    const drop = `do $$ begin
      while not exists (select from pg_locks where locktype = 'advisory' and objid = 1
        and database = (select oid from pg_database where datname = current_database())) loop
        perform pg_sleep(0.01);
      end loop;
      drop schema b cascade; end $$`;
    const files = { "0001_slow.sql": `${waits} create table shops (id int primary key);` };
    const { error, others } = await upWith(db, { ledgerSchema: LEDGERS[1] ?? "", files }, (event) =>
      event.kind === "step-started" ? { at: "beside", sql: drop } : undefined,
    );
    expect(error).toMatchObject({ code: "TARGET_SCHEMA_MISSING" });
    expect(others).toEqual([true, false, true]);
    expect(await tablesOf(db)).toEqual(["a.shops", "c.shops"]);
  });

  test("is refused by the script of --sql as well", async ({ db }) => {
    await db.sql("create schema b");
    const targets = { tenants: { url: db.url, schemas: ["b"], ledgerSchema: "ledger_of_{schema}" } };
    const files = { "migrations/0001_shops.sql": FILES["0001_shops.sql"] };
    const godwit = commandIn({
      folder: folderOf({ ...files, "godwit.config.json": JSON.stringify({ targets }) }),
    });
    const script = (await godwit("up", "tenants/b", "--sql")).stdout.replace(/^\\.*$/gm, "");
    await db.sql("drop schema b");
    await expect(db.sql(script)).rejects.toThrow('Schema "b" is not in the database any more.');
    await db.sql("rollback");
    expect(await tablesOf(db)).toEqual([]);
    await db.sql("select pg_advisory_unlock_all()");
  });
});
