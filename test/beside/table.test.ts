/**
 * Every tool and everything that can happen to its history: done by rule, asked, or refused by name, and never a second run.
 * What is found is the table in `docs/internals/tools.md`; `GODWIT_TEST_WRITE=1` writes it there.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe } from "vitest";
import { root } from "../../scripts/fresh.mjs";
import { GodwitError, type Problem, problemsOf } from "../../src/errors.ts";
import { adopt } from "../../src/run/adopt.ts";
import { dryRun } from "../../src/run/dry-run.ts";
import type { Target } from "../../src/run/session/target.ts";
import { preview, statusOf } from "../../src/run/status.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { folderOf, recorder, targetOf, UP, up, writeFiles } from "../support/target.ts";
import { TOOL_TABLES, type ToolTable } from "../support/tool-tables.ts";
import { targetIn } from "../support/tools.ts";

interface Scene {
  readonly db: TestDatabase;
  readonly one: ToolTable;
  readonly target: Target;
  readonly row: (n: number) => Promise<string>;
}

/** What happens after the first two were adopted and a third of ours is pending; then we run. */
const EVENTS: Readonly<Record<string, (scene: Scene) => Promise<boolean>>> = {
  "nothing happens": async () => true,
  "it applies the next": async ({ db, row }) => {
    await db.sql(`insert into effects values (3); ${await row(3)}`);
    return true;
  },
  "it takes one back": async ({ db, one }) => {
    await db.sql(`delete from effects where n = 2; ${one.unrow(2)}`);
    return true;
  },
  "it applies what has no file": async ({ db, row }) => {
    await db.sql(await row(5));
    return true;
  },
  "it applies what we did": async ({ db, target, row }) => {
    await up(target);
    // Where we have written its row, its key refuses another.
    return db.sql(await row(3)).then(
      () => true,
      () => false,
    );
  },
  "its table is moved": async ({ db, one }) => {
    await db.sql(`create schema elsewhere; alter table ${one.schema}.${one.name} set schema elsewhere`);
    return true;
  },
  "its table is dropped": async ({ db, one }) => {
    await db.sql(`drop table ${one.schema}.${one.name}`);
    return true;
  },
  "it fails half-way": async ({ db, one }) => {
    if (one.failed === undefined) return false;
    await db.sql(one.failed);
    return true;
  },
};

const found = new Map<string, Map<string, string>>();

describe("after it was adopted, each tool", () => {
  test.for(TOOL_TABLES)("$tool", { timeout: 120_000 }, async (one, { db }) => {
    const cells = new Map<string, string>();
    for (const [event, happens] of Object.entries(EVENTS)) cells.set(event, await outcome(db, one, happens));
    found.set(one.tool, cells);
    // What is run twice fails, for its effect is there.
    expect(
      [...cells.values()].filter((cell) => /STEP_FAILED|internal/.test(cell)),
      one.tool,
    ).toEqual([]);
  });
});

async function outcome(
  db: TestDatabase,
  one: ToolTable,
  happens: (scene: Scene) => Promise<boolean>,
): Promise<string> {
  await db.sql(`drop schema if exists godwit cascade; drop schema public cascade; create schema public;
    drop schema if exists elsewhere, drizzle, sqitch, graphile_migrate, supabase_migrations cascade;
    create table effects (n int primary key); insert into effects values (1), (2); ${one.create}`);
  const folder = folderOf({});
  writeFiles(folder, one.files([1, 2, 3]));
  const options = { url: db.url, folder };
  const target = one.layout === "plain" ? targetOf(options) : await targetIn(one.layout, options);
  const { migrations } = await target.source.list();
  const row = async (n: number) => one.row(n, one.layout === "plain" ? undefined : migrations[n - 1]);
  for (const n of [1, 2]) await db.sql(await row(n));
  await adopt(target, { assume: false, dryRun: false }, recorder());
  if (!(await happens({ db, one, target, row }))) return "";
  return describeRun(target);
}

async function describeRun(target: Target): Promise<string> {
  const looks = await looksAt(target);
  try {
    const { steps, warnings } = await up(target);
    for (const [door, said] of Object.entries(looks)) expect(said, door).toEqual(warnings.map(text));
    // Told of every tool that is not kept in step.
    const said = warnings.map(({ code }) => code).filter((code) => code !== "ADOPT_UNTOLD");
    const done = steps.length === 0 ? "nothing to do" : "goes on";
    return said.length === 0 ? done : `${done}, warns (${[...new Set(said)].join(", ")})`;
  } catch (error) {
    if (!(error instanceof GodwitError)) return `internal: ${error}`;
    const problems = problemsOf(error).map(text);
    // Behind the problems, `status` says what it would warn of.
    for (const [door, said] of Object.entries(looks))
      expect(door === "status" ? said.slice(0, problems.length) : said, door).toEqual(problems);
    const code = problemsOf(error)[0]?.code ?? "internal";
    return `${code === "ADOPT_NEEDED" ? "asks" : "refuses"} (${code})`;
  }
}

const text = ({ code, message }: Problem) => `${code} ${message}`;

/** What those who only look say of the same state: what `up` warns of, or refuses. */
async function looksAt(target: Target): Promise<Readonly<Record<string, readonly string[]>>> {
  const wanted = { ...UP, imports: async () => [] };
  const said = async (look: Promise<{ readonly warnings: readonly Problem[] }>) => {
    const found = await look.then(
      ({ warnings }) => warnings,
      (error: unknown) => problemsOf(error as GodwitError),
    );
    return found.map(text);
  };
  const { problems, warnings } = await statusOf(target, wanted, recorder());
  return {
    status: [...problems, ...warnings].map(text),
    plan: await said(preview(target, UP, recorder())),
    "up --dry-run": await said(dryRun(target, wanted, recorder())),
  };
}

test("the page has this table", () => {
  const page = join(root, "docs/internals/tools.md");
  const text = readFileSync(page, "utf8");
  const [head, tail] = ["<!-- events -->\n", "<!-- end of events -->\n"];
  const start = text.indexOf(head) + head.length;
  const end = text.indexOf(tail);
  const table = tableOf();
  if (process.env.GODWIT_TEST_WRITE === "1")
    writeFileSync(page, text.slice(0, start) + table + text.slice(end));
  else expect(text.slice(start, end)).toBe(table);
});

/** Tools that answer everything alike share a row. */
function tableOf(): string {
  const rows = new Map<string, string[]>();
  for (const [tool, cells] of found) {
    const key = [...cells.values()].map((cell) => cell || "-").join(" | ");
    rows.set(key, [...(rows.get(key) ?? []), tool]);
  }
  const events = Object.keys(EVENTS);
  const lines = [...rows].map(([cells, tools]) => `| ${tools.join(", ")} | ${cells} |`);
  return `| | ${events.join(" | ")} |\n|${" --- |".repeat(events.length + 1)}\n${lines.join("\n")}\n`;
}
