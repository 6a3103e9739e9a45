/** What the server repeats of the users' data is hidden in text, JSON, JSON lines and the log table, and the rest of its words stays. */
import { describe } from "vitest";
import { redact, remember } from "../../src/std/secret.ts";
import { commandIn } from "../support/command.ts";
import { expect, ledgerSchema, type TestDatabase, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";

const CANARY = "Zq4anary";

async function saidOf(db: TestDatabase, file: string, text: string): Promise<readonly string[]> {
  const godwit = commandIn({ folder: folderOf({ [`migrations/${file}`]: text }), url: db.adminUrl });
  const first = await godwit.fails(1, "up", "--verbose");
  const second = await godwit.fails(1, "up", "--json", "--log-format", "json", "--verbose");
  const third = await godwit.start("up", "--dry-run", "--json").exits(0, 1);
  const rows = await db.admin(`select t::text from "${ledgerSchema}".migration_log t`);
  return [first, second, third].map(({ stdout, stderr }) => stdout + stderr).concat(JSON.stringify(rows));
}

const USERS =
  "create table users (email text check (email <> 'x'), id uuid, password text not null, apitoken int, doc jsonb, primary key (email));\n";

describe("it stays with the server:", () => {
  test.for<[name: string, text: string, stays: string]>([
    [
      "the row that fails a constraint",
      `create table t (a text, b int check (b > 0));\ninsert into t values (repeat('Zq4', 1) || 'anary', -1);`,
      "Failing row contains (***)",
    ],
    [
      "the row without a value",
      `${USERS}insert into users (email) select 'Zq4' || 'anary';`,
      "Failing row contains (***)",
    ],
    [
      "the literals of a statement with a password, in the excerpt",
      `${USERS}insert into users (email, password, nothing) values ('b', '${CANARY}', 3);`,
      "values ('***', '***', ***)",
    ],
    [
      "a value of the wrong type",
      `${USERS}insert into users (email, password, id) values ('b', 'x', '${CANARY}');`,
      'invalid input syntax for type uuid: "***"',
    ],
    [
      "what is no number",
      `${USERS}update users set apitoken = 'Zq4anary';\nselect 1;`,
      'invalid input syntax for type integer: "***"',
    ],
    [
      "what is no JSON",
      `${USERS}insert into users (password, doc) values ('x', '{"a": ${CANARY}}');`,
      "invalid input syntax for type json",
    ],
    [
      "a value beside a name of a secret, in message and excerpt",
      `select '${CANARY}'::int as password;`,
      "select '***'::int as password",
    ],
    [
      "the literals of a row whose columns are not named",
      `${USERS}insert into users values (1, '${CANARY}', nosuch);`,
      "values (***, '***', nosuch)",
    ],
    [
      "a statement that a function runs",
      `${USERS}do $$ begin execute 'insert into users (email, password, nothing) values (''b'', ''${CANARY}'', 3)'; end $$;`,
      'column \\"?nothing\\"? of relation',
    ],
    [
      "what a program is called with",
      `${USERS}copy users (email) from program 'false -u admin:${CANARY}';`,
      "program",
    ],
    [
      "a notice of what the script knows as a password",
      `do $$ declare v_password text := '${CANARY}'; begin raise notice 'it is %', v_password; raise exception 'and no'; end $$;`,
      "and no",
    ],
    [
      "a notice that says it",
      "do $$ begin raise notice 'the password is %', 'Zq4' || 'anary'; raise exception 'and no'; end $$;",
      "the password is \\*\\*\\*",
    ],
  ])("%s", async ([, text, stays], { db }) => {
    const said = await saidOf(db, "0001_a.sql", text);
    for (const each of said) expect(each).not.toContain("anary");
    expect(said.join("\n").replaceAll('\\"', '"')).toMatch(
      stays.includes("\\") ? new RegExp(stays) : new RegExp(stays.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")),
    );
  });

  test("and of a module, in the line of its own file as well", async ({ db }) => {
    const text = `export async function up({ sql, log }: any) {
  await sql\`create table users (email text, id uuid, password text)\`;
  await sql\`savepoint s\`;
  await sql\`insert into users (password, id) values ('x', '${CANARY}')\`.catch((error: Error) => log.warn(error.message));
  await sql\`rollback to s\`;
  await sql\`insert into u (token) values ('y', '${CANARY}')\`;
}`;
    const said = await saidOf(db, "0001_a.ts", text);
    for (const each of said) expect(each).not.toContain("anary");
    expect(said[0]).toContain('invalid input syntax for type uuid: "***"');
    expect(said[0]).toMatch(/sql`insert into u \(token\) values \('\*\*\*'?, ?('\*\*\*)?…\n/);
  });

  test("what does not speak of a secret is said as the server says it", async ({ db }) => {
    const [said] = await saidOf(
      db,
      "0001_a.sql",
      "create table t (a int);\ninsert into t (a) values ('pear');",
    );
    expect(said).toContain('invalid input syntax for type integer: "pear"');
  });
});

test("numbers in the query of the session in the way are hidden", async ({ db }) => {
  await db.sql("create table busy (id int)");
  const holder = await db.connect();
  await holder.query("begin; lock table busy; select 4711, -8.5");
  const godwit = commandIn({
    folder: folderOf({ "migrations/0001_a.sql": "alter table busy add b int" }),
    url: db.url,
  });
  const { stderr } = await godwit.fails(1, "up", "--lock-timeout", "100ms", "--lock-attempts", "2");
  await holder.query("rollback");
  expect(stderr).toContain("select ***, -***");
});

test.for([
  "%c3%b6Zq4%3a%2fx",
  "%C3%B6Zq4%3A%2Fx+&amp;&quot;y&#39;",
  "öZq4:/x &amp;&quot;y&#39;",
  "öZq4:/x &amp;&#34;y&#x27;",
  "%c3%b6Zq4:/x%20&%22y'",
])("a known password is found as %s", (written) => {
  remember(`öZq4:/x &"y'`, "öZq4:/x");
  expect(redact(`<${written}>`)).not.toContain("Zq4");
});
