/** `godwit lint`: the real command, on files and on a database. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe } from "vitest";
import { commandIn, type Json } from "../support/command.ts";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { type Files, folderOf } from "../support/target.ts";
import { createMigrator } from "../support/watched.ts";

const INDEX = "create index orders_day on orders (day);\n";
const ORDERS = "create table orders (id bigint primary key, day date);\n";

const found = ({ findings }: Json): readonly string[] =>
  findings.map((each: Json) => `${each.file}:${each.line} ${each.rule}`);

const linting = (files: Files, url?: string) => {
  const folder = folderOf(files);
  return { folder, godwit: commandIn({ folder, ...(url === undefined ? {} : { url }) }) };
};

describe("which files", () => {
  test("with a database: what is pending or changed, and nothing is applied", async ({ db }) => {
    const { folder, godwit } = linting(
      { "migrations/0001_orders.sql": ORDERS, "migrations/0002_index.sql": INDEX },
      db.url,
    );
    await godwit("up");
    writeFileSync(join(folder, "migrations/0003_drop.sql"), "alter table orders drop column day;\n");
    const { json } = await godwit.fails(1, "lint", "--json");
    expect(json).toMatchObject({ ok: false, scope: "pending", because: null, files: 1 });
    expect(json.server).toBeGreaterThanOrEqual(14);
    expect(found(json)).toEqual([
      "0003_drop.sql:1 destructive-outside-contract",
      "0003_drop.sql:1 no-way-back",
    ]);
    // An edited one is linted again.
    writeFileSync(join(folder, "migrations/0002_index.sql"), `${INDEX}select 1;\n`);
    expect((await godwit.fails(1, "lint", "--json")).json.files).toBe(2);
    expect((await godwit.fails(1, "lint", "--all", "--json")).json).toMatchObject({ files: 3, scope: "all" });
    expect((await godwit("history", "--json")).json.current).toEqual(["0002_index"]);
  });

  test("without a database, or with one that is not there: all, and it is said why", async () => {
    const { godwit } = linting({ "migrations/0001_index.sql": INDEX });
    const none = await godwit.fails(1, "lint");
    expect(none.stdout).toContain("All files were linted, because no database is configured.");
    const away = godwit.with({ DATABASE_URL: "postgres://127.0.0.1:1/none" });
    const { stdout } = await away.fails(1, "lint");
    expect(stdout).toContain("All files were linted, because the database cannot be reached.");
  });

  test("named ones, by path or id; another name is refused", async () => {
    const { godwit } = linting({ "migrations/0001_index.sql": INDEX, "migrations/0002_index.sql": INDEX });
    for (const word of ["migrations/0002_index.sql", "0002_index", "0002"]) {
      const { json } = await godwit.fails(1, "lint", word, "--json");
      expect([json.scope, ...found(json)]).toEqual(["named", "0002_index.sql:1 index-without-concurrently"]);
    }
    const { json } = await godwit.fails(2, "lint", "README.md", "--json");
    expect(json.problems).toMatchObject([{ code: "CONFIG_INVALID" }]);
  });
});

describe("what it says", () => {
  test("the line with a caret, the safer way, and last what was linted", async () => {
    const { godwit } = linting({
      "migrations/0001_index.sql": `-- é\n/* 😀 */\t${INDEX}\\d orders\nselect \${x} from;\n`,
    });
    const { stdout } = await godwit.fails(1, "lint");
    expect(stdout).toContain(
      [
        "warning: Nobody can write to orders until the index orders_day is built. [index-without-concurrently]",
        "  at migrations/0001_index.sql:2:9",
        "  2 | /* 😀 */\tcreate index orders_day on orders (day);",
        "    |         \t^",
        "→ Write CREATE INDEX CONCURRENTLY, in a migration of its own.",
      ].join("\n"),
    );
    expect(stdout).toContain("not understood: migrations/0001_index.sql:3: a command of psql");
    expect(stdout).not.toContain("\x1b");
    expect(stdout.trimEnd().split("\n").at(-1)).toBe(
      "1 file, 1 statement linted, 2 not understood: 0 errors, 1 warning, 0 hints.",
    );
    const coloured = await godwit.with({ FORCE_COLOR: "1" }).fails(1, "lint");
    expect(coloured.stdout).toContain("\x1b[");
  });

  test("exits by the level that is asked for, on the line or in the file", async () => {
    const { folder, godwit } = linting({ "migrations/0001_index.sql": INDEX });
    await godwit("lint", "--level", "error");
    await godwit.fails(1, "lint", "--level", "hint");
    const config = (lint: string) => writeFileSync(join(folder, "godwit.config.json"), `{ "lint": ${lint} }`);
    config('{ "level": "error" }');
    await godwit("lint");
    config('{ "rules": { "index-without-concurrently": "error" }, "level": "error" }');
    await godwit.fails(1, "lint");
    config('{ "rules": { "index-without-concurrently": "off" } }');
    await godwit("lint", "--level", "hint");
    config('{ "rules": { "no-such-rule": "off" } }');
    expect((await godwit.fails(1, "lint", "--json")).json.problems[0].message).toContain("no-such-rule");
    config('{ "rule": {} }');
    expect((await godwit.fails(1, "lint", "--json")).json.problems[0].message).toContain(
      "did you mean rules",
    );
  });

  test("what its hints name: the list of rules, and a version", async () => {
    const { godwit } = linting({ "migrations/0001_a.sql": ORDERS });
    expect((await godwit("lint", "--rules")).stdout).toContain("index-without-concurrently");
    await godwit.fails(2, "lint", "--postgres-version", "new");
    await godwit("lint", "--postgres-version", "17");
  });
});

test("the library says the same", async ({ db }) => {
  const files = { "migrations/0001_orders.sql": ORDERS, "migrations/0002_index.sql": INDEX };
  const { folder, godwit } = linting(files, db.url);
  const migrator = createMigrator({ databaseUrl: db.url, root: folder, ledgerSchema });
  await migrator.up("0001");
  const { level: _, ok: __, command: ___, ...json } = (await godwit.fails(1, "lint", "--json")).json;
  expect(await migrator.lint()).toEqual(json);
  expect((await migrator.lint({ all: true })).files).toBe(2);
  expect(readFileSync(join(folder, "migrations/0002_index.sql"), "utf8")).toBe(INDEX);
});

test("several targets are one report, from the root on; a folder of two is told once, and one is chosen by name", async ({
  db,
}) => {
  const url = { variable: "DATABASE_URL" };
  const targets = {
    shop: { url, dir: "shop", ledgerSchema: "shop_ledger" },
    copy: { url, dir: "shop", ledgerSchema: "copy_ledger" },
    auth: { url, dir: "auth", ledgerSchema: "auth_ledger" },
  };
  const { godwit } = linting(
    {
      "shop/0001_orders.sql": ORDERS,
      "shop/0002_index.sql": INDEX,
      "auth/0001_users.sql": "update users set id = 1;\n",
      "godwit.config.json": JSON.stringify({ targets }),
    },
    db.url,
  );
  const { json } = await godwit.fails(1, "lint", "--all", "--json");
  expect(found(json)).toEqual([
    "shop/0002_index.sql:1 index-without-concurrently",
    "auth/0001_users.sql:1 update-without-where",
  ]);
  expect(json).toMatchObject({ files: 3, scope: "all" });
  // What is applied in one of two databases is pending in the other, where its table is as new as the index.
  await godwit("up", "shop");
  const pending = (await godwit.fails(1, "lint", "--json")).json;
  expect(pending.files).toBe(3);
  expect(found(pending)).toEqual(["auth/0001_users.sql:1 update-without-where"]);
  const auth = await godwit.fails(1, "lint", "--target", "auth", "--format", "github");
  expect(auth.stdout).toContain("file=auth/0001_users.sql,line=1");
  expect(auth.stdout).not.toContain("shop/");
  const refused = await godwit.fails(2, "lint", "0001", "--json");
  expect(refused.json.problems[0].hint).toBe("Name it: --target shop");
});

test("what is dangerous in one of two databases with the same folder is found, and a waiver for one is no remark of the other", async ({
  db,
}) => {
  const url = { variable: "DATABASE_URL" };
  const targets = {
    fresh: { url, dir: "shop", ledgerSchema: "fresh_ledger" },
    live: { url, dir: "shop", ledgerSchema: "live_ledger" },
    away: { url: "postgres://someone@127.0.0.1:1/none", dir: "away" },
  };
  const { folder, godwit } = linting(
    {
      "shop/0001_orders.sql": ORDERS,
      "shop/0002_index.sql": INDEX,
      "away/0001_users.sql": "select 1;\n",
      "godwit.config.json": JSON.stringify({ targets }),
    },
    db.url,
  );
  await godwit("up", "0001", "--target", "live");
  for (const names of [
    ["fresh", "live"],
    ["live", "fresh"],
  ]) {
    const { json } = await godwit.fails(1, "lint", ...names.flatMap((name) => ["--target", name]), "--json");
    expect(found(json)).toEqual(["shop/0002_index.sql:1 index-without-concurrently"]);
    expect(json).toMatchObject({ files: 2, statements: 2, waived: 0, scope: "pending", because: null });
  }
  const waiver = '-- godwit: lint-ignore=index-without-concurrently reason="ten rows"\n';
  writeFileSync(join(folder, "shop/0002_index.sql"), waiver + INDEX);
  const { stdout, json } = await godwit("lint", "--json");
  expect(json).toMatchObject({ files: 3, waived: 1, findings: [] });
  expect(json.because).toBe("the database of target away cannot be reached");
  expect(stdout).not.toContain("All files");
  expect((await godwit("lint")).stdout).toContain(
    "Of some targets all files were linted, because the database of target away cannot be reached;",
  );
});
