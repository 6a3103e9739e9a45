/**
 * The stand-in for PostgREST, judged by PostgREST's own client: what Godwit sends and what it is told is what that client sends
 * and is told.
 */
import { PostgrestClient } from "@supabase/postgrest-js";
import { endpointOf } from "../../src/database/rpc/endpoint.ts";
import { functionSql } from "../../src/database/rpc/exec-sql.ts";
import { openRpc } from "../../src/database/rpc/rpc.ts";
import { Secret } from "../../src/std/secret.ts";
import { expect, test } from "../support/database.ts";
import { installFunction, type Postgrest, startPostgrest } from "../support/postgrest.ts";

const NAMES = { url: "NEXT_PUBLIC_SUPABASE_URL", key: "SUPABASE_SERVICE_ROLE_KEY" };
const ours = (api: Postgrest, key: string) =>
  openRpc(endpointOf({ url: api.url, key: new Secret(key), names: NAMES }));
const theirs = (
  api: Postgrest,
  key: string,
  headers: Record<string, string> = { Authorization: `Bearer ${key}` },
) => new PostgrestClient(`${api.url}/rest/v1`, { headers: { apikey: key, ...headers } });
const run = (...statements: readonly string[]) => ({ statements: statements.map((sql) => ({ sql })) });

test("a call of the client gets what ours gets: rows, and one transaction for each request", async ({
  db,
}) => {
  await installFunction(db);
  await using api = await startPostgrest(db);
  const client = theirs(api, api.keys.service);
  const made = await client.rpc(
    "exec_sql",
    run("create table t (n int8)", "insert into t values (9007199254740993)"),
  );
  expect(made).toMatchObject({ error: null, status: 200, data: { version: 1, results: [{}, { count: 1 }] } });
  const read = await client.rpc("exec_sql", { statements: [{ sql: "select n from t", as: "prepared" }] });
  expect(read.data).toMatchObject({ results: [{ names: ["n"], rows: ["(9007199254740993)"] }] });
  const undone = await client.rpc("exec_sql", run("insert into t values (1)", "select 1/0"));
  expect(undone).toMatchObject({
    data: null,
    status: 400,
    error: { code: "22012", message: "division by zero" },
  });
  expect(await db.sql("select count(*)::int as n from t")).toEqual([{ n: 1 }]);
  await using connection = await ours(api, api.keys.service);
  expect((await connection.query("select n from t")).rows).toEqual([{ n: "9007199254740993" }]);
});

test("errors are those four fields, with PostgREST's statuses, and ours say the same", async ({ db }) => {
  await installFunction(db);
  await db.sql(
    `create table t (id int primary key); insert into t values (1); create table child (id int references t)`,
  );
  await using api = await startPostgrest(db);
  const client = theirs(api, api.keys.service);
  await using connection = await ours(api, api.keys.service);
  for (const [sql, code, status] of [
    ["insert into t values (1)", "23505", 409],
    ["insert into child values (7)", "23503", 409],
    ["select * from missing", "42P01", 404],
    ["do $$ begin raise exception 'no' using hint = 'ask'; end $$", "P0001", 400],
    ["do $$ begin raise exception 'no' using errcode = '40001'; end $$", "40001", 500],
    ["do $$ begin raise exception 'no' using errcode = 'PT418'; end $$", "PT418", 418],
    ["set role none", "42501", 403],
  ] as const) {
    const { error, status: told } = await client.rpc("exec_sql", run(sql));
    expect([sql, error?.code, told]).toEqual([sql, code, status]);
    expect(Object.keys(JSON.parse(JSON.stringify({ ...error }))).sort()).toEqual(
      expect.arrayContaining(["code", "details", "hint"]),
    );
    await expect(connection.execute(sql)).rejects.toMatchObject({
      sqlState: code,
      message: error?.message,
      completed: 0,
    });
  }
  expect(connection.lost.aborted).toBe(false);
});

test("what the function may not do with GET, without its grant, or before the schema is reloaded", async ({
  db,
}) => {
  await using api = await startPostgrest(db);
  const service = theirs(api, api.keys.service);
  await installFunction(db, functionSql().replace(/notify .*;/, ""));
  expect(await service.rpc("exec_sql", run("select 1"))).toMatchObject({
    status: 404,
    error: { code: "PGRST202" },
  });
  await expect(ours(api, api.keys.service)).rejects.toMatchObject({
    code: "DATABASE_FUNCTION_MISSING",
    hint: expect.stringMatching(/godwit init --supabase.*notify pgrst, 'reload schema'/),
  });
  await db.sql("notify pgrst, 'reload schema'");
  await expect.poll(async () => (await service.rpc("exec_sql", run("select 1"))).status).toBe(200);
  const anon = theirs(api, api.keys.anon);
  expect(await anon.rpc("exec_sql", run("select 1"))).toMatchObject({
    status: 401,
    error: { code: "42501" },
  });
  const forged = theirs(api, api.keys.service, { Authorization: `Bearer ${api.keys.service}x` });
  expect(await forged.rpc("exec_sql", run("select 1"))).toMatchObject({
    status: 401,
    error: { code: "PGRST301" },
  });
  expect(await service.rpc("exec_sql", { other: 1 })).toMatchObject({
    status: 404,
    error: { code: "PGRST202" },
  });
});

test("keys: a JWT goes as apikey and Bearer, a secret key as apikey alone, with a User-Agent of our own", async ({
  db,
}) => {
  await installFunction(db);
  await using api = await startPostgrest(db);
  for (const key of [api.keys.service, api.keys.secret]) await (await ours(api, key)).close();
  const [jwt, secret] = api.requests;
  expect(jwt?.headers).toMatchObject({
    apikey: api.keys.service,
    authorization: `Bearer ${api.keys.service}`,
  });
  expect(secret?.headers.apikey).toBe(api.keys.secret);
  expect(secret?.headers.authorization).toBeUndefined();
  expect(secret?.headers["user-agent"]).toMatch(/^godwit\//);
  const client = theirs(api, api.keys.secret, {});
  expect((await client.rpc("exec_sql", run("select 1"))).status).toBe(200);
  const browser = theirs(api, api.keys.secret, { "User-Agent": "Mozilla/5.0" });
  expect((await browser.rpc("exec_sql", run("select 1"))).status).toBe(401);
});

test("the function's time limit ends a request before the gateway gives up, and nothing of it is kept", async ({
  db,
}) => {
  await installFunction(db, functionSql().replaceAll("'55s'", "'300ms'"));
  await using api = await startPostgrest(db);
  const [statement, wait] = ["create table slow (id int)", "select pg_sleep(60)"];
  const { error } = await theirs(api, api.keys.service).rpc("exec_sql", run(statement, wait));
  expect(error).toMatchObject({ code: "57014" });
  await using connection = await ours(api, api.keys.service);
  await expect(connection.execute(`${statement}; ${wait}`)).rejects.toMatchObject({
    sqlState: "57014",
    hint: expect.stringMatching(/SUPABASE_DB_URL and USE_NODE_MIGRATIONS=false/),
  });
  expect(await db.sql("select to_regclass('slow') as slow")).toEqual([{ slow: null }]);
});

test("what runs runs as the function's owner, and a request that fails leaves no setting behind", async ({
  db,
}) => {
  await installFunction(db);
  await using api = await startPostgrest(db);
  await using connection = await ours(api, api.keys.service);
  await connection.query("select $1::int as n", [1]);
  await expect(connection.execute("set work_mem = '7MB'; select 1/0")).rejects.toThrow();
  const { rows } = await connection.query(
    "select current_user::text as who, current_setting('work_mem') as memory",
  );
  expect(rows).toEqual([{ who: db.owner, memory: "4MB" }]);
});
