/** Squawk is the judge: what its own command reports of a file, we report at the same place. */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createFolder } from "../../source/folder.fixture.ts";
import { below, lintFiles } from "../lint.fixture.ts";
import { findSquawk } from "./program.ts";
import { SQUAWK_DEFAULTS, SQUAWK_RULES } from "./rules.ts";
import { PREFIX } from "./squawk.ts";

const program = findSquawk(import.meta.dirname);

/** No rule of Squawk is off, and each has the same level. */
const ALL = Object.fromEntries(
  [...SQUAWK_DEFAULTS, ...SQUAWK_RULES.map(({ id }) => id)].map((id) => [PREFIX + id, "warning" as const]),
);
const OPT_IN = SQUAWK_RULES.flatMap(({ id, optIn }) => (optIn === true ? [id] : []));

interface Reported {
  readonly line: number;
  readonly column: number;
  readonly rule_name: string;
}

function judge(text: string, words: readonly string[]): readonly string[] {
  const folder = createFolder({});
  writeFileSync(join(folder, "a.sql"), text);
  const include = OPT_IN.map((rule) => `--include=${rule}`);
  let output = "";
  try {
    output = execFileSync(program ?? "", ["--reporter=json", ...include, ...words, "a.sql"], {
      cwd: folder,
      encoding: "utf8",
    });
  } catch (error) {
    output = (error as { readonly stdout: string }).stdout;
  }
  return (JSON.parse(output) as readonly Reported[]).map((each) => shown(each, text)).toSorted();
}

/** Its columns count bytes from 0, ours characters from 1. */
function shown({ line, column, rule_name }: Reported, text: string): string {
  const whole = Buffer.from(text.split("\n")[line] ?? "");
  const characters = [...whole.subarray(0, column).toString()].length;
  return `${line + 1}:${characters + 1} ${PREFIX}${rule_name}`;
}

async function ours(text: string, server: number | null = null): Promise<readonly string[]> {
  const { findings, squawk } = await lintFiles(below({ "0001_a.sql": text }), { levels: ALL, server });
  expect(squawk).toEqual({ used: true });
  return findings
    .filter(({ rule }) => rule.startsWith(PREFIX))
    .map(({ line, column, rule }) => `${line}:${column} ${rule}`)
    .toSorted();
}

const TEXTS: readonly (readonly [what: string, text: string])[] = [
  ["a table", "create table t (id serial primary key, a char(3), b varchar(9), c timestamp, d int);\n"],
  [
    "constraints",
    "alter table t add constraint f foreign key (a) references u (b);\nalter table t add check (a > 1), add unique (b);\n",
  ],
  [
    "columns",
    "alter table t add column a int not null;\n\n  alter table t alter column b type bigint, drop column c, alter column d drop not null;\n",
  ],
  [
    "renames and drops",
    "alter table t rename to u; alter table u rename column a to b;\ndrop table v;\ntruncate a cascade;\ndrop index i;\n",
  ],
  [
    "characters of several bytes",
    "/* 😀é漢 */ create index i on t (a);\n-- é\n\talter table t add column é int not null;\n",
  ],
  [
    "bodies in dollars",
    "create function f() returns int language sql as $x$ select 1; $x$;\ncreate index i on t (a);\n",
  ],
  ["its own comments", "-- squawk-ignore ban-drop-table\ndrop table a;\ndrop table b;\n"],
  ["an enum", "create type e as enum ('a');\nalter type e add value 'b';\n"],
];

test.skipIf(program === null).each(TEXTS)("%s: in a transaction", async (_, text) => {
  const judged = judge(text, ["--assume-in-transaction"]);
  expect(judged.length).toBeGreaterThan(0);
  expect(await ours(text)).toEqual(judged);
});

test.skipIf(program === null)("each statement by itself, and for the server's version", async () => {
  const text = "create index concurrently i on t (a);\nalter table t add column a int default random();\n";
  expect(await ours(text)).toEqual(judge(text, ["--no-assume-in-transaction"]));
  const old = "alter table t alter column a set not null;\n";
  expect(await ours(old, 11)).toEqual(judge(old, ["--assume-in-transaction", "--pg-version=11.0"]));
});

test.skipIf(program === null)("what it cannot parse hides nothing else", async () => {
  const text = "drop table a;\n\\d a\nselect from where;\ndrop table b;\n";
  const blank = text.replace("\\d a", "").replace("select from where;", "");
  expect(await ours(text)).toEqual(judge(blank, ["--assume-in-transaction"]));
});

test.skipIf(program === null)("every rule of our table is one of Squawk's", () => {
  for (const rule of [...SQUAWK_DEFAULTS, ...SQUAWK_RULES.map(({ id }) => id)])
    expect(() => judge("select 1;", [`--exclude=${rule}`]), rule).not.toThrow();
});
