/** An index that `IF NOT EXISTS` keeps is looked at where the server is not allowed to mention it, and in a dry run. */
import { describe } from "vitest";
import { commandIn } from "../support/command.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";

async function leftover(db: TestDatabase, more = ""): Promise<void> {
  await db.sql(
    `create table shops (id int); create table orders (id int); ${more} create index ix on shops (id)`,
  );
  await db.admin("update pg_index set indisvalid = false where indexrelid = 'ix'::regclass");
}

const QUIET = "set client_min_messages = warning";
const BUILD = "create index concurrently if not exists ix on shops (id)";
const module = (...texts: readonly string[]) =>
  `export default { transaction: false, async up({ execute }) { ${texts.map((text) => `await execute(${JSON.stringify(text)});`).join(" ")} } };`;

describe("where notices are off, an invalid index of that name is not kept in silence by", () => {
  for (const [title, name, text] of [
    ["a module outside a transaction", "0001_a.js", module(QUIET, BUILD)],
    ["a module that hears notices", "0001_a.js", module(BUILD)],
    [
      "a block",
      "0001_a.sql",
      `${QUIET};\ndo $$ begin execute 'create index if not exists ix on shops (id)'; end $$;`,
    ],
  ] as const)
    test(title, async ({ db }) => {
      await leftover(db);
      const godwit = commandIn({ folder: folderOf({ [`migrations/${name}`]: text }), url: db.url });
      const { json } = await godwit.fails(1, "up", "--json");
      expect(json.problems[0].code).toBe("STEP_INDEX_INVALID");
      const [, rebuild = ""] = /(REINDEX INDEX CONCURRENTLY \S+?)[;.]? /.exec(json.problems[0].hint) ?? [];
      await db.sql(rebuild.replace(/;$/, ""));
      if (name.endsWith(".sql")) await godwit("up");
    });

  test("a statement of a file, which builds it again", async ({ db }) => {
    await leftover(db);
    const folder = folderOf({ "migrations/0001_a.sql": `${QUIET};\n${BUILD};` });
    await commandIn({ folder, url: db.url })("up");
    expect(await db.sql("select from pg_index where not indisvalid")).toEqual([]);
  });
});

describe("a dry run", () => {
  for (const [title, index] of [
    ["names an invalid index of that name on another table", "ix on orders (id)"],
    ["names what has the name of the index already", "taken on orders (id)"],
  ] as const)
    for (const how of ["index", "index concurrently"])
      test(`${title}: create ${how}`, async ({ db }) => {
        await leftover(db, "create sequence taken;");
        const folder = folderOf({ "migrations/0001_a.sql": `create ${how} if not exists ${index};` });
        const godwit = commandIn({ folder, url: db.url });
        const tried = await godwit.fails(1, "up", "--dry-run", "--json");
        expect(tried.json.report).toMatchObject({
          outcome: "failed",
          failures: [{ revision: "0001_a", problem: { code: "STEP_INDEX_INVALID" }, uncertain: false }],
        });
        const done = await godwit.fails(1, "up", "--json");
        expect(done.json.problems[0].code).toBe("STEP_INDEX_INVALID");
      });

  test("works where up would drop the leftover and build it again", async ({ db }) => {
    await leftover(db);
    const folder = folderOf({ "migrations/0001_a.sql": "create index if not exists ix on shops (id);" });
    const { json } = await commandIn({ folder, url: db.url })("up", "--dry-run", "--json");
    expect(json.report).toMatchObject({ outcome: "worked", tried: ["0001_a"], failures: [] });
  });
});
