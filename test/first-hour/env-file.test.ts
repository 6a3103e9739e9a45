/** `.env` completes the environment on a developer's machine, and nowhere else unless it is named. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadConfig } from "../../src/config/load.ts";
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";

const ONE = { "migrations/0001_a.sql": "create table a (id int);" };
const NOWHERE = "postgres://nobody:wrong-secret@127.0.0.1:1/none";
const SAID = /^Variables are read from (.*)\.$/m;

test("DATABASE_URL in .env is used, said once on stderr, and its value never", async ({ db }) => {
  const godwit = commandIn({ folder: folderOf({ ...ONE, ".env": `DATABASE_URL="${db.url}" # of mine\n` }) });
  const { stdout, stderr } = await godwit("up");
  expect(stdout).toContain("1 migration applied");
  expect(stderr.match(/\.env/g)).toEqual([".env"]);
  expect(stderr).toContain("Variables are read from .env, because the environment names no database.");
  expect(stdout + stderr).not.toContain(db.url);
  const { settings } = (await godwit("doctor", "--json")).json;
  expect(settings.find(({ key }: { key: string }) => key === "databaseUrl").from).toBe(
    "DATABASE_URL in .env",
  );
  expect((await godwit("status", "--quiet")).stderr).toBe("");
});

test("the environment wins, and then nothing is read", async ({ db }) => {
  const folder = folderOf({ ...ONE, ".env": `DATABASE_URL=${NOWHERE}\nGODWIT_LEDGER_SCHEMA=other\n` });
  const { stderr } = await commandIn({ folder, url: db.url })("up");
  expect(stderr).not.toContain(".env");
  const { stderr: typed } = await commandIn({ folder })("status", "--database-url", db.url);
  expect(typed).not.toContain(".env");
});

test(".env.local comes before .env, but not in tests", async ({ db }) => {
  const files = { ".env": `DATABASE_URL=${NOWHERE}\n`, ".env.local": `DATABASE_URL=${db.url}\n` };
  const godwit = commandIn({ folder: folderOf({ ...ONE, ...files }) });
  expect((await godwit("up")).stderr).toMatch(SAID);
  const { stderr } = await godwit.with({ NODE_ENV: "test", GODWIT_CONNECT_ATTEMPTS: "1" }).fails(1, "up");
  expect(stderr).toContain("127.0.0.1:1");
  expect(stderr).not.toContain("wrong-secret");
});

test.for([
  [{ NODE_ENV: "production" }, "NODE_ENV is production"],
  [{ NODE_ENV: "staging" }, "NODE_ENV is staging"],
  [{ KUBERNETES_SERVICE_HOST: "10.0.0.1" }, "this is Kubernetes"],
  [{ RAILWAY_SERVICE_NAME: "shop" }, "this is Railway"],
] as const)("with %j it is read only if --dotenv names it", async ([env, why], { db }) => {
  const folder = folderOf({ ...ONE, ".env": `DATABASE_URL=${db.url}\n` });
  const godwit = commandIn({ folder, env });
  const { json } = await godwit.fails(1, "up", "--json");
  expect(json.problems[0].code).toBe("URL_MISSING");
  expect(json.problems[0].hint).toContain(
    `.env is not read, because ${why}. Add \`--dotenv .env\` to read it.`,
  );
  expect((await godwit("up", "--dotenv", ".env")).stdout).toContain("1 migration applied");
  expect((await godwit.with({ GODWIT_DOTENV: ".env" })("up")).stdout).toContain("nothing to do");
});

test("in CI and beside an app it is not read by itself", async ({ db }) => {
  const folder = folderOf({ ...ONE, ".env": `DATABASE_URL=${NOWHERE}\n` });
  const inCi = { flags: {}, environment: { CI: "true" }, workingFolder: folder, dotenv: "found" } as const;
  const { values, passedOver } = await loadConfig(inCi);
  expect(values.databaseUrl).toBeNull();
  expect(passedOver).toContain("because CI is set");
  const godwit = commandIn({ folder, env: { GODWIT_CONNECT_ATTEMPTS: "1" } });
  const beside = godwit.with({
    NODE_ENV: "preview",
    GODWIT_ENVIRONMENTS: "preview",
    GODWIT_RETRY_COUNT: "0",
  });
  const { stderr } = await beside("run", "--wait", "--dotenv", "none", "--", "true");
  expect(stderr).not.toContain("are read from");
  const production = await godwit.with({ NODE_ENV: "production" })("run", "--wait", "--", "true");
  expect(production.stderr).toContain(
    ".env is not read, because beside an app only the app's environment counts.",
  );
  const named = folderOf({ ...ONE, "some.env": `DATABASE_URL=${db.url}\n` });
  const run = commandIn({ folder: named, env: { NODE_ENV: "production" } });
  const told = await run("run", "--wait", "--dotenv", "some.env", "--", "true");
  expect(told.stderr.match(/are read from some\.env/g)).toHaveLength(1);
  expect(await db.sql("select 1 from a")).toEqual([]);
});

test("the configuration file comes before .env, and may ask for its variables", async ({ db }) => {
  const env = `DATABASE_URL=${NOWHERE}\nSHOP_URL=${db.url}\nGODWIT_SEARCH_PATH=elsewhere\n`;
  const file = { databaseUrl: { variable: "SHOP_URL" }, searchPath: "public" };
  const folder = folderOf({ ...ONE, ".env": env, "godwit.config.json": JSON.stringify(file) });
  expect((await commandIn({ folder })("up")).stdout).toContain("1 migration applied");
  const own = { databaseUrl: { variable: "SHOP_URL" } };
  const targets = { shop: { url: { variable: "SHOP_URL" } } };
  const fleet = folderOf({
    ...ONE,
    ".env": env,
    "godwit.config.json": JSON.stringify({ searchPath: "public", targets }),
  });
  expect((await commandIn({ folder: fleet })("status")).stdout).toContain("0001_a");
  const real = folderOf({
    ...ONE,
    ".env": `DATABASE_URL=${NOWHERE}\n`,
    "godwit.config.json": JSON.stringify(own),
  });
  expect((await commandIn({ folder: real, env: { SHOP_URL: db.url } })("status")).stdout).toContain("0001_a");
});

test("what cannot be read is named; a folder .env and --dotenv none are passed over", async ({ db }) => {
  const folder = folderOf({ ...ONE, "apps/x": "" });
  mkdirSync(join(folder, ".env"));
  const godwit = commandIn({ folder, url: db.url });
  expect((await godwit.fails(2, "up", "--dotenv", "gone.env")).stderr).toContain(
    "gone.env cannot be read (ENOENT)",
  );
  expect((await godwit.with({ GODWIT_DOTENV: "gone.env" }).fails(1, "up")).stderr).toContain(
    "GODWIT_DOTENV names it",
  );
  const pg = { PGHOST: "127.0.0.1", PGPORT: String(db.port), PGUSER: db.owner, PGDATABASE: db.name };
  expect((await commandIn({ folder, env: pg })("up")).stdout).toContain("1 migration applied");
  const off = folderOf({ ...ONE, ".env": `DATABASE_URL=${NOWHERE}\n` });
  const { json } = await commandIn({ folder: off, env: { NODE_ENV: "production" } }).fails(
    1,
    "up",
    "--dotenv",
    "none",
    "--json",
  );
  expect(json.problems[0].hint).not.toContain(".env");
});

test("a mistake in .env is said with the file's name", async () => {
  const folder = folderOf({
    ...ONE,
    ".env": "DATABASE_URL=postgres://x@127.0.0.1:1/y\nGODWIT_LOCK_TIMEOUT=soon\n",
  });
  const { stderr } = await commandIn({ folder }).fails(1, "status");
  expect(stderr).toContain("GODWIT_LOCK_TIMEOUT in .env is not a duration");
});

test("a mark in front is no part of the first name", async ({ db }) => {
  const folder = folderOf({ ...ONE, ".env": `\uFEFFDATABASE_URL=${db.url}\r\nOTHER=1\r\n` });
  expect((await commandIn({ folder })("up")).stdout).toContain("1 migration applied");
});

test.for([
  ["UTF-16 with the mark of a small machine", (text: string) => Buffer.from(`\uFEFF${text}`, "utf16le")],
  ["UTF-16 with the mark of a big one", (text: string) => Buffer.from(`\uFEFF${text}`, "utf16le").swap16()],
] as const)("%s is read, as PowerShell writes it", async ([, encode], { db }) => {
  const folder = folderOf(ONE);
  writeFileSync(join(folder, ".env"), encode(`DATABASE_URL=${db.url}\r\nOTHER=1\r\n`));
  expect((await commandIn({ folder })("up")).stdout).toContain("1 migration applied");
});

test.for([
  [
    "A=1\nexport DATABASE_URL: postgres://u:wrong-secret@db/x\n",
    "DATABASE_URL in .env has a colon behind it.",
  ],
  [`DATABASE_URL=postgres://u:wrong-secret@\${DB_HOST}/x\n`, `DATABASE_URL in .env refers to \${DB_HOST}`],
] as const)("an address that would be missed is refused: %s", async ([text, message]) => {
  const folder = folderOf({ ...ONE, ".env": text });
  const { json, stderr } = await commandIn({ folder }).fails(1, "up", "--json");
  expect(json.problems).toMatchObject([
    { code: "CONFIG_INVALID", message: expect.stringContaining(message) },
  ]);
  expect(JSON.stringify(json) + stderr).not.toContain("wrong-secret");
  expect(existsSync(join(folder, ".godwit"))).toBe(false);
});
