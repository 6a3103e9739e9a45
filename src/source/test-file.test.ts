import { expect, test } from "vitest";
import { isTestAmong, parseTestFile } from "./test-file.ts";

const textsOf = (text: string) => {
  const { sections, problems } = parseTestFile(text, "a.test.sql");
  const each = Object.entries(sections).map(([name, all]) => [name, all.map((one) => one.text)]);
  return { ...Object.fromEntries(each), problems: problems.length };
};

test("a comment with one word begins a section, and nothing else does", () => {
  expect(
    textsOf(`select 0;
-- BEFORE
select 1; -- after
-- before we begin
select '
-- after
';
-- godwit: after
select 2
-- reverted
, 3;
-- reverted
select 4;`),
  ).toEqual({
    before: ["select 1", "select '\n-- after\n'"],
    after: ["select 0", "select 2\n-- reverted\n, 3"],
    reverted: ["select 4"],
    problems: 0,
  });
});

test("a word that is nearly one is a mistake", () => {
  expect(textsOf("-- revertd\nselect 1;")).toMatchObject({ after: ["select 1"], problems: 1 });
  expect(textsOf("-- customers\nselect 1;")).toMatchObject({ problems: 0 });
});

test("a file is the test of a migration that is beside it, and of none else", () => {
  const isTest = isTestAmong([
    ...["0001_a.sql", "0001_a.test.sql", "0002_b.up.sql", "0002_b.down.sql", "0002_b.test.sql"],
    ...["0003_c.ts", "0003_c.test.sql", "0004_alone.test.sql", "V1.2__x.sql", "V1.2__x.test.sql"],
    ...["migration.sql", "migration.test.sql", "0005_e.test.ts"],
  ]);
  const tests = ["0001_a", "0002_b", "0003_c", "V1.2__x", "migration"].map((stem) => `${stem}.test.sql`);
  expect(tests.filter((name) => !isTest(name))).toEqual([]);
  expect(["0001_a.sql", "0004_alone.test.sql", "0005_e.test.ts"].filter(isTest)).toEqual([]);
});
