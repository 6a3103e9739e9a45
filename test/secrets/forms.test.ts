/** A secret is hidden in every notation in which clients and servers repeat it, and what is no secret stays. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { inspect } from "node:util";
import { describe } from "vitest";
import { rememberEnvironment } from "../../src/config/secrets.ts";
import { hideSecrets, secretsOf } from "../../src/core/sql/secrets.ts";
import { redact, remember } from "../../src/std/secret.ts";
import { commandIn } from "../support/command.ts";
import { expect, ledgerSchema, test, withPassword } from "../support/database.ts";
import { folderOf } from "../support/target.ts";

const VALUE = `h"4x'ä \\K0rn+/~`;
const base64 = (text: string) => Buffer.from(text).toString("base64");

test.for([
  base64(VALUE),
  Buffer.from(VALUE).toString("base64url"),
  Buffer.from(VALUE).toString("hex"),
  Buffer.from(VALUE).toString("hex").toUpperCase(),
  new URLSearchParams({ password: VALUE }).toString().slice(9),
  JSON.stringify(JSON.stringify({ VALUE })),
  JSON.stringify({ body: JSON.stringify({ body: VALUE }) }),
  JSON.stringify(inspect({ VALUE })),
  inspect(JSON.stringify([VALUE])),
])("a known secret is found as %s", (written) => {
  remember(VALUE);
  const said = redact(`<${written}>`);
  expect(said).toContain("***");
  expect(said).not.toMatch(/K0rn|4x|SzBybis|4b30726e/i);
});

test.for(["a", "ab", "abc", "user", "x@y.z"])("and in the Base64 of %s:password", (user) => {
  remember(VALUE);
  const written = base64(`${user}:${VALUE}`);
  const [kept = "", behind = ""] = redact(written).split("***");
  expect(Buffer.from(kept, "base64").toString()).toMatch(new RegExp(`^${user}:?.?$`));
  expect(behind.length).toBeLessThan(4);
});

test.for([
  ["MAIL_PASS", "k4n4Ry-x1"],
  ["DB_PWD", "k4n4Ry-x2"],
  ["NPM_AUTH", "bob:k4n4Ry-x3"],
  ["SENTRY_DSN", "https://k4n4Ryx4@o1.example.org/7"],
  ["COOKIE_SIGNING", "k4n4Ry-x5"],
  ["WEBHOOK_SIGNING_KEY", "k4n4Ry-x6"],
  ["BUS_CONNECTION_STRING", "host=h user=u password=k4n4Ry-x7"],
] as const)("the environment's %s is one", ([name, value]) => {
  rememberEnvironment({ [name]: value });
  const secret = /k4n4Ry-?x\d/.exec(value)?.[0] ?? "";
  expect(redact(`it is ${secret}!`)).toBe("it is ***!");
});

test("a folder, a word and a short value are none, whatever their variable is called", () => {
  rememberEnvironment({ PWD: "/srv/shop", OLD_PWD: "/srv/other", REGISTRY_AUTH: "required", X_PASS: "a1" });
  expect(redact("required in /srv/shop and /srv/other a1")).toBe("required in /srv/shop and /srv/other a1");
});

test.for([
  ["Authorization: Bearer eyJhbGciOiJ9.x-y_z", "Authorization: Bearer ***"],
  ["{ authorization: 'Basic dXNlcjpwYXNz' }", "{ authorization: 'Basic ***' }"],
  ['{"Authorization":"Token abcdef"}', '{"Authorization":"Token ***"}'],
  ["Key (password)=(hunter2) already exists.", "Key (password)=(***) already exists."],
  [
    "Key (email, lower(password))=(a, b) c) already exists.",
    "Key (email, lower(password))=(***) already exists.",
  ],
  ["?client_secret=abcdef&x=1", "?client_secret=***&x=1"],
  ["api_key: 'abcdef', token = \"abcdef\"", "api_key: '***', token = \"***\""],
  ["passwd: hunter2x", "passwd: ***"],
  ['alter role app password "hunter""2" nonsense', 'alter role app password "***" nonsense'],
] as const)("by its form: %s", ([text, shown]) => {
  expect(redact(text)).toBe(shown);
  expect(redact(shown)).toBe(shown);
});

test.for([
  "Unexpected token: identifier",
  "use basic authentication, or a bearer credential",
  "the secret: nobody knows",
  "token=short; pwd=x",
  'column "token" of relation "sessions" does not exist',
  "select token from sessions where token = other.token",
  "password: must not be empty",
])("prose stays: %s", (text) => {
  expect(redact(text)).toBe(text);
});

test.for([
  'alter role app password "k4n4Ry""q" login',
  'create user app encrypted password /* c */ U&"k4n4Ry\\0022q"',
  'do $$ begin alter role app password "k4n4Ryq"; end $$',
  "do $$ begin execute 'alter role app password \"k4n4Ryq\"'; end $$",
  'alter role app set app.secret to "k4n4Ryq"',
  'alter role app password "k4n4Ryq',
])("a name in the place of a password is one: %s", (text) => {
  expect(hideSecrets(text, secretsOf(text)).text).not.toContain("k4n4Ry");
});

test("the server's refusal of it neither, in message, excerpt, JSON and ledger", async ({ db }) => {
  const text = `-- godwit: transaction=off\nselect 1;\nalter role ${db.owner} password "C4naryQ" nonsense`;
  const godwit = commandIn({ folder: folderOf({ "migrations/0001_a.sql": text }), url: db.url });
  const first = await godwit.fails(1, "up", "--verbose");
  expect(first.stderr).toMatch(/syntax error at or near/);
  const second = await godwit.fails(1, "up", "--json", "--log-format", "json", "--verbose");
  const log = await godwit("history", "--log", "--json");
  const rows = await db.sql(`select t::text from "${ledgerSchema}".migration_log t`);
  for (const said of [first.stderr, second.stdout, second.stderr, log.stdout, JSON.stringify(rows)])
    expect(said).not.toContain("C4nary");
});

describe("what machines read stays whole, whatever the password is", () => {
  test.for([
    "applied",
    "2026",
    String(new Date().getUTCFullYear()),
    "0001_users",
    "0001_users.sql",
    "complex",
  ])("%s", async (password, { db }) => {
    const folder = folderOf({
      "migrations/0001_users.sql": "create table users (id int)",
      "migrations/0002_bad.sql": "select nonsense",
    });
    const godwit = commandIn({ folder, url: withPassword(db.url, password) });
    const failed = await godwit.fails(1, "up", "--json", "--log-format", "json");
    expect(failed.json.report.steps).toMatchObject([{ revision: "0001_users", phase: "startup" }]);
    expect(failed.json.report.startedAt).toMatch(/^\d{4}-\d\d-\d\dT/);
    expect(failed.json.problems).toMatchObject([{ place: { file: "0002_bad.sql" } }]);
    for (const line of failed.stderr
      .trim()
      .split("\n")
      .filter((each) => each.startsWith("{")))
      expect(JSON.parse(line).timestamp).toMatch(/^\d{4}-/);
    const { migrations } = (await godwit("status", "--json")).json;
    expect(migrations[0]).toMatchObject({ revision: "0001_users", state: "applied", file: "0001_users.sql" });
    expect(migrations[0].executedAt).toMatch(/^\d{4}-/);
    if (password.length < 8)
      expect((await godwit("status")).stdout).toMatch(/0001_users.*applied|applied.*0001_users/);
  });
});

test("nothing of a configuration in TypeScript, or of what it imports, is kept in the cache", async ({
  db,
}) => {
  const folder = folderOf({
    "godwit.config.ts": `import { words } from "./words.ts";\nexport default { databaseUrl: [${JSON.stringify(db.url.split("@")[0])}, ${JSON.stringify(db.url.split("@")[1])}].join(words.at as string) };`,
    "words.ts": `export const words = { at: "@", hidden: "Zq-C4nary" };`,
    "migrations/0001_a.ts": "export async function up({ sql }: any) { await sql`select 1`; }",
  });
  await commandIn({ folder })("up");
  const below = (path: string): string =>
    statSync(path).isDirectory()
      ? readdirSync(path)
          .map((name) => below(join(path, name)))
          .join("\n")
      : readFileSync(path, "latin1");
  const kept = readdirSync(folder)
    .filter((name) => name.startsWith("."))
    .map((name) => below(join(folder, name)))
    .join("\n");
  expect(kept).not.toMatch(/words|C4nary/);
});

test.for([
  ["a hole of a template", "await sql`alter role nobody_x password \u0024{'C4naryQ'}`;"],
  [
    "a variable on the line",
    "const p = 'C4naryQ'; await sql`alter role nobody_x password \u0024{p} nonsense`;",
  ],
  ["a parameter", "await query('alter role nobody_x password $1', ['C4naryQ']);"],
  ["a comment of the statement", "await sql`alter role nobody_x password /* was 'C4naryQ' */ 'x' nonsense`;"],
])("what a module hands to a statement about a password: %s", async ([, line], { db }) => {
  const text = `export async function up({ sql, query }) {\n  ${line}\n}\n`;
  const godwit = commandIn({ folder: folderOf({ "migrations/0001_a.mjs": text }), url: db.url });
  const said = await godwit.fails(1, "up", "--verbose");
  expect(said.stderr).toMatch(/syntax error|unrecognized role option/);
  expect(said.stderr).toContain("password");
  expect(said.stderr).not.toContain("C4nary");
  expect((await godwit.fails(1, "up", "--json")).stdout).not.toContain("C4nary");
});
