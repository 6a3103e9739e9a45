/** No output holds a secret: a canary at every place where one can be, and a look at everything that comes out. */
import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { inspect } from "node:util";
import { describe, onTestFinished } from "vitest";
import type { RunEvent } from "../../src/index.ts";
import { lockKey } from "../../src/lock/session.ts";
import { commandIn, type Finished } from "../support/command.ts";
import {
  expect,
  ledgerSchema,
  withPassword as replacePassword,
  type TestDatabase,
  test,
} from "../support/database.ts";
import { folderOf } from "../support/target.ts";
import { createFleet, createMigrator } from "../support/watched.ts";

/** Letters that stand nowhere else, so that a piece of a secret is seen as well. */
const core = () => `Zq${randomBytes(6).toString("hex")}`;

interface Canary {
  readonly core: string;
  readonly value: string;
}

/** Each has another kind of character in it that some notation must escape. */
const AROUND = [
  ["", ""],
  ["p@", ":/x"],
  ["#%", "?&="],
  ["it's ", ' "so"'],
  ["ä€", "\\n'"],
  ["a b", "+"],
] as const;

let made = 0;
function canary(): Canary {
  const [before, after] = AROUND[made++ % AROUND.length] ?? ["", ""];
  const own = core();
  return { core: own, value: `${before}${own}${after}` };
}

function expectNone(said: string, canaries: Readonly<Record<string, Canary>>): void {
  const found = Object.entries(canaries).filter(([, { core: own }]) => said.includes(own));
  const where = found.map(([place, { core: own }]) => {
    const at = said.indexOf(own);
    return `${place}: …${said.slice(Math.max(0, at - 120), at + 60)}…`;
  });
  expect(where).toEqual([]);
}

const told = ({ stdout, stderr }: Finished) => `${stdout}\n${stderr}`;

function withPassword(url: string, password: string): string {
  return replacePassword(url, encodeURIComponent(password));
}

async function ledgerOf(db: TestDatabase): Promise<string> {
  const tables = await db.sql<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname = '${ledgerSchema}'`,
  );
  const rows = await Promise.all(tables.map(({ name }) => db.sql(`select t::text as row from ${name} t`)));
  return JSON.stringify(rows);
}

function filesBelow(folder: string): string {
  return readdirSync(folder)
    .map((name) => join(folder, name))
    .map((path) => (statSync(path).isDirectory() ? filesBelow(path) : readFileSync(path, "latin1")))
    .join("\n");
}

const ANY = [0, 1, 2, 3] as const;

describe("what the environment holds", () => {
  const given = () => {
    const secrets = {
      url: canary(),
      PGPASSWORD: canary(),
      QNAP_PASSWORD: canary(),
      QNAP_PASSPHRASE: canary(),
      SHOP_API_KEY: canary(),
      CACHE_URL: canary(),
      key: { core: core(), value: "" },
    };
    const key = `-----BEGIN OPENSSH PRIVATE KEY-----\n${secrets.key.core}AAAABBBBCCCC\n-----END OPENSSH PRIVATE KEY-----`;
    return {
      secrets,
      env: {
        PGPASSWORD: secrets.PGPASSWORD.value,
        QNAP_PASSWORD: secrets.QNAP_PASSWORD.value,
        QNAP_PASSPHRASE: secrets.QNAP_PASSPHRASE.value,
        QNAP_PRIVATE_KEY: key,
        SHOP_API_KEY: secrets.SHOP_API_KEY.value,
        CACHE_URL: `redis://:${encodeURIComponent(secrets.CACHE_URL.value)}@cache`,
      },
    };
  };

  /** Prints and throws all that it finds, as it is and as other notations have it. */
  const CURIOUS = `import { inspect } from "node:util";
export async function up({ sql, log }) {
  const known = Object.entries(process.env).filter(([name]) => /PASS|KEY|URL/.test(name));
  const password = decodeURIComponent(new URL(process.env.DATABASE_URL).password);
  const all = [password, encodeURIComponent(password), ...known.flatMap(([name, value]) =>
    [value, encodeURIComponent(value), JSON.stringify({ [name]: value }), inspect({ value }), "x" + value + "x"])];
  for (const one of all) log.info(one);
  log.warn(all.join(" "));
  await sql\`select \${all.join(" ")}::text\`;
  await sql\`do \${sql.raw("$do$ begin raise notice '%', " + literal(all.join(" ")) + "; end $do$")}\`;
  throw Object.assign(new Error("all: " + all.join("; "), { cause: new Error(all[0]) }), { env: { ...process.env }, all });
}
const literal = (text) => "'" + text.replaceAll("'", "''") + "'";`;

  test("is in no output of doctor, of a migration that prints all of it, and in no row of the ledger", async ({
    db,
  }) => {
    const { secrets, env } = given();
    const folder = folderOf({ "migrations/0001_curious.mjs": CURIOUS });
    const godwit = commandIn({ folder, url: withPassword(db.url, secrets.url.value), env });
    for (const args of [
      ["doctor"],
      ["doctor", "--json"],
      ["up", "--verbose"],
      ["up", "--json", "--log-format", "json", "--verbose"],
      ["import", "--json"],
      ["status", "--json"],
    ])
      expectNone(told(await godwit.start(...args).exits(...ANY)), secrets);
    const shown = (await godwit("doctor")).stdout;
    expect(shown).toMatch(/^nasPassword +\*\*\* +from QNAP_PASSWORD$/m);
    expectNone(await ledgerOf(db), secrets);
  });

  test.for([
    (password: string) => `postgres:u:${password}@127.0.0.1/db`,
    (password: string) => `u:${password}@127.0.0.1/db`,
    (password: string) => `postgres//u:${password}@127.0.0.1/db`,
    (password: string) => `:${password}@127.0.0.1/db`,
    (password: string) => `postgres://u:${password}@127.0.0.1:port/db`,
    (password: string) => `jdbc:postgresql://h/db?user=u&password=${password}`,
    (password: string) => `postgres://u:${password}`,
    (password: string) => `host=h user=u password='${password.replace(/['\\]/g, "\\$&")}' nonsense`,
  ])("a malformed URL says nothing of its password (%#)", async (write) => {
    const url = canary();
    const folder = folderOf({ "migrations/0001_a.sql": "select 1" });
    const godwit = commandIn({ folder, url: write(url.value), env: { MIGRATION_RETRY_COUNT: "1" } });
    for (const args of [
      ["doctor", "--json"],
      ["up", write(url.value)],
    ])
      expectNone(told(await godwit.start(...args).exits(...ANY)), { url });
  });
});

describe("what a configuration holds", () => {
  test("a broken godwit.config.json is told by line and column, and never quoted", async () => {
    const url = canary();
    const text = `{\n  "databaseUrl": ${JSON.stringify(`postgres://u:${url.core}@h/d`)} "dir": "db"\n}`;
    const godwit = commandIn({ folder: folderOf({ "godwit.config.json": text }) });
    const said = await godwit.fails(1, "up", "--json");
    expect(said.json.problems).toMatchObject([
      {
        code: "CONFIG_FILE_BROKEN",
        message: expect.stringMatching(/:2:\d+ is not JSON: a comma or \} is expected/),
      },
    ]);
    expectNone(told(said), { url });
  });

  test("of one in TypeScript nothing is kept beside it, and of its targets no migration can print the others' passwords", async ({
    db,
  }) => {
    const secrets = { shop: canary(), stock: canary(), word: canary(), origin: canary() };
    const config = `export default { targets: {
      shop: { url: ${JSON.stringify(withPassword(db.url, secrets.shop.value))}, ledgerSchema: "a", dir: "shop",
        imports: { nas: { from: ${JSON.stringify(`sftp://u:${encodeURIComponent(secrets.origin.value)}@nas/x`)} } } },
      stock: { host: "127.0.0.1", port: ${db.port}, user: ${JSON.stringify(db.owner)}, name: ${JSON.stringify(db.name)}, ledgerSchema: "b", dir: "stock",
        password: { variable: "STOCK" } },
    } };`;
    const all = JSON.stringify(Object.values(secrets).map(({ value }) => value));
    const folder = folderOf({
      "godwit.config.ts": config,
      "shop/0001_a.mjs": `export async function up({ log }) { for (const one of ${all}) log.info(one); throw new Error(${all}.join()); }`,
      "stock/0001_a.sql": "select 1",
    });
    const godwit = commandIn({
      folder,
      env: { STOCK: secrets.stock.value, WORD_SECRET: secrets.word.value, GODWIT_LEDGER_SCHEMA: "" },
    });
    for (const args of [
      ["up", "--verbose"],
      ["up", "shop", "--json"],
      ["doctor", "shop", "--json"],
    ])
      expectNone(told(await godwit.start(...args).exits(...ANY)), secrets);
    for (const name of readdirSync(folder).filter((each) => each.startsWith(".")))
      expectNone(filesBelow(join(folder, name)), secrets);
  });
});

describe("what SQL holds", () => {
  test("the password of a role is in no excerpt, in no message and in no row of the ledger, whatever is wrong", async ({
    db,
  }) => {
    const secrets = { first: canary(), second: canary(), third: canary() };
    const quoted = ({ value }: Canary) => `'${value.replaceAll("'", "''")}'`;
    const folder = folderOf({
      "migrations/0001_a.sql": `create table a (id int);\nalter role x encrypted ${quoted(secrets.first)} login nonsense`,
      "migrations/0002_b.sql": `alter role nobody_here /* c */ password ${quoted(secrets.second)} nonsense`,
      "migrations/0003_c.sql": `-- godwit: transaction=off\ncreate table c (id int);\ndo $$ begin execute $x$alter role nobody_here password ${quoted(secrets.third)}$x$; end $$`,
    });
    const godwit = commandIn({ folder, url: db.url });
    const [first, second, third] = [
      await godwit.fails(1, "up", "--verbose", "--on-failure", "continue"),
      await godwit.fails(1, "up", "--json", "--log-format", "json", "--verbose", "--on-failure", "continue"),
      await godwit.start("status", "--json").exits(...ANY),
    ];
    expectNone([first, second, third].map(told).join(), secrets);
    expect(first.stderr).toContain("alter role x encrypted '***' login nonsense");
    expectNone(await ledgerOf(db), secrets);
  });

  test("of the session in the way only the shape of its query is shown", async ({ db }) => {
    const secrets = { dollars: canary(), unicode: canary(), comment: canary() };
    const folder = folderOf({ "migrations/0001_a.sql": "alter table busy add b int" });
    const godwit = commandIn({ folder, url: db.url });
    await db.sql("create table busy (id int)");
    const holder = await db.connect();
    await holder.query(
      `begin; lock table busy; /* ${secrets.comment.core} */ select $$\n${secrets.dollars.value}$$, /* c */ U&'${secrets.unicode.core}', '`.replace(
        /, '$/,
        "",
      ),
    );
    const said = await godwit.fails(1, "up", "--verbose", "--lock-timeout", "100ms", "--lock-attempts", "2");
    expect(said.stderr).toContain("begin; lock table busy; select $$***$$, U&'***'");
    expectNone(told(said), secrets);
    await holder.query("rollback");
    const query = `select pg_advisory_lock(${lockKey(ledgerSchema)}), E'\\'${secrets.unicode.core}', $a$${secrets.dollars.core}$a$`;
    await holder.query(query);
    const waited = await godwit.fails(1, "up", "--json", "--lock-wait", "1s");
    expect(told(waited)).toContain("E'***', $a$***$a$");
    expectNone(told(waited), secrets);
    await holder.query("select pg_advisory_unlock_all()");
  });
});

test("the library's errors and events hold none, with their causes and stacks, and what is long has an end", async ({
  db,
}) => {
  const secrets = { url: canary(), other: canary() };
  const url = withPassword(db.url, secrets.url.value);
  const literal = JSON.stringify([secrets.url.value, secrets.other.value]);
  const dir = folderOf({
    "0001_a.mjs": `export async function up({ log, sql }) {
  for (const one of ${literal}) log.info(one + "y".repeat(100_000));
  await sql\`select \${${literal}.join() + "A".repeat(1_000_000)}::int\`;
}`,
  });
  const events: RunEvent[] = [];
  const environment = { OTHER_PASSWORD: secrets.other.value };
  const migrator = createMigrator({
    dir,
    databaseUrl: url,
    ledgerSchema,
    environment,
    observe: (event) => void events.push(event),
  });
  onTestFinished(() => migrator.close());
  const error: unknown = await migrator.up().catch((caught: unknown) => caught);
  const said = inspect([error, events, migrator], { depth: 12, showHidden: true, maxStringLength: null });
  expect(said).toContain("more characters)");
  expect(said.length).toBeLessThan(200_000);
  expectNone(said, secrets);

  await using fleet = createFleet({
    targets: { one: { url, dir, ledgerSchema }, two: { url: `u:${secrets.other.value}@h/d`, dir } },
    environment,
  });
  const refused: unknown = await fleet.up().catch((caught: unknown) => caught);
  expectNone(inspect(refused, { depth: 12, showHidden: true }), secrets);
});
