/** What the lexer knows of secrets in SQL, and what is left of them in an excerpt. */
import { expect, test } from "vitest";
import { excerptAt, hideLiterals, hideSecrets, secretsOf } from "../../src/core/sql/secrets.ts";
import { presentable } from "../../src/std/secret.ts";

const CANARY = "k4n4Ry!x";

test.each([
  `alter role app password '${CANARY}' login`,
  `create user app with encrypted password /* it's new */ E'${CANARY}'`,
  `create user app password -- a comment\n  U&'${CANARY}'`,
  `create role app password $pw$${CANARY}$pw$`,
  `create role app encrypted '${CANARY}'`,
  `alter role app password ${CANARY.slice(0, 6)}`,
  `alter user app identified by '${CANARY}'`,
  `create user mapping for app server s options (user 'bob', password '${CANARY}')`,
  `create subscription s connection 'host=h password=${CANARY}' publication p`,
  `select dblink_connect('c', 'host=h user=u password=''${CANARY}''')`,
  `select * from dblink('postgres://u:${CANARY}@h/d', 'select 1') as t(a int)`,
  `select pgp_sym_encrypt(name, '${CANARY}') from t`,
  `select crypt('${CANARY}', gen_salt('bf'))`,
  `set app.jwt_secret = '${CANARY}'`,
  `alter database shop set app.settings.api_key to '${CANARY}'`,
  `select set_config('app.secret', '${CANARY}', false)`,
  `do $$ begin execute 'alter role app password ''${CANARY}'''; end $$`,
  `do $$ begin alter role app password '${CANARY}'; end $$`,
  `alter role app password '${CANARY}`,
  `insert into users (email, password) values ('b', '${CANARY}', 3)`,
  `insert into users (email, "apiToken") select 'b', $$${CANARY}$$`,
  `with a as (select 1) update users set email = '${CANARY}', password = 'x'`,
  `do $$ begin insert into users (password, email) values ('x', '${CANARY}'); end $$`,
  `do $$ declare v_secret text := '${CANARY}'; begin end $$`,
  `create table users (email text, password text default '${CANARY}')`,
  `select set_password('bob', '${CANARY}')`,
  `select '${CANARY}'::int as password`,
  `select password from users where name = '${CANARY}'`,
  `insert into users values (1, '${CANARY}', nosuch)`,
  `insert into only.users as u values (1, '${CANARY}')`,
  `insert into users (select 1, '${CANARY}')`,
  `insert into users overriding system value values (1, '${CANARY}')`,
  `with a as (select 1) insert into users select 1, '${CANARY}'`,
  `merge into users u using b on true when not matched then insert values (1, '${CANARY}')`,
  `do $$ begin insert into users values (1, '${CANARY}'); end $$`,
  `alter role app password /* was: '${CANARY}' */ 'x' nonsense`,
  `alter role app -- was ${CANARY}\n password 'x'`,
  `/* ${CANARY} */ alter role app password 'x'`,
  `alter role app password 'x'; -- was '${CANARY}'`,
  `alter role app password 'x' /* ${CANARY} */`,
  `alter role app password /* the new one */ "${CANARY}"`,
  `copy users from program 'curl -u admin:${CANARY} https://h'`,
  `copy (select 1) to program $$curl -u admin:${CANARY} https://h$$`,
])("is found in the author's SQL: %s", (text) => {
  const { text: shown } = hideSecrets(text, secretsOf(text));
  expect(shown).not.toContain(CANARY.slice(0, 6));
  expect(shown.split("\n")).toHaveLength(text.split("\n").length);
});

test.each([
  "create role app login valid until '2030-01-01'",
  "insert into shops (name) select 'flowers'",
  "set password_encryption = 'scram-sha-256'",
  "alter role app set search_path = 'shop'",
  "create function passwordless() returns text language sql as $$ select 'flowers' $$",
  "insert into shops (name) values ('flowers'), ('$$')",
  "create server s foreign data wrapper w options (host 'localhost', dbname 'shop')",
  "-- the flowers\ninsert into shops (name) values ('flowers') /* all of them */",
])("is not suspected where it explains the error: %s", (text) => {
  expect(hideSecrets(text, secretsOf(text)).text).toBe(text);
});

test("a caret keeps its place behind what is hidden, and stands at the start of what it was in", () => {
  const text = `alter role app password '${CANARY}' nonsense`;
  const { text: shown, moved } = hideSecrets(text, secretsOf(text));
  expect(shown.slice(moved(text.indexOf("nonsense")))).toBe("nonsense");
  expect(shown.slice(moved(text.indexOf(CANARY) + 3))).toBe("***' nonsense");
});

test.each([
  `E'${CANARY}'`,
  `U&'${CANARY}'`,
  `$pw$${CANARY}$pw$`,
  `$$${CANARY}$$`,
  `'${CANARY}'`,
  `"${CANARY}"`,
])("and on the screen too: %s", (written) => {
  const text = `alter role app password ${written} nonsense`;
  const [line = "", caret = ""] = presentable(excerptAt(text, text.indexOf("nonsense") + 1)).split("\n");
  expect(line).not.toContain(CANARY);
  expect(line.slice(caret.indexOf("^"))).toBe("nonsense");
});

test.each([
  [`select '${CANARY}', 1`, "select '***', ***"],
  [`select $$${CANARY}$$`, "select $$***$$"],
  [`select $x$a $$ ${CANARY}$x$ from t`, "select $x$***$x$ from t"],
  [`select U&'${CANARY}' uescape '!'`, "select U&'***' uescape '***'"],
  [`select E'it\\'s ${CANARY}', n'${CANARY}'`, "select E'***', n'***'"],
  [`alter role app password /* '' */ '${CANARY}'`, "alter role app password '***'"],
  [`/* ${CANARY} */ select 1 -- ${CANARY}\n from t`, "select *** from t"],
  [`select pg_sleep(30), '${CANARY}`, "select pg_sleep(***), '***"],
  [`select $a$${CANARY}`, "select $a$***"],
  [`select 1 /* ${CANARY}`, "select *** /* … */"],
  ["select -1.5e3, $1, a1 from t2 limit 4711", "select -***, $1, a1 from t2 limit ***"],
  [`alter role app password "${CANARY}"`, 'alter role app password "***"'],
  [`select 'it\\'s ${CANARY}', 'b'`, "select '***' …"],
])("of a stranger's query every literal goes: %s", (query, shown) => {
  expect(hideLiterals(query)).toBe(shown);
});
