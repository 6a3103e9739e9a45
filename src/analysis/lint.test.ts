/** What is read, where it is found, and what comments take out. */
import { describe, expect, test } from "vitest";
import { below, lintFiles, shownFinding } from "./lint.fixture.ts";

const INDEX = "create index i on t (a);";
const RULE = "index-without-concurrently";
const WAIVER = `-- godwit: lint-ignore=${RULE} reason="ten rows"`;

async function found(files: Parameters<typeof below>[0], server: number | null = null) {
  const report = await lintFiles(below(files), { server });
  return report.findings.filter(({ level }) => level !== "hint").map(shownFinding);
}

describe("positions", () => {
  test.each([
    ["CRLF", `select 1;\r\n\r\n  ${INDEX}\r\n`, "3:3"],
    ["a byte order mark", `\ufeffselect 1;\n${INDEX}\n`, "2:1"],
    ["a byte order mark in the first line", `\ufeff${INDEX}\n`, "1:1"],
    ["wide characters and combining ones before it", `/* 😀é e\u0301 漢 */ ${INDEX}`, "1:15"],
    ["a tab before it", `\t${INDEX}`, "1:2"],
    ["a body in dollars before it", `do $x$ begin\nperform 1;\nend $x$; ${INDEX}`, "3:10"],
    ["a section", `-- migrate:up\nselect 1;\n${INDEX}\n-- migrate:down\nselect 2;\n`, "3:1"],
    ["no line break at the end", `-- a\n\n${INDEX}`, "3:1"],
  ])("count characters: %s", async (_, text, place) => {
    expect(await found({ "0001_a.sql": text })).toEqual([`0001_a.sql:${place} ${RULE}`]);
  });

  test("the excerpt has its caret under the statement, and the end of it is known", async () => {
    const { findings } = await lintFiles(
      below({ "0001_a.sql": "select 1; create index i\n  on t\n  (a);\n" }),
    );
    expect(findings).toMatchObject([
      { line: 1, column: 11, endLine: 3, direction: "up", revision: "0001_a" },
    ]);
    expect(findings[0]?.excerpt).toBe("  1 | select 1; create index i\n    |           ^");
  });

  test("the way down is linted, in its own file too", async () => {
    const down = { "0001_a.up.sql": "select 1;", "0001_a.down.sql": `select 1;\n${INDEX}` };
    expect(await found(down)).toEqual([`0001_a.down.sql:2:1 ${RULE}`]);
    const section = `-- migrate:up\nselect 1;\n-- migrate:down\n${INDEX}\n`;
    expect(await found({ "0001_a.sql": section })).toEqual([`0001_a.sql:4:1 ${RULE}`]);
  });
});

describe("what was not understood is counted", () => {
  test.each([
    ["a command of psql", `\\d t\n${INDEX}\n`, 1],
    ["a placeholder without a value", `select * from \${t};\n${INDEX}\n`, 1],
    ["a syntax error", `selec 1;\n${INDEX}\n`, 1],
    ["rows of COPY", `copy t from stdin;\n1\t';\n2\t$$\n\\.\n${INDEX}\n`, 1],
    [
      "rows of two",
      `COPY a FROM stdin;\n\\.\nselect 1;\ncopy b (x) from stdin;\ndrop table z;\n\\.\n${INDEX}\n`,
      2,
    ],
    ["a long statement", `select '${"x".repeat(300_000)}';\n${INDEX}\n`, 1],
  ])("%s, and what stands beside it is linted", async (_, text, unread) => {
    const report = await lintFiles(below({ "0001_a.sql": text }));
    expect(report.notUnderstood.length).toBe(unread);
    expect(report.findings.map(({ rule }) => rule)).toEqual([RULE]);
  });

  test("a module, whose statements are known when it runs", async () => {
    const files = { "0001_a.ts": "export async function up({ sql }) { await sql`drop table a`; }\n" };
    const { notUnderstood, statements, findings } = await lintFiles(below(files));
    expect([notUnderstood.length, statements, findings]).toEqual([1, 0, []]);
  });

  test.each([
    ["empty", ""],
    ["only comments", "-- nothing\n/* here */\n"],
    ["only semicolons", ";;;\n"],
  ])("%s: a note, and no statement", async (_, text) => {
    const report = await lintFiles(below({ "0001_a.sql": text, "0002_b.sql": "select 1;" }));
    expect(report.statements).toBe(1);
    expect(report.findings.map(({ rule }) => rule)).toEqual(["file-note"]);
  });

  test.each([
    ["binary", new Uint8Array([0, 1, 2, 255, 254, 0x3b])],
    ["not UTF-8", new Uint8Array([0x73, 0xe9, 0x3b])],
  ])("%s: the file is broken, and the others are linted", async (_, bytes) => {
    const report = await lintFiles(below({ "0001_a.sql": bytes, "0002_b.sql": INDEX }));
    expect(report.findings.map(({ rule }) => rule)).toEqual(["broken-file", RULE]);
  });
});

describe("waivers", () => {
  const rulesIn = async (text: string) => {
    const { findings, waived } = await lintFiles(below({ "0001_a.sql": text }));
    return { rules: findings.map(({ line, rule }) => `${line} ${rule}`), waived };
  };

  test.each([
    ["above the first statement", `${WAIVER}\n${INDEX}\n${INDEX}\n`, [`3 ${RULE}`], 1],
    ["above a later one", `select 1;\n${WAIVER}\n${INDEX}\n`, [], 1],
    ["for the file, in its header", `${WAIVER}\n\n${INDEX}\n${INDEX}\n`, [], 2],
    ["above a marker, for the file", `${WAIVER}\n-- migrate:up\n${INDEX}\n${INDEX}\n`, [], 2],
    ["below a marker, for the statement", `-- migrate:up\n${WAIVER}\n${INDEX}\n${INDEX}\n`, [`4 ${RULE}`], 1],
    ["in a block comment", `select 1;\n/* godwit: lint-ignore=${RULE} reason="x" */\n${INDEX}\n`, [], 1],
    [
      "of several rules",
      `select 1;\n-- godwit: lint-ignore=${RULE},no-way-back reason="x"\n${INDEX}\n`,
      ["2 waiver-unused"],
      1,
    ],
    ["with the settings of a run", `-- godwit: lock-timeout=1s\n${WAIVER}\n${INDEX}\n`, [], 1],
  ])("%s", async (_, text, rules, waived) => {
    expect(await rulesIn(text)).toEqual({ rules, waived });
  });

  test.each([
    ["without a reason", `-- godwit: lint-ignore=${RULE}\n${INDEX}\n`, ["1 waiver-reason", `2 ${RULE}`]],
    [
      "with an empty one",
      `-- godwit: lint-ignore=${RULE} reason=" "\n${INDEX}\n`,
      ["1 waiver-reason", `2 ${RULE}`],
    ],
    ["unused", `${WAIVER}\nselect 1;\n`, ["1 waiver-unused"]],
    ["at the end", `${INDEX}\n${WAIVER}\n`, [`1 ${RULE}`, "2 waiver-unused"]],
    [
      "of no rule",
      `-- godwit: lint-ignore=no-such reason="x"\n${INDEX}\n`,
      ["1 waiver-unknown", `2 ${RULE}`],
    ],
    ["in a literal", `select '\n${WAIVER}\n';\n${INDEX}\n`, [`4 ${RULE}`]],
  ])("%s: counts for nothing, and is named", async (_, text, rules) => {
    expect(await rulesIn(text)).toEqual({ rules, waived: 0 });
  });

  test("Squawk's rules are waived by theirs and by ours", async () => {
    const text = "create table t (a char(3));\n";
    expect((await rulesIn(text)).rules).toEqual(["1 squawk/ban-char-field"]);
    expect((await rulesIn(`-- squawk-ignore ban-char-field\n${text}`)).rules).toEqual([]);
    const ours = `-- godwit: lint-ignore=squawk/ban-char-field reason="as in the standard"\n${text}`;
    expect(await rulesIn(ours)).toEqual({ rules: [], waived: 1 });
  });

  test("in a module", async () => {
    const module = (waiver: string) => ({
      "src/shop.ts": "export const a = 1;\n",
      "migrations/0001_a.ts": `${waiver}import { a } from "../src/shop.ts";\nexport async function up() { return a; }\n`,
    });
    const rules = async (waiver: string) =>
      (await lintFiles(module(waiver))).findings.map(({ rule }) => rule);
    expect(await rules("")).toEqual(["application-import"]);
    expect(await rules('// godwit: lint-ignore=application-import reason="it is frozen"\n')).toEqual([]);
    expect(await rules("// godwit: lint-ignore=application-import\n")).toEqual([
      "waiver-reason",
      "application-import",
    ]);
  });
});

test("a password is in no excerpt, and the caret stays where it belongs", async () => {
  const text = "create role a password 'correct horse'; create index i on t (a);\n";
  const { findings } = await lintFiles(below({ "0001_a.sql": text }));
  expect(findings).toMatchObject([{ column: 41 }]);
  expect(findings[0]?.excerpt).toBe(
    "  1 | create role a password '***'; create index i on t (a);\n    |                               ^",
  );
});

test("a way down may drop all the tables that its way up has made", async () => {
  const text =
    "-- migrate:up\ncreate table a (); create table b ();\n-- migrate:down\ndrop table a; drop table b;\n";
  expect(await found({ "0001_a.sql": text })).toEqual([]);
  const up = "-- godwit: phase=contract\ndrop table a; drop table b;\n";
  expect(await found({ "0001_a.sql": up })).toEqual(["0001_a.sql:2:15 several-hot-tables"]);
});

test("a table that an earlier migration of the same run creates is used by nobody", async () => {
  const files = below({ "0001_a.sql": "create table t (a int);\n", "0002_b.sql": `${INDEX}\n` });
  const rules = async (together: boolean) =>
    (await lintFiles(files, { together })).findings.map(({ rule }) => rule).filter((rule) => rule === RULE);
  expect([await rules(true), await rules(false)]).toEqual([[], [RULE]]);
});

test("a waiver is not without use because a database has none of the tables yet", async () => {
  const files = below({ "0001_a.sql": "create table t (a int);\n", "0002_b.sql": `${WAIVER}\n${INDEX}\n` });
  for (const together of [true, false]) {
    const { findings } = await lintFiles(files, { together });
    expect(findings.filter(({ file }) => file === "0002_b.sql")).toEqual([]);
  }
});

test("a level of the configuration counts, and off is off", async () => {
  const levels = { [RULE]: "error", "waiver-unused": "off" } as const;
  const { findings } = await lintFiles(below({ "0001_a.sql": `${INDEX}\n${WAIVER}\n` }), { levels });
  expect(findings.map(({ rule, level }) => [rule, level])).toEqual([[RULE, "error"]]);
  expect((await lintFiles(below({ "0001_a.sql": INDEX }), { levels: { [RULE]: "off" } })).findings).toEqual(
    [],
  );
});

test("a backfill is read with its window, and a feature by the server's version", async () => {
  const backfill = "-- godwit: backfill table=t key=id\nupdate t p set a = 1 where :window(p);\n";
  expect(await found({ "0001_a.sql": backfill })).toEqual([]);
  const merge = "merge into t using s on t.id = s.id when not matched then insert values (1);\n";
  expect(await found({ "0001_a.sql": merge }, 14)).toEqual(["0001_a.sql:1:1 newer-server"]);
  expect(await found({ "0001_a.sql": merge }, 15)).toEqual([]);
});
