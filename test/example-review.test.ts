/** The walk of CraftFlow's README through a change in a pull request, and its workflow, do what they say. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { vi } from "vitest";
import { root } from "../scripts/fresh.mjs";
import { expect, test } from "./support/database.ts";
import { example, OLD } from "./support/example.ts";
import { writeFiles } from "./support/target.ts";

// Each call makes a server of its own, which a busy machine takes its time for.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

const folderOfExample = join(root, "examples", "craftflow");
const SECTION = /## A change in a pull request\n([\s\S]*?)\n## /;

test.skipIf(OLD)("each command of the walk finds what the README says", async ({ db }) => {
  const [, walk = ""] = SECTION.exec(readFileSync(join(folderOfExample, "README.md"), "utf8")) ?? [];
  const [, text = ""] = /```sql\n([\s\S]*?)```/.exec(walk) ?? [];
  const commands = [...walk.matchAll(/^npx godwit (.*?)\s*#/gm)].map(([, words = ""]) => words.split(" "));
  expect(commands.map(([command]) => command)).toEqual(["plan", "lint", "rehearse", "test"]);

  const { godwit, folder } = example("craftflow", db);
  await godwit("up");
  writeFiles(folder, { "migrations/add_order_notes.sql": text });
  const said: Record<string, string> = {};
  for (const [command = "", ...words] of commands)
    said[command] = (await godwit.start(command, ...words).exits(command === "lint" ? 1 : 0)).stdout;
  expect(said.plan).toContain("apply add_order_notes");
  expect(said.lint).toContain("[index-without-concurrently]");
  expect(said.lint).not.toMatch(/update/i);
  expect(said.rehearse).toMatch(
    /update orders .*blocks reads\n +ACCESS EXCLUSIVE on public\.orders is held/i,
  );
  expect(said.rehearse).toMatch(/create index .*blocks reads/i);
  expect(said.test).toMatch(/✓ add_order_notes {2}up, down, up\n1 passed, 0 failed/);
});

test("the workflow runs the same commands", () => {
  const workflow = readFileSync(join(folderOfExample, ".github/workflows/review.yml"), "utf8");
  const commands = [...workflow.matchAll(/^ +run: godwit (\w+)/gm)].map(([, command]) => command);
  expect(commands).toEqual(["plan", "lint", "rehearse", "test"]);
});
