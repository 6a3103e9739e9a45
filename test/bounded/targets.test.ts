/** The code of one target's migrations neither reaches the other targets nor reads what is theirs. */
import { describe } from "vitest";
import { env } from "../../src/index.ts";
import { commandIn, type Json } from "../support/command.ts";
import { expect, ledgerSchema, type TestDatabase, test as withDatabase } from "../support/database.ts";
import { createDatabases } from "../support/databases.ts";
import { folderOf } from "../support/target.ts";
import { createFleet } from "../support/watched.ts";

const test = withDatabase.extend<{ urls: readonly [TestDatabase["url"], string] }>({
  urls: async ({ db }, use) => {
    const more = await createDatabases(db, 1);
    await use([db.url, ...more.urls] as never);
    await more.drop();
  },
});

const CONFIG = `export default { ledgerSchema: ${JSON.stringify(ledgerSchema)}, parallel: 2, targets: {
  one: { url: { variable: "ONE_URL" }, dir: "one" },
  two: { url: { variable: "TWO_URL" }, dir: "two" } } };`;
const SLOW =
  "export const up = async ({ sql }) => { await sql`select pg_sleep(1)`; await sql`create table a ()`; };";
const stateOf = (json: Json) => json.targets.map(({ name, ok }: Json) => [name, ok]);

describe("of two targets at a time, what the code of one does fails that one alone:", () => {
  test.for<[name: string, does: string]>([
    [
      "a throw that nobody can catch",
      "setTimeout(() => { throw new Error('stray'); }); await sql`select pg_sleep(5)`;",
    ],
    ["an exit", "process.exit(0);"],
    ["a crash", "process.abort();"],
  ])("%s", async ([, does], { urls }) => {
    const folder = folderOf({
      "godwit.config.mjs": CONFIG,
      "one/0001_a.mjs": `export const up = async ({ sql }) => { ${does} };`,
      "two/0001_a.mjs": SLOW,
    });
    const variables = { ONE_URL: urls[0], TWO_URL: urls[1] };
    const { json } = await commandIn({ folder, env: variables }).fails(1, "up", "--json");
    expect(stateOf(json)).toEqual([
      ["one", false],
      ["two", true],
    ]);
  });

  test("also where they are schemas of one database", async ({ urls, db }) => {
    await db.sql("create schema a; create schema b");
    const folder = folderOf({
      "godwit.config.mjs": `export default { parallel: 2, targets: { t: {
        url: { variable: "ONE_URL" }, dir: "one", schemas: ["a", "b"], canary: "b" } } };`,
      "one/0001_a.mjs": `export const up = async ({ query, sql }) => {
        const { rows } = await query("select current_schema() as s");
        if (rows[0].s === "a") process.exit(0);
        await sql\`create table t ()\`;
      };`,
    });
    const { json } = await commandIn({ folder, env: { ONE_URL: urls[0] } }).fails(1, "up", "--json");
    expect(json.targets[0].schemas.map(({ name, ok }: Json) => [name, ok])).toEqual([
      ["t/a", false],
      ["t/b", true],
    ]);
    await db.sql("drop schema a cascade; drop schema b cascade");
  });
});

describe("the environment of a migration has no secrets of other targets", () => {
  const LOOKS = `export const up = ({ log }) => log.info(JSON.stringify(
    ["ONE_URL", "TWO_URL", "TWO_AGAIN", "MINE"].map((name) => process.env[name] !== undefined)));`;
  const files = { "one/0001_a.mjs": LOOKS, "two/0001_a.mjs": LOOKS };

  test("with the command", async ({ urls }) => {
    const folder = folderOf({ "godwit.config.mjs": CONFIG, ...files });
    const variables = { ONE_URL: urls[0], TWO_URL: urls[1], TWO_AGAIN: `again ${urls[1]}`, MINE: "1" };
    const { stderr } = await commandIn({ folder, env: variables })("up");
    expect(stderr).toContain("one: 0001_a: [true,false,false,true]");
    expect(stderr).toContain("two: 0001_a: [false,true,true,true]");
  });

  test("with the library", async ({ urls }) => {
    const root = folderOf(files);
    const told: string[] = [];
    const url = (name: string) => ({ url: env(name) });
    await using fleet = createFleet({
      root,
      targets: { one: { ...url("ONE_URL"), dir: "one" }, two: { ...url("TWO_URL"), dir: "two" } },
      environment: { ...process.env, ONE_URL: urls[0], TWO_URL: urls[1] },
      observe: (event, target) => event.kind === "log" && told.push(`${target} ${event.message}`),
    });
    await fleet.up();
    expect(told).toEqual(["one [true,false,false,false]", "two [false,true,false,false]"]);
  });

  test("with one database it is whole", async ({ db }) => {
    const folder = folderOf({ "migrations/0001_a.mjs": LOOKS });
    const { stderr } = await commandIn({ folder, url: db.url, env: { ONE_URL: "1", MINE: "2" } })("up");
    expect(stderr).toContain("[true,false,false,true]");
  });
});
