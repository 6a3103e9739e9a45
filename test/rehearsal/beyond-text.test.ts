/** What a rehearsal finds where a linter of texts finds nothing, in the same files. */
import { join } from "node:path";
import { vi } from "vitest";
import { findSquawk, runSquawk } from "../../src/analysis/squawk/program.ts";
import { commandIn, type Json } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { folderOf, writeFiles } from "../support/target.ts";
import { BEYOND_TEXT } from "./beyond-text.ts";

// Each call makes servers of its own, which a busy machine takes its time for.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

/** Squawk wants these in each file. Every run sets the timeouts itself, and a step is one transaction. */
const OF_EVERY_FILE = [
  "require-timeout-settings",
  "require-lock-timeout",
  "require-statement-timeout",
  "prefer-robust-stmts",
];

const idOf = (index: number) => `${1001 + index}_case`;

test("Squawk finds nothing in these files", async () => {
  const program = findSquawk(join(import.meta.dirname, "..", ".."));
  expect(program).not.toBeNull();
  const { signal } = new AbortController();
  const found = await runSquawk(
    BEYOND_TEXT.map(({ text }) => text),
    { program: program ?? "", inTransaction: true, server: 18, include: [], signal },
  );
  const told = found.map((findings) =>
    findings.map(({ rule_name }) => rule_name).filter((rule) => !OF_EVERY_FILE.includes(rule)),
  );
  expect(told).toEqual(BEYOND_TEXT.map(() => []));
});

test("a rehearsal finds each of them, with its reason", async ({ db }) => {
  const folder = folderOf({
    "migrations/0001_present.sql": BEYOND_TEXT.map(({ present }) => present).join("\n"),
  });
  const godwit = commandIn({ folder, url: db.url });
  await godwit("up");
  writeFiles(
    folder,
    Object.fromEntries(BEYOND_TEXT.map(({ text }, index) => [`migrations/${idOf(index)}.sql`, text])),
  );
  const { json } = await godwit.fails(1, "rehearse", "--json");
  expect(json.counts).toMatchObject({ notRehearsed: 0, notUnderstood: 0 });
  const steps = new Map(json.steps.map((step: Json) => [step.revision, step]));
  for (const [index, { name, risk, why }] of BEYOND_TEXT.entries()) {
    const step = steps.get(idOf(index)) as Json;
    expect(step.risk, name).toBe(risk);
    const { statements } = step;
    const graver = statements.filter((one: Json) =>
      risk === null ? one.state === "failed" : one.risk === risk,
    );
    expect(graver.map((one: Json) => one.why).join("\n"), name).toContain(why);
  }
});

test("there are at least fifteen, each with a name and tables of its own", () => {
  expect(BEYOND_TEXT.length).toBeGreaterThanOrEqual(15);
  expect(new Set(BEYOND_TEXT.map(({ name }) => name)).size).toBe(BEYOND_TEXT.length);
});
