/** A history that the role may not read, or not all of, is never taken for an empty one: it is refused by name. */
import { describe } from "vitest";
import { type AdoptOptions, adopt } from "../../src/run/adopt.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { refusalOf } from "../support/refusal.ts";
import { folderOf, recorder, targetOf, up } from "../support/target.ts";
import { targetIn } from "../support/tools.ts";

const ADOPT: AdoptOptions = { assume: false, dryRun: false };
const FILES = {
  "001_a.sql": "-- migrate:up\ncreate table a (id int);\n-- migrate:down\ndrop table a;\n",
  "002_b.sql": "-- migrate:up\ncreate table b (id int);\n-- migrate:down\ndrop table b;\n",
};

const steps = async (...call: Parameters<typeof up>) =>
  (await up(...call)).steps.map(({ revision }) => revision);
const exists = async (db: TestDatabase, name: string) =>
  (await db.sql(`select to_regclass('${name}') is not null as there`))[0]?.there;

describe("a history that cannot be read is not an empty one", () => {
  const HIDDEN: readonly [what: string, hide: string, show: string, says: RegExp][] = [
    [
      "a revoked privilege",
      "revoke select on app.schema_migrations from app_role",
      "grant select on app.schema_migrations to app_role",
      /may not read/,
    ],
    [
      "a revoked schema",
      "revoke usage on schema app from app_role",
      "grant usage on schema app to app_role",
      /may not read/,
    ],
    [
      "row level security",
      "alter table app.schema_migrations enable row level security; create policy p on app.schema_migrations for select using (version <> '001')",
      "alter table app.schema_migrations disable row level security; drop policy p on app.schema_migrations",
      /Row level security may hide/,
    ],
  ];
  test.for(HIDDEN)("%s, on the first run and on a later one", async ([, hide, show, says], { db }) => {
    const swap = (sql: string) => db.admin(sql.replaceAll("app_role", db.owner));
    await swap(`create schema app; grant all on schema app to app_role; create table app.schema_migrations (version varchar primary key);
      grant all on app.schema_migrations to app_role; insert into app.schema_migrations values ('001'); create table app.a (id int)`);
    const target = (settings: object) =>
      targetIn("dbmate", {
        url: `${db.url}?options=-c%20search_path%3Dapp`,
        folder: folderOf(FILES),
        settings,
      });
    const refused = async () => {
      for (const settings of [{}, { mirror: "dbmate" }]) {
        const { codes, error } = await refusalOf(up(await target(settings)));
        expect(codes).toEqual(["ADOPT_CONFLICT"]);
        expect(error.message).toMatch(says);
      }
    };
    await swap(hide);
    await refused();
    await swap(show);
    await adopt(await target({}), ADOPT, recorder());
    await swap(hide);
    await refused();
    await swap(show);
    expect(await steps(await target({}))).toEqual(["002_b"]);
  });

  test("nor is the one that we made ourselves", async ({ db }) => {
    await db.admin(`create schema app; grant all on schema app to ${db.owner}`);
    const url = `${db.url}?options=-c%20search_path%3Dapp`;
    const target = () => targetIn("dbmate", { url, folder: folderOf(FILES), settings: { mirror: "dbmate" } });
    expect(await steps(await target())).toHaveLength(2);
    await db.admin(`revoke usage on schema app from ${db.owner}`);
    expect((await refusalOf(up(await target()))).codes).toEqual(["ADOPT_CONFLICT"]);
    expect(await exists(db, "public.schema_migrations")).toBe(false);
  });
});

test("a plain folder is not run past a history in its place that it may not read", async ({ db }) => {
  await db.admin(`create table _prisma_migrations (migration_name text, checksum text, applied_steps_count int);
    revoke all on _prisma_migrations from public`);
  const folder = folderOf({ "001_p.sql": "create table p ();" });
  expect((await refusalOf(up(targetOf({ url: db.url, folder })))).codes).toEqual(["ADOPT_CONFLICT"]);
  const settings = { mirror: "none:public._prisma_migrations" };
  expect(await steps(targetOf({ url: db.url, folder, settings }))).toEqual(["001_p"]);
});
