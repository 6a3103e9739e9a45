/**
 * Django's migrations are programs, so its history is adopted and a plain folder carries on beside it. The project of
 * two apps is Django's own from end to end: after each step its `showmigrations` and `migrate --check` are asked, and
 * what it has to say of our tables is nothing.
 */
import { execFile } from "node:child_process";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { describe } from "vitest";
import { root } from "../../scripts/fresh.mjs";
import { commandIn } from "../support/command.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { appliedIn } from "../support/refusal.ts";
import { folderOf, writeFiles } from "../support/target.ts";
import { PYTHON, withoutPython } from "../support/tools.ts";

const missing = withoutPython("Django", "django") || withoutPython("psycopg2", "psycopg2");

const OURS = {
  "0001_notes.sql": "create table notes (id int);\ninsert into notes values (1);\n",
  "0002_prices.sql":
    "create table prices (product bigint not null references shop_product);\ninsert into prices select id from shop_product;\n",
};
const SHOP = ["shop.0001_initial", "shop.0002_product_code"];
const STOCK = ["stock.0001_initial", "stock.0002_shelf_amount"];

describe.skipIf(missing)(`Django${missing ? `: ${missing}` : ""}`, () => {
  test("all by it, adopted, and carried on by us in a new folder", async ({ db }) => {
    const { manage, pending, godwit, write } = project(db);
    expect(await pending()).toEqual(expect.arrayContaining([...SHOP, ...STOCK]));
    expect((await manage("migrate", "--check")).code).toBe(1);
    await manage.succeeds("migrate");
    const rows = await rowsOf(db);
    const names = rows.map(({ app, name }) => `${app}.${name}`);
    expect(names).toEqual(expect.arrayContaining([...SHOP, ...STOCK, "auth.0001_initial"]));

    const adopted = await godwit("adopt", "--json");
    expect(adopted.json.report).toMatchObject({ tool: "django", pending: [], edited: [], missing: [] });
    expect(adopted.json.report.applied.map((one: { revision: string }) => one.revision)).toEqual(names);
    write("0001_notes.sql", "0002_prices.sql");
    await godwit("up");
    expect(await appliedIn(db)).toEqual([...names, "0001_notes", "0002_prices"]);
    await agreed(db, { manage, pending, godwit });
    // Nothing of its own was changed, times included.
    expect(await rowsOf(db)).toEqual(rows);
  });

  test("first by us, then by it, adopted, and the rest by us", async ({ db }) => {
    const { manage, pending, godwit, write } = project(db);
    write("0001_notes.sql");
    await godwit("up");
    await manage.succeeds("migrate");
    expect((await godwit("adopt", "--json")).json.report.pending).toEqual([]);
    write("0002_prices.sql");
    await godwit("up");
    const applied = await appliedIn(db);
    expect([applied.at(0), applied.at(-1)]).toEqual(["0001_notes", "0002_prices"]);
    await agreed(db, { manage, pending, godwit });
  });

  test("half by it, the next by us, the other half by it: each time adopted", async ({ db }) => {
    const { manage, pending, godwit, write } = project(db);
    await manage.succeeds("migrate", "shop");
    expect((await godwit("adopt", "--json")).json.report.applied).toMatchObject(
      SHOP.map((revision) => ({ revision, file: false, already: false })),
    );
    write("0001_notes.sql", "0002_prices.sql");
    await godwit("up");
    expect(await appliedIn(db)).toEqual([...SHOP, "0001_notes", "0002_prices"]);
    expect(await pending()).toEqual(expect.arrayContaining(STOCK));
    expect((await manage("migrate", "--check")).code).toBe(1);

    await manage.succeeds("migrate");
    const { applied } = (await godwit("adopt", "--json")).json.report;
    const fresh = applied.filter((one: { already: boolean }) => !one.already);
    expect(fresh.map((one: { revision: string }) => one.revision)).toEqual(expect.arrayContaining(STOCK));
    expect(applied.length - fresh.length).toBe(SHOP.length);
    await agreed(db, { manage, pending, godwit });
  });
});

function project(db: TestDatabase) {
  const folder = folderOf({});
  cpSync(join(root, "test", "fixtures", "django"), folder, { recursive: true });
  const run = (args: readonly string[]) =>
    new Promise<{ code: number | null; text: string }>((resolve) => {
      const options = {
        cwd: folder,
        env: { PATH: process.env.PATH ?? "", HOME: folder, TEST_URL: db.url, PYTHONDONTWRITEBYTECODE: "1" },
      };
      const child = execFile(PYTHON, ["manage.py", ...args], options, (_, stdout, stderr) =>
        resolve({ code: child.exitCode, text: `${stdout}${stderr}` }),
      );
    });
  const manage = Object.assign((...args: readonly string[]) => run(args), {
    async succeeds(...args: readonly string[]): Promise<string> {
      const { code, text } = await run(args);
      if (code !== 0) throw new Error(`manage.py ${args.join(" ")} exited with ${code}:\n${text}`);
      return text;
    },
  });
  return {
    manage,
    /** What its `showmigrations` has without a cross. */
    async pending(): Promise<string[]> {
      const plan = await manage.succeeds("showmigrations", "--plan");
      expect(plan).toMatch(/^\[[X ]\] {2}shop\.0001_initial$/m);
      return [...plan.matchAll(/^\[ \] +(\S+)/gm)].map((line) => String(line[1]));
    },
    godwit: commandIn({ folder, url: db.url }),
    write: (...names: readonly (keyof typeof OURS)[]) =>
      writeFiles(join(folder, "migrations"), Object.fromEntries(names.map((name) => [name, OURS[name]]))),
  };
}

const rowsOf = (db: TestDatabase) =>
  db.sql<{ app: string; name: string; applied: Date }>("select * from django_migrations order by id");

/** Neither has anything left, running both again changes nothing, and what there is was made once. */
async function agreed(
  db: TestDatabase,
  { manage, pending, godwit }: Pick<ReturnType<typeof project>, "manage" | "pending" | "godwit">,
): Promise<void> {
  expect(await pending()).toEqual([]);
  await manage.succeeds("migrate", "--check");
  await manage.succeeds("makemigrations", "--check", "--dry-run");
  const before = [await rowsOf(db), await appliedIn(db)];
  expect(await manage.succeeds("migrate")).toContain("No migrations to apply");
  expect((await godwit("adopt")).stdout).toContain("Nothing new to adopt.");
  expect((await godwit("up", "--json")).json).toMatchObject({ ok: true, report: { steps: [] } });
  expect([await rowsOf(db), await appliedIn(db)]).toEqual(before);
  for (const table of ["shop_product", "notes", "prices"])
    expect(await db.sql(`select count(*)::int as n from ${table}`), table).toEqual([{ n: 1 }]);
}
