/** No output holds a secret, wherever a random migration has it and however it fails. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { inspect } from "node:util";
import { onTestFinished } from "vitest";
import type { RunEvent } from "../../src/index.ts";
import { commandIn } from "../support/command.ts";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { type Chance, chanceFor } from "../support/seed.ts";
import { folderOf } from "../support/target.ts";
import { createMigrator } from "../support/watched.ts";

/** How a value is written in SQL. The last ones are computed, so that no text holds it. */
const WRITTEN: readonly ((value: string) => string)[] = [
  (value) => `'${value}'`,
  (value) => `E'${value.replace("Z", "\\x5a")}'`,
  (value) => `U&'\\005a${value.slice(1)}'::text`,
  (value) => `$v$${value}$v$`,
  (value) => `'${value.slice(0, 1)}' || '${value.slice(1)}'`,
  (value) => `convert_from(decode('${Buffer.from(value).toString("hex")}', 'hex'), 'UTF8')`,
];

/** A block with the value in a variable that is called so. */
const block = (name: string, v: string, body: string) =>
  `do $do$ declare ${name} text := ${v}; begin ${body} end $do$;`;

/** Statements about secrets, each of which fails, or fails behind what it says. */
const SQL: readonly ((v: string, table: string) => string)[] = [
  (v) => block("value", v, "raise exception 'bad password %', value;"),
  (v) => block("password", v, "raise exception 'no % for % of %', password, 'me', password;"),
  (v) =>
    block(
      "token",
      v,
      "raise exception using message = 'no ' || token, detail = format('it is %s.', token), hint = 'not ' || token, column = token;",
    ),
  (v) =>
    block(
      "secret",
      v,
      "raise warning 'w % w', secret; raise notice '%', secret; raise info using message = secret; perform 1/0;",
    ),
  (v) => block("api_key", v, "raise sqlstate '22012' using message = 'is ' || api_key;"),
  (v) => block("password", v, "assert false, 'it was ' || password;"),
  (v) =>
    block(
      "password",
      v,
      "begin perform password::int; exception when others then raise exception 'caught %', sqlerrm; end;",
    ),
  (v) => block("password", v, "execute format('select %I', password);"),
  (v) => block("password", v, "execute format('create table %I (a int, a int)', password);"),
  (v) => block("password", v, "execute format('alter role nobody_here password %L nonsense', password);"),
  (v) => block("password", v, "perform set_config('work_mem', password, false);"),
  (v) => `select set_config('app.x', ${v}, false); select nonsense;`,
  (v) => `select current_setting('app.' || ${v}) as password;`,
  (v, t) => `create table ${t} ("Pass Word" int); insert into ${t} ("Pass Word") select (${v})::int;`,
  (v, t) =>
    `create table ${t} ("api key" text primary key); insert into ${t} ("api key") select ${v} from generate_series(1, 2);`,
  (v, t) =>
    `create table ${t} (email text unique, tokens text); insert into ${t} (email, tokens) select ${v}, 'x' from generate_series(1, 2);`,
  (v, t) =>
    `create table ${t} (email text check (email <> email), password_hash text); insert into ${t} (email, password_hash) select ${v}, 'x';`,
  (v, t) => `create table ${t} (email text, n int); insert into ${t} select 'x', (${v})::int;`,
  (v, t) =>
    `create table ${t} (password text); create function ${t}_f() returns trigger language plpgsql as $f$ begin raise exception 'weak: %', new.password; end $f$;
create constraint trigger c after insert on ${t} deferrable initially deferred for each row execute function ${t}_f(); insert into ${t} (password) select ${v};`,
  (v, t) =>
    `create table ${t} (password text); insert into ${t} (password) select ${v}; select password::regclass from ${t};`,
  (v, t) =>
    `create table ${t} (password text); insert into ${t} (password) select ${v}; create function ${t}_f() returns int language sql as $f$ select password::int from ${t} $f$; select ${t}_f();`,
  (v, t) =>
    `create function ${t}_f(p text) returns void language plpgsql as $f$ begin raise notice 'so: %', p; raise exception 'weak: %', p; end $f$; select ${t}_f(a.password) from (select ${v}) a (password);`,
];

/** The same in a module, where the value comes out of an expression. */
const MODULES: readonly string[] = [
  "await sql`select \u0024{password}::int`;",
  "await query('select $1::int', [password]);",
  "await execute(`select '\u0024{password}'::int`);",
  "await execute(`select nonsense, '\u0024{password}'`);",
  "const v = password; await sql`select \u0024{v}::uuid`.catch((error) => { log.warn(error.message); throw error; });",
  "await sql`create temp table u (token int)`; await sql`insert into u (token) values (\u0024{password})`;",
  "await sql`create temp table u (password text, a text unique)`; for (const a of [1, 2]) await sql`insert into u (a, password) values (\u0024{password}, \u0024{password})`;",
  "await sql`select set_config('work_mem', \u0024{password}, true)`;",
  "await sql`do \u0024{sql.raw(`$d$ begin raise warning 'w %', '\u0024{password}'; raise exception 'bad % here', '\u0024{password}'; end $d$`)}`;",
  "await sql`select \u0024{[password]}::int[]`;",
  "await sql`select \u0024{{ a: password }}::jsonb::int`;",
];

const oneOf = <T>({ int }: Chance, all: readonly T[]): T => all[int(0, all.length - 1)] as T;

function filesOf(random: Chance, count: number) {
  const values: string[] = [];
  const files: Record<string, string> = {};
  for (let index = 1; index <= count; index++) {
    const value = `Zq${randomBytes(5).toString("hex")}x`;
    const name = `${String(index).padStart(4, "0")}_a`;
    const isSql = random.chance(2 / 3);
    const outside = random.chance(1 / 3);
    values.push(value);
    if (isSql) {
      const v = oneOf(random, WRITTEN)(value);
      const body = oneOf(random, SQL)(v, `t${index}`);
      files[`${name}.sql`] = `${outside ? "-- godwit: transaction=off\n" : ""}${body}\n`;
    } else {
      const code = `const password = "${value.slice(0, 1)}" + "${value.slice(1)}";\n${oneOf(random, MODULES)}`;
      files[`${name}.mjs`] =
        `export default { transaction: ${!outside}, async up({ sql, query, execute, log }) {\n${code}\n} };\n`;
    }
  }
  return { values, files };
}

test.for([1, 2, 3])("a random placing (%i)", { timeout: 90_000 }, async (round, { db }) => {
  const { values, files } = filesOf(chanceFor(`secrets ${round}`), 24);
  const folder = folderOf(
    Object.fromEntries(Object.entries(files).map(([name, text]) => [`migrations/${name}`, text])),
  );
  const godwit = commandIn({ folder, url: db.url });
  const keepOn = ["--on-failure", "continue", "--verbose"];
  const said: Record<string, string> = {};
  for (const words of [
    ["up", ...keepOn],
    ["up", ...keepOn, "--json", "--log-format", "json"],
    ["up", "--dry-run", "--json", "--verbose"],
    ["history", "--log", "--json"],
    ["status", "--json"],
  ]) {
    const { stdout, stderr } = await godwit.start(...words).exits(0, 1);
    said[words.join(" ")] = `${stdout}\n${stderr}`;
  }
  const rows = await db.sql(`select t::text as row from "${ledgerSchema}".migration_log t`);
  expect(rows.length).toBeGreaterThan(values.length);
  said.ledger = JSON.stringify(rows);
  const events: RunEvent[] = [];
  const migrator = createMigrator({
    dir: join(folder, "migrations"),
    databaseUrl: db.url,
    ledgerSchema,
    observe: (event) => void events.push(event),
  });
  onTestFinished(() => migrator.close());
  const error: unknown = await migrator.up().catch((caught: unknown) => caught);
  said.library = inspect([error, events], {
    depth: 12,
    showHidden: true,
    maxStringLength: null,
    maxArrayLength: null,
  });
  expect(Object.values(said).join()).toContain("***");
  const held = Object.entries(said).flatMap(([output, text]) =>
    values.flatMap((value, index) => {
      const at = text.toLowerCase().indexOf(value.toLowerCase());
      return at === -1
        ? []
        : [`${output}: ${Object.values(files)[index]}: …${text.slice(Math.max(0, at - 200), at + 60)}…`];
    }),
  );
  expect(held).toEqual([]);
});
