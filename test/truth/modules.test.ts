/** A module is believed as little as a file: what it kept is what its statements did. */
import { describe } from "vitest";
import { commandIn } from "../support/command.ts";
import { expect, ledgerSchema, type TestDatabase, test } from "../support/database.ts";
import { refusalOf } from "../support/refusal.ts";
import { folderOf, targetOf, up, writeFiles } from "../support/target.ts";

const LEDGER = `"${ledgerSchema}"`;
const outside = (body: string) =>
  `export default { transaction: false, async up({ sql, execute, query }: any) {\n${body}\n} };\n`;
const inside = (body: string) => `export async function up({ sql, execute, query }: any) {\n${body}\n}\n`;
const targetWith = (db: TestDatabase, text: string) =>
  targetOf({ url: db.url, folder: folderOf({ "0001_a.ts": text }) });
const tables = async (db: TestDatabase) =>
  (
    await db.sql("select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace")
  ).map(({ relname }) => relname);

describe("outside a transaction, a module", () => {
  test("that leaves a transaction open has failed, and nothing of that transaction stays", async ({ db }) => {
    const target = targetWith(db, outside('await execute("begin"); await execute("create table a ()");'));
    const { error } = await refusalOf(up(target));
    expect(error).toMatchObject({
      code: "STEP_ENDED_TRANSACTION",
      message: expect.stringContaining("left a transaction open"),
      report: { failures: [{ committed: "none" }] },
    });
    expect(await tables(db)).toEqual([]);
    writeFiles(target.source.folder, {
      "0001_a.ts": outside('await execute("begin; create table a (); commit");'),
    });
    await up(target);
    expect(await tables(db)).toEqual(["a"]);
  });

  test("that leaves a failed one open has failed too, and what it had committed is not denied", async ({
    db,
  }) => {
    const target = targetWith(
      db,
      outside(
        'await execute("create table a ()"); await execute("begin"); await sql`select nothing`.catch(() => {});',
      ),
    );
    const { error } = await refusalOf(up(target));
    expect(error.report).toMatchObject({ failures: [{ committed: "unknown" }] });
    expect(error.hint).toContain("godwit repair --mark-done 0001_a");
    expect(await tables(db)).toEqual(["a"]);
    await expect(up(target)).rejects.toMatchObject({ code: "PLAN_PARTIAL" });
  });

  test("whose first statement fails has kept nothing, and runs again when it is corrected", async ({
    db,
  }) => {
    const target = targetWith(db, outside("await sql`select nothing`; await sql`create table a ()`;"));
    for (const _again of [1, 2]) {
      const { error } = await refusalOf(up(target));
      expect(error).toMatchObject({
        message: expect.stringContaining('"nothing" does not exist'),
        hint: expect.stringContaining("nothing of it was kept"),
        report: { failures: [{ committed: "none" }] },
      });
    }
    expect(await db.sql(`select from ${LEDGER}.migration_history`)).toEqual([]);
    writeFiles(target.source.folder, { "0001_a.ts": outside("await sql`create table a ()`;") });
    await up(target);
  });

  test("that fails behind its first statement says so, and is begun again as the hint says", async ({
    db,
  }) => {
    const folder = folderOf({
      "migrations/0001_a.ts": outside(
        "await sql`create table if not exists a ()`; await sql`select nothing`;",
      ),
    });
    const godwit = commandIn({ folder, url: db.url });
    const { json } = await godwit.fails(1, "up", "--json");
    expect(json.report.failures).toMatchObject([{ committed: "unknown" }]);
    const [, command = ""] = /`godwit (repair --retry [^`]+)`/.exec(json.problems[0].hint) ?? [];
    writeFiles(folder, { "migrations/0001_a.ts": outside("await sql`create table if not exists a ()`;") });
    await godwit.fails(1, "up");
    await godwit(...command.split(" "), "--confirm", db.name);
    await godwit("up");
    expect(await tables(db)).toEqual(["a"]);
  });
});

test.for([
  ["--retry", ["half"]],
  ["--forget", []],
] as const)(
  "a way back outside a transaction that failed half-way goes on with %s",
  async ([flag, left], { db }) => {
    await db.sql("create table effects (what text)");
    const back = (last: string) =>
      `export default { transaction: false, async up() {}, async down({ sql }: any) { ${last} await sql\`insert into effects values ('half')\`; await sql\`select nothing\`; } };\n`;
    const folder = folderOf({ "migrations/0001_a.ts": back("") });
    const godwit = commandIn({ folder, url: db.url });
    await godwit("up");
    const { json } = await godwit.fails(1, "down", "base", "--json");
    expect(json.report.failures).toMatchObject([{ committed: "unknown" }]);
    const [, command = ""] =
      new RegExp(`\`godwit (repair ${flag} [^\`]+)\``).exec(json.problems[0].hint) ?? [];
    await godwit(...command.split(" "), "--confirm", db.name);
    await db.sql("delete from effects");
    const next = await godwit.start("down", "base").exits(left.length > 0 ? 1 : 0);
    expect(next.stderr).not.toContain("PLAN_PARTIAL");
    expect((await db.sql("select what from effects")).map(({ what }) => what)).toEqual(left);
  },
);

describe("inside its transaction, a module", () => {
  for (const [sent, how] of [
    ["COMMIT", 'await execute("create table a (); commit; begin");'],
    ["ROLLBACK", "await sql`ROLLBACK`;"],
    ["END", 'await query("/* now */ end");'],
    ["START TRANSACTION", 'await execute("start transaction");'],
    ["PREPARE TRANSACTION", `await execute("prepare transaction 'x'");`],
  ] as const)
    test(`that sends ${sent} is stopped before it is sent, even where it catches that`, async ({ db }) => {
      const target = targetWith(db, inside(`await sql\`create table b ()\`; try { ${how} } catch {}`));
      const { error } = await refusalOf(up(target));
      expect(error).toMatchObject({
        code: "STEP_ENDED_TRANSACTION",
        message: expect.stringContaining(`sends ${sent}`),
        report: { failures: [{ committed: "none" }] },
      });
      expect(await tables(db)).toEqual([]);
    });

  test("may set savepoints, and commits nothing in a dry run", async ({ db }) => {
    const good =
      "await execute('savepoint s; create table gone (); rollback to s; release s'); await sql`create table a ()`;";
    const folder = folderOf({
      "migrations/0001_a.ts": inside(good),
      "migrations/0002_b.ts": inside("await execute('create table b (); commit');"),
    });
    const godwit = commandIn({ folder, url: db.url });
    const { stdout, stderr } = await godwit.fails(1, "up", "--dry-run");
    expect(stdout + stderr).toContain("sends COMMIT");
    expect(await tables(db)).toEqual([]);
    await godwit("up", "0001");
    expect(await tables(db)).toEqual(["a"]);
  });
});
