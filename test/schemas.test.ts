/** The schemas of one database, each a target by itself: a ledger each, a canary first, and nothing lost by a kill. */
import { readFileSync } from "node:fs";
import { describe } from "vitest";
import { commandIn, type Json } from "./support/command.ts";
import { expect, type TestDatabase, test } from "./support/database.ts";
import { type Files, folderOf, writeFiles } from "./support/target.ts";
import { until } from "./support/until.ts";
import { createFleet } from "./support/watched.ts";

const FILES = {
  "migrations/0001_shops.sql": "create table shops (id int primary key, name text);",
  "migrations/0002_rows.sql": "insert into shops values (1, current_schema());",
};

function configOf(db: TestDatabase, target: object): Files {
  return { "godwit.config.json": JSON.stringify({ targets: { tenants: { url: db.url, ...target } } }) };
}

async function makeSchemas(db: TestDatabase, names: readonly string[]): Promise<void> {
  for (const name of names) await db.sql(`create schema ${quoted(name)}`);
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** What the command's own environment must not say here: the ledger is in each schema. */
function godwitIn(folder: string) {
  return commandIn({ folder });
}

describe("schemas", () => {
  test("each has its own tables and its own ledger, whatever its name", async ({ db }) => {
    const names = ["t1", "Zürich", 'with "quotes"', "a b;drop table x--", "$& $$ {schema}"];
    await makeSchemas(db, names);
    const godwit = godwitIn(folderOf({ ...FILES, ...configOf(db, { schemas: names }) }));
    const { json, stderr } = await godwit("up", "--json");
    expect(json.targets).toMatchObject([{ name: "tenants", ok: true }]);
    expect(json.targets[0].schemas.map(({ name }: Json) => name)).toEqual(
      names.map((name) => `tenants/${name}`),
    );
    expect(stderr).toContain("tenants/Zürich: 2 migrations applied");
    for (const name of names) {
      expect(await db.sql(`select name from ${quoted(name)}.shops`)).toEqual([{ name }]);
      expect(await db.sql(`select revision from ${quoted(name)}.migration_history`)).toHaveLength(2);
    }
    const again = await godwit("up");
    expect(again.stdout).toBe("tenants: 5 of 5 schemas are done.\n1 of 1 target is done.\n");
    expect((await godwit("status", "--check")).stdout).toContain("tenants/t1: ");
  });

  test("a query yields them, and may do nothing else", async ({ db }) => {
    await makeSchemas(db, ["b", "a"]);
    await db.sql("create table tenants as select unnest(array['b', 'a']) as name");
    const folder = folderOf({
      ...FILES,
      ...configOf(db, { schemas: { query: "select name, 'other' as name from tenants order by 1" } }),
    });
    const { json } = await godwitIn(folder)("up", "--json");
    expect(json.targets[0].schemas.map(({ name }: Json) => name)).toEqual(["tenants/a", "tenants/b"]);
    writeFiles(folder, configOf(db, { schemas: { query: "delete from tenants returning name" } }));
    const refused = await godwitIn(folder).fails(1, "up", "--json");
    expect(refused.json.problems[0].message).toBe(
      "The query of targets.tenants.schemas begins with delete, but it may only read.",
    );
    writeFiles(folder, configOf(db, { schemas: { query: "select 7" } }));
    expect((await godwitIn(folder).fails(1, "up", "--json")).json.problems[0].message).toContain(
      'yields "7"',
    );
    writeFiles(folder, configOf(db, { schemas: { query: "select name from tenants where false" } }));
    expect((await godwitIn(folder)("up")).stderr).toContain("has no schemas");
  });

  test("one that is missing is refused before any is begun, or made where that is wanted", async ({ db }) => {
    await makeSchemas(db, ["a"]);
    const folder = folderOf({ ...FILES, ...configOf(db, { schemas: ["a", "b", "c"] }) });
    const { json } = await godwitIn(folder).fails(1, "up", "--json");
    expect(json.problems.map(({ code, message }: Json) => [code, message.split(" ")[1]])).toEqual([
      ["TARGET_SCHEMA_MISSING", '"b"'],
      ["TARGET_SCHEMA_MISSING", '"c"'],
    ]);
    expect(await db.sql("select to_regclass('a.migration_history') as ledger")).toEqual([{ ledger: null }]);
    writeFiles(folder, configOf(db, { schemas: ["a", "b", "c"], createSchemas: true }));
    const looked = await godwitIn(folder)("status", "--json");
    expect(looked.json.targets[0].schemas.map(({ pending }: Json) => pending)).toEqual([2, 2, 2]);
    await godwitIn(folder)("up");
    expect(await db.sql("select name from c.shops")).toEqual([{ name: "c" }]);
  });

  test("if the canary fails no other is begun; if another fails the rest goes on", async ({ db }) => {
    await makeSchemas(db, ["a", "b", "c", "d"]);
    await db.sql("create table b.shops ()");
    const folder = folderOf({
      ...FILES,
      ...configOf(db, { schemas: ["a", "b", "c", "d"], canary: "b", parallel: 3 }),
    });
    const states = ({ json }: { json: Json }) => json.targets[0].schemas.map(({ state }: Json) => state);
    const first = await godwitIn(folder).fails(1, "up", "--json");
    expect(states(first)).toEqual(["not begun", "failed", "not begun", "not begun"]);
    writeFiles(folder, configOf(db, { schemas: ["a", "b", "c", "d"], parallel: 3 }));
    const second = await godwitIn(folder).fails(1, "up", "--json");
    expect(states(second)).toEqual(["done", "failed", "done", "done"]);
    const { stdout } = await godwitIn(folder).fails(1, "up");
    expect(stdout).toContain("tenants: 3 of 4 schemas are done.\n  tenants/b: failed [STEP_FAILED]");
    await db.sql("drop table b.shops");
    const { json } = await godwitIn(folder)("up", "tenants/b", "--json");
    expect(json.targets).toMatchObject([{ name: "tenants/b", report: { steps: [{}, {}] } }]);
  });

  test("one of them is a target like any other, and a command about one wants to know which", async ({
    db,
  }) => {
    await makeSchemas(db, ["a", "b"]);
    const files = {
      "migrations/0001_a.sql": "-- migrate:up\ncreate table x ();\n-- migrate:down\ndrop table x;",
    };
    const godwit = godwitIn(folderOf({ ...files, ...configOf(db, { schemas: ["a", "b"] }) }));
    await godwit("up");
    const { json } = await godwit.fails(2, "down", "-1", "tenants", "--json");
    expect(json.problems[0].hint).toContain("--target tenants/<schema>");
    await godwit("down", "-1", "tenants/a");
    expect((await godwit("status", "tenants/a")).stdout).toContain("pending  0001_a");
    const { stdout } = await godwit("up", "tenants/a", "--sql");
    expect(stdout).toContain(`set_config('search_path', '"a"'`);
    await godwit.fails(2, "up", "tenants", "--sql");
    const left = await db.sql("select to_regclass('a.x')::text as a, to_regclass('b.x')::text as b");
    expect(left).toEqual([{ a: null, b: "b.x" }]);
    expect((await godwit.fails(1, "up", "tenants/zz", "--json")).json.problems[0].code).toBe(
      "TARGET_UNKNOWN",
    );
  });

  test("a ledger's name and a search_path may be made of the schema's", async ({ db }) => {
    await makeSchemas(db, ["a", "b"]);
    const given = { schemas: ["a", "b"], ledgerSchema: "{schema}_ledger", searchPath: "{schema}, public" };
    await db.sql("create table common as select 1 as n");
    const files = { "migrations/0001_a.sql": "create table x as select n from common;" };
    await godwitIn(folderOf({ ...files, ...configOf(db, given) }))("up");
    expect(
      await db.sql(
        "select (select count(*)::int from a.x) as a, (select count(*)::int from b_ledger.migration_history) as b",
      ),
    ).toEqual([{ a: 1, b: 1 }]);
  });

  test("what takes more than a line is shown whole of each schema", async ({ db }) => {
    await makeSchemas(db, ["a", "b"]);
    const files = {
      "migrations/0003_left.sql": "-- godwit: revises=0002_rows\nselect 1;",
      "migrations/0004_right.sql": "-- godwit: revises=0002_rows\nselect 1;",
    };
    const godwit = godwitIn(folderOf({ ...FILES, ...files, ...configOf(db, { schemas: ["a", "b"] }) }));
    await godwit("up");
    const all = async (...words: readonly string[]) => {
      const { stdout } = await godwit(...words);
      for (const name of ["a", "b"]) {
        const alone = (await godwit(...words, "--target", `tenants/${name}`)).stdout;
        expect(alone.split("\n").length).toBeGreaterThan(2);
        expect(stdout).toContain(`tenants/${name}\n`);
        if (words[0] !== "doctor") expect(stdout).toContain(alone);
      }
      return stdout;
    };
    expect((await all("history")).match(/0002_rows -> 0004_right/g)).toHaveLength(2);
    expect((await all("history", "--log")).match(/applied 0004_right/g)).toHaveLength(2);
    expect((await all("current")).match(/0004_right \(head\)/g)).toHaveLength(2);
    expect((await all("heads")).match(/`godwit merge`/g)).toHaveLength(2);
    const doctor = await all("doctor");
    expect(doctor.match(/✓ ledger: 4 entries in schema [ab]/g)).toHaveLength(2);
    expect((await godwit("status")).stdout).toMatch(/^ {2}tenants\/a: .*4 applied\n {2}tenants\/b: /m);
  });

  test("createFleet does the same", async ({ db }) => {
    await makeSchemas(db, ["a", "b"]);
    const targets = { tenants: { url: db.url, schemas: ["a", "b"] } };
    await using fleet = createFleet({ root: folderOf(FILES), targets, environment: {} });
    const { targets: done } = await fleet.up();
    expect(done).toMatchObject([{ ok: true, schemas: [{ name: "tenants/a" }, { name: "tenants/b" }] }]);
    expect(await fleet.target("tenants/b").status()).toMatchObject({ upToDate: true });
    await expect(fleet.target("tenants").status()).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  });
});

const SCHEMAS = 200;
const EACH = 20;

test(`${SCHEMAS} schemas of ${EACH} migrations, killed in the middle, go on where they stopped`, {
  timeout: 120_000,
}, async ({ db }) => {
  const names = Array.from({ length: SCHEMAS }, (_, index) => `t${String(index + 1).padStart(3, "0")}`);
  await db.sql(names.map((name) => `create schema ${name};`).join(" "));
  const files = Object.fromEntries(
    Array.from({ length: EACH }, (_, index) => {
      const name = String(index + 1).padStart(4, "0");
      // Twice is an error, and half is a table without its row.
      return [
        `migrations/${name}_step.sql`,
        `create table step_${name} (id int primary key); insert into step_${name} values (${index});`,
      ];
    }),
  );
  const query = "select nspname::text from pg_namespace where nspname like 't___' order by 1";
  const folder = folderOf({ ...files, ...configOf(db, { schemas: { query }, parallel: 4 }) });
  const begun = async () => {
    const [row] = await db.sql<{ n: number }>(
      "select count(*)::int as n from pg_class where relname = 'migration_history'",
    );
    return row?.n ?? 0;
  };

  // V8's young generation grows as it likes, by 30 MB from run to run. What is kept of each schema does not fit into a small one.
  const godwit = commandIn({ folder, env: { NODE_OPTIONS: "--max-semi-space-size=4" } });
  const first = godwit.start("up", "--quiet");
  await until(async () => (await begun()) > SCHEMAS / 4);
  const killedAt = peakOf(first.child.pid);
  first.child.kill("SIGKILL");
  expect(await first.ended).toBe("SIGKILL");
  expect(await begun()).toBeLessThan(SCHEMAS);

  const second = godwit.start("up", "--json");
  let peak = killedAt;
  const watch = setInterval(() => {
    peak = Math.max(peak, peakOf(second.child.pid));
  }, 50);
  const { json } = await second.exits(0).finally(() => clearInterval(watch));
  expect(json.targets[0].schemas).toHaveLength(SCHEMAS);
  const tables = await db.sql(
    `select n.nspname, count(*)::int as n from pg_class c join pg_namespace n on n.oid = relnamespace
     where n.nspname like 't___' and relname like 'step_%' and relkind = 'r' group by 1 having count(*) <> ${EACH}`,
  );
  expect(tables).toEqual([]);
  const rows = names.map((name) => `select count(*) from ${name}.step_${String(EACH).padStart(4, "0")}`);
  const [sum] = await db.sql<{ n: number }>(
    `select sum(n)::int as n from (${rows.map((row) => `select (${row}) as n`).join(" union all ")}) as each`,
  );
  expect(sum?.n).toBe(SCHEMAS);
  process.stdout.write(`peak of the process: ${Math.round(peak)} MB with ${SCHEMAS} schemas\n`);
  expect(peak).toBeLessThan(160);
});

/** The highest that it ever was, in MB; 0 when it is gone. */
function peakOf(pid: number | undefined): number {
  if (pid === undefined || pid <= 1) return 0;
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}
