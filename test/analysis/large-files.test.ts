/** Files of many megabytes and with thousands of findings are linted in a time that grows with their size alone. */
import { expect, test } from "vitest";
import { below, lintFiles } from "../../src/analysis/lint.fixture.ts";

const INDEX = "create index i on t (a);";
const RULE = "index-without-concurrently";
const WAIVER = `-- godwit: lint-ignore=${RULE} reason="ten rows"`;

test("ten megabytes are read once, whatever is in them", { timeout: 300_000 }, async () => {
  const line = `insert into t values (1, '${"text; ".repeat(200)}');\n`;
  const many = line.repeat(Math.ceil((10 * 1024 * 1024) / line.length));
  const report = await lintFiles(below({ "0001_a.sql": `${many}${INDEX}\n` }));
  expect(report.statements).toBe(many.length / line.length + 1);
  expect(report.findings.map(({ rule }) => rule)).toEqual([RULE]);
});

test("thousands of findings, tables and waivers cost what as many lines cost", {
  timeout: 300_000,
}, async () => {
  const many = 5_000;
  const text = `create table a (x bigint);\n${WAIVER}\n${INDEX}\n`.repeat(many);
  const report = await lintFiles(below({ "0001_a.sql": text }));
  expect([report.statements, report.waived, report.findings.length]).toEqual([2 * many, many, 0]);
});
