/** What cannot be done over HTTPS, or is not as it should be: said before anything is done, with the way out. */
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { functionSql } from "../../src/database/rpc/exec-sql.ts";
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { installFunction, startPostgrest } from "../support/postgrest.ts";
import { type Files, folderOf } from "../support/target.ts";

const FIRST = { "migrations/0001_a.sql": "create table a (id int);" };
const KEY = `sb_secret_${"k".repeat(32)}`;
const jwt = (claims: object) => `x.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.signature`;

test.for<[string, Files, RegExp, number | undefined]>([
  [
    "an index that is built concurrently",
    { "migrations/0002_b.sql": "\ncreate index concurrently a_id on a (id);" },
    /line 2: CREATE INDEX CONCURRENTLY/,
    2,
  ],
  [
    "a file that wants no transaction",
    { "migrations/0002_b.sql": "-- godwit: transaction=off\nselect 1;" },
    /transaction=off/,
    undefined,
  ],
  [
    "a module that waits for answers",
    { "migrations/0002_b.ts": "export async function up({ sql }) { await sql`select 1`; }" },
    /waits for the answers/,
    undefined,
  ],
  [
    "another isolation level",
    { "migrations/0002_b.sql": "set transaction isolation level serializable;\nselect 1;" },
    /serializable/,
    undefined,
  ],
])(
  "%s is refused before the first migration runs, with the way out",
  async ([, files, why, line], { db }) => {
    await installFunction(db);
    await using api = await startPostgrest(db);
    const command = commandIn({ folder: folderOf({ ...FIRST, ...files }), env: api.env });
    const { problems } = (await command.fails(1, "up", "--json")).json;
    expect(problems).toMatchObject([
      {
        code: "SOURCE_NEEDS_SESSION",
        message: expect.stringMatching(why),
        hint: expect.stringContaining("USE_NODE_MIGRATIONS=false"),
      },
    ]);
    expect(problems[0].place.line).toBe(line);
    expect((await command.fails(1, "plan", "--json")).json.problems).toEqual(problems);
    expect(await db.sql("select to_regclass('a') as a")).toEqual([{ a: null }]);
    // The hint works.
    await command.with({ SUPABASE_DB_URL: db.url, DATABASE_URL: db.url, USE_NODE_MIGRATIONS: "false" })("up");
    expect(await db.sql("select to_regclass('a') is not null as there")).toEqual([{ there: true }]);
  },
);

test("USE_NODE_MIGRATIONS chooses the way where both are open; without it DATABASE_URL comes first and SUPABASE_DB_URL last", async ({
  db,
}) => {
  await installFunction(db);
  await using api = await startPostgrest(db);
  const command = commandIn({ folder: folderOf(FIRST), url: db.url, env: api.env });
  await command("up");
  await command.with({ USE_NODE_MIGRATIONS: "false" })("up");
  expect(api.requests).toHaveLength(0);
  await command.with({ USE_NODE_MIGRATIONS: "true" })("up");
  expect(api.requests.length).toBeGreaterThan(0);
  const supabase = commandIn({ folder: folderOf(FIRST), env: { ...api.env, SUPABASE_DB_URL: db.url } });
  const before = api.requests.length;
  await supabase("up");
  expect(api.requests.length).toBeGreaterThan(before);
  const { length } = api.requests;
  await supabase.with({ USE_NODE_MIGRATIONS: "false" })("up");
  await command.with({ USE_NODE_MIGRATIONS: "true" })("up", "--database-url", db.url);
  await command.with({ USE_NODE_MIGRATIONS: "true", SUPABASE_SERVICE_ROLE_KEY: "" })("up");
  expect(api.requests).toHaveLength(length);
});

test.for<[string, Readonly<Record<string, string>>, string, RegExp]>([
  [
    "a key that is neither kind",
    { SUPABASE_SERVICE_ROLE_KEY: "eyJ-something-else" },
    "CONFIG_VARIABLE_INVALID",
    /SUPABASE_SERVICE_ROLE_KEY is neither/,
  ],
  [
    "a secret key that is empty behind its prefix",
    { SUPABASE_SERVICE_ROLE_KEY: "sb_secret_" },
    "CONFIG_VARIABLE_INVALID",
    /SUPABASE_SERVICE_ROLE_KEY is neither/,
  ],
  [
    "the anon key",
    { SUPABASE_SERVICE_ROLE_KEY: jwt({ role: "anon" }) },
    "CONFIG_VARIABLE_INVALID",
    /key of the role anon/,
  ],
  [
    "a publishable key",
    { SUPABASE_SERVICE_ROLE_KEY: "sb_publishable_abcdefgh" },
    "CONFIG_VARIABLE_INVALID",
    /publishable/,
  ],
  [
    "a database URL in the place of the project's",
    { NEXT_PUBLIC_SUPABASE_URL: "postgres://u:p@db.example.com/x" },
    "URL_INVALID",
    /NEXT_PUBLIC_SUPABASE_URL/,
  ],
  [
    "a URL without TLS",
    { NEXT_PUBLIC_SUPABASE_URL: "http://project.example.com" },
    "URL_INVALID",
    /unencrypted/,
  ],
  ["a role to take", { GODWIT_ROLE: "app" }, "CONFIG_INVALID", /role "app" cannot be taken over HTTPS/],
  [
    "nobody there",
    { NEXT_PUBLIC_SUPABASE_URL: "http://127.0.0.1:1" },
    "DATABASE_UNREACHABLE",
    /127\.0\.0\.1:1 cannot be reached/,
  ],
])("%s is said by name, without the key", async ([, env, code, message]) => {
  const base = {
    NEXT_PUBLIC_SUPABASE_URL: "https://localhost:1",
    SUPABASE_SERVICE_ROLE_KEY: KEY,
    GODWIT_CONNECT_ATTEMPTS: "1",
  };
  const command = commandIn({ folder: folderOf(FIRST), env: { ...base, ...env } });
  const { json, stderr, stdout } = await command.fails(1, "up", "--json");
  expect(json.problems).toMatchObject([{ code, message: expect.stringMatching(message) }]);
  expect(stderr + stdout).not.toContain(env.SUPABASE_SERVICE_ROLE_KEY ?? KEY);
});

test("a function that is missing, of another version, or may not be called; and the file that mends it", async ({
  db,
}) => {
  const folder = folderOf(FIRST);
  await using api = await startPostgrest(db);
  const command = commandIn({ folder, env: api.env });
  const told = async () => (await command.fails(1, "up", "--json")).json.problems[0];
  expect(await told()).toMatchObject({
    code: "DATABASE_FUNCTION_MISSING",
    hint: expect.stringContaining("godwit init --supabase"),
  });
  await command("init", "--supabase");
  const text = readFileSync(join(folder, "supabase", "exec_sql.sql"), "utf8");
  expect(text).toBe(functionSql());
  await db.sql(text.replace("version constant integer := 1", "version constant integer := 0"));
  await api.reloaded();
  expect(await told()).toMatchObject({
    code: "DATABASE_FUNCTION_OUTDATED",
    message: expect.stringContaining("it is 0"),
  });
  await db.sql(text);
  await db.sql("revoke execute on function exec_sql(jsonb) from service_role");
  expect(await told()).toMatchObject({
    code: "DATABASE_PRIVILEGE",
    hint: expect.stringContaining("godwit init --supabase"),
  });
  await db.sql(text);
  await command("up");
  expect((await command("init", "--supabase")).stdout).toContain("is there already");
  expect((await command("doctor")).stdout).toMatch(/over HTTPS/);
});

test("nobody but the service role may call the function, although Supabase grants new ones to everybody", async ({
  db,
}) => {
  await using _ = await startPostgrest(db);
  await db.sql(
    "alter default privileges in schema public grant execute on functions to anon, authenticated, service_role",
  );
  await installFunction(db);
  for (const [role, may] of [
    ["public", false],
    ["anon", false],
    ["authenticated", false],
    ["service_role", true],
  ] as const)
    expect([
      role,
      await db.sql(`select has_function_privilege('${role}', 'public.exec_sql(jsonb)', 'execute') as may`),
    ]).toEqual([role, [{ may }]]);
  const [made] = await db.sql(
    "select prosecdef, proconfig from pg_proc where oid = 'public.exec_sql(jsonb)'::regprocedure",
  );
  expect(made).toMatchObject({
    prosecdef: true,
    proconfig: expect.arrayContaining(["search_path=pg_catalog, pg_temp"]),
  });
});

test("an HTML answer is never taken for a result: refused where it is another server, asked again where a gateway gave up", async ({
  db,
}) => {
  const page = createServer((_, response) =>
    response.writeHead(200, { "content-type": "text/html" }).end("<html>Parked</html>"),
  );
  await new Promise<void>((resolve) => page.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void page.close());
  const url = `http://127.0.0.1:${(page.address() as AddressInfo).port}`;
  const elsewhere = commandIn({
    folder: folderOf(FIRST),
    env: { NEXT_PUBLIC_SUPABASE_URL: url, SUPABASE_SERVICE_ROLE_KEY: KEY },
  });
  expect((await elsewhere.fails(1, "up", "--json")).json.problems).toMatchObject([
    { code: "DATABASE_NOT_POSTGREST" },
  ]);
  await installFunction(db);
  await using api = await startPostgrest(db, { fault: (_, number) => (number === 6 ? "html" : undefined) });
  await commandIn({ folder: folderOf(FIRST), env: api.env })("up");
  expect(await db.sql("select to_regclass('a') is not null as there")).toEqual([{ there: true }]);
});

test("a dry run needs a session, and says so by name", async ({ db }) => {
  await installFunction(db);
  await using api = await startPostgrest(db);
  const command = commandIn({ folder: folderOf(FIRST), env: api.env });
  expect((await command.fails(1, "up", "--dry-run", "--json")).json.problems).toMatchObject([
    { code: "DATABASE_NEEDS_SESSION", hint: expect.stringContaining("USE_NODE_MIGRATIONS=false") },
  ]);
  expect(await db.sql("select to_regclass('a') as a")).toEqual([{ a: null }]);
});

test("one half of the pair is no reason for another database: the other half is named", async () => {
  const folder = folderOf({ "migrations/0001_a.sql": "create table a (id int);" });
  const halves = [
    [{ NEXT_PUBLIC_SUPABASE_URL: "https://x.supabase.co" }, "SUPABASE_SERVICE_ROLE_KEY is not"],
    [{ SUPABASE_SERVICE_ROLE_KEY: "sb_secret_abcdefghijkl" }, "NEXT_PUBLIC_SUPABASE_URL is not"],
  ] as const;
  for (const [env, said] of halves)
    for (const NODE_ENV of ["production", "development"]) {
      const { stderr } = await commandIn({ folder, env: { ...env, NODE_ENV } }).fails(1, "up");
      expect(stderr).toContain(said);
      expect(stderr).not.toContain("abcdefghijkl");
    }
});
