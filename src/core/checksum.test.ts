import fc from "fast-check";
import { expect, test } from "vitest";
import { canonicalText, checksum, fingerprint, fingerprintsWithin } from "./checksum.ts";

// These hashes are stored in ledgers. Changing them would make every applied migration look edited.
test("golden hashes", () => {
  expect(checksum("")).toBe("sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  expect(checksum("select 1;\n")).toBe(
    "sha256:4a45092ccf992ea92250053a80b931b787924ba61648f420555511b84f10ab6c",
  );
  expect(checksum("-- größe 😀\nselect 'ä';\n")).toBe(
    "sha256:551008c79631b0dd5639ac9d672fa34adebfa578aefbf19948af2b5d0d58cf9e",
  );
  expect(fingerprint("")).toBe("tokens:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  expect(fingerprint("CREATE TABLE \"T\" (a int); -- x\nselect E'\\'', $$ b  c $$, größe->>'k';\n")).toBe(
    "tokens:d5f5dd7cd20a428b751e945e27351b447c3ce69274ab3435d9d8865274cd0465",
  );
});

test("line ends and the byte order mark do not count", () => {
  expect(canonicalText("\ufeffa\r\nb\rc\n\r\n\n")).toBe("a\nb\nc\n\n\n");
  expect(checksum("\ufeffselect\r\n1;\r")).toBe(checksum("select\n1;\n"));
  expect(checksum("select 1;")).not.toBe(checksum("select 1;\n"));
});

test("the fingerprint tells texts apart that mean different things", () => {
  const texts = [
    "a b",
    "ab",
    "a;b",
    '"a" b',
    "'a' b",
    "'a b'",
    "'A b'",
    "'a  b'",
    "$$a b$$",
    "$x$a b$x$",
    "a -b",
    "a - -b",
    "a--b",
  ];
  expect(new Set(texts.map(fingerprint)).size).toBe(texts.length);
  expect(fingerprint("SELECT A")).toBe(fingerprint("select\n\ta -- a\n"));
  expect(fingerprint("Ä")).not.toBe(fingerprint("ä"));
});

test("inserted comments and white space do not change the fingerprint", () => {
  const token = fc.constantFrom(
    ..."select a \"B\" 'c' E'\\'' $$d;$$ $1 1.5 ( ) , ; :: @- - + * = ->> größe end".split(" "),
  );
  const blank = fc.constantFrom(" ", "\t", "\n ", "\r\n", " /* x; */ ", " -- y'\n", " /* /* $$ */ */ ", "  ");
  // The server joins two literals that are separated by a line break.
  const words = fc
    .array(token, { minLength: 1 })
    .map((all) => all.filter((one, at) => !(one.endsWith("'") && all[at - 1]?.endsWith("'"))));
  fc.assert(
    fc.property(words, fc.array(blank, { minLength: 1 }), (tokens, blanks) => {
      const spread = tokens.map((one, at) => `${blanks[at % blanks.length]}${one}`).join("");
      expect(fingerprint(spread)).toBe(fingerprint(tokens.join(" ")));
    }),
    { numRuns: 500 },
  );
});

test("what was put together is found in the whole, wherever its parts end", () => {
  const parts = [
    "create table a ();",
    "insert into a values (';');\nselect 1",
    "create function f() begin atomic select 1; end;",
  ];
  const wanted = new Set(parts.map(fingerprint));
  const whole = `-- all\n${parts.map((part) => part.replace(/;?$/, ";")).join("\n")}\nselect 2;`;
  expect(fingerprintsWithin(whole, wanted)).toEqual(wanted);
  expect(
    fingerprintsWithin(`${parts[0]} ${parts[2]}`, new Set([fingerprint(`${parts[0]} ${parts[2]}`)])),
  ).toEqual(new Set());
  expect(fingerprintsWithin("create table a (n int); create table b ();", wanted)).toEqual(new Set());
});

test("statements that may run twice are no sign that a text holds another one", () => {
  for (const text of [
    "create extension if not exists pgcrypto;",
    "notify pgrst, 'reload schema'",
    "create or replace view v as select 1; grant select on v to r;",
  ])
    expect(fingerprintsWithin(`select 1; ${text}; select 2;`, new Set([fingerprint(text)]))).toEqual(
      new Set(),
    );
});
