/** Work over someone else's text is linear in its length, and what is shown of it has an end. */
import { describe, expect, test } from "vitest";
import { isAboutSecrets } from "../../src/core/sql/about-secrets.ts";
import { sayingsOf } from "../../src/core/sql/raised.ts";
import { hideLiterals, hideSecrets, secretsOf } from "../../src/core/sql/secrets.ts";
import { noticesOf } from "../../src/database/private-notices.ts";
import { passwordsIn } from "../../src/std/credentials.ts";
import { parseJson } from "../../src/std/json.ts";
import { MOST_CHARACTERS, presentable, redact, remember, shortened } from "../../src/std/secret.ts";

const MEGABYTE = 1 << 20;
const A_QUARTER = MEGABYTE / 4;
const SHAPES = [
  "A",
  ":",
  "/",
  "@",
  " ",
  "'",
  '"',
  "\\",
  "x:",
  "a@",
  "://",
  "x://",
  "x://a:",
  "x://a:b@",
  "x://a:b ",
  "postgres://",
  "postgres://u:",
  "postgres://u:p ",
  "postgres://u:p@ x://",
  "x:y@z ",
  "u:p@",
  "@x:",
  "password",
  "password=",
  "password='",
  "password=''",
  'password="',
  "password '",
  "password e'",
  "password $a$",
  "password $a$ $",
  "password /*",
  "password --\n",
  "password /**/",
  "password /**//*password /**/",
  "password :",
  '"password": "',
  '\\"password\\": \\"',
  "password\t\t\t\t",
  "'\\",
  "$",
  "$a$",
  "$a$ $b$",
  "/*",
  "--\n",
  "(",
  "'a' 'b'\n",
  "e'\\",
  "U&'",
  "crypt('",
  "alter role x '",
  "secret = '",
  "{",
  "[",
  "1e",
  "\\u0041",
  "token=",
  "token: '",
  "Key (password)=(",
  "(password)=(a)",
  "authorization: basic ",
  "bearer a",
  'password "',
  "k4n4Ry",
  "k4n4Ry!",
  "set a.",
  "set_config('a.",
  "copy a ",
  "copy a.",
  "raise '",
  "raise 'a %',",
  "assert a, ",
];

const WORK: readonly (readonly [name: string, run: (text: string) => unknown])[] = [
  ["redact", redact],
  ["presentable", presentable],
  ["hideLiterals", hideLiterals],
  ["hideSecrets", (text) => hideSecrets(text, secretsOf(text)).text],
  ["sayingsOf", sayingsOf],
  ["isAboutSecrets", isAboutSecrets],
  ["passwordsIn", passwordsIn],
  ["parseJson", parseJson],
];

// Quadratic work over it takes hours where this takes milliseconds: the test's own time limit is the proof.
describe.each(WORK)("a quarter of a megabyte of each hostile shape ends: %s", (_, run) => {
  test("all shapes", () => {
    remember("k4n4Ry!x");
    for (const shape of SHAPES) run(shape.repeat(A_QUARTER / shape.length));
  }, 60_000);
});

test("and where a message is compared with what was sent", () => {
  const sent = `select '${"password % a ".repeat(9_000)}'; do $$ begin ${"raise notice 'a % b % c', x; ".repeat(5_000)} end $$`;
  const notices = noticesOf({ text: sent });
  for (const shape of ["a ", "a b ", "'", '"', '"a" ', "a1 ", "password "])
    notices.withoutData({ message: shape.repeat(A_QUARTER / shape.length), routine: "exec_stmt_raise" });
}, 60_000);

test("what is shown says how much more there is, once", () => {
  const once = shortened("x".repeat(MEGABYTE));
  expect(once.length).toBeLessThanOrEqual(MOST_CHARACTERS);
  const [, more] = /… \((\d+) more characters\)$/.exec(once) ?? [];
  expect(Number(more) + once.indexOf("…")).toBe(MEGABYTE);
  const twice = shortened(`in a.sql: ${once}`);
  const [, left] = /^.{9}[^…]*… \((\d+) more characters\)$/s.exec(twice) ?? [];
  expect(Number(left) + twice.indexOf("…")).toBe(MEGABYTE + 10);
});
