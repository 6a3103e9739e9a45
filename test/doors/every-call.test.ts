/** Every call of a migrator is an act, and every act is in a scene that runs through both doors. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createMigrator } from "../support/watched.ts";

/** Calls without a command that gives the same answer, and why. */
const ALONE: Readonly<Record<string, string>> = {
  close: "the command ends",
  repairConfirmation:
    "the command asks it as a question on a terminal: `hints/rows/repair.ts` and `tools/command.test.ts`",
};

const folder = import.meta.dirname;
const acts = readFileSync(join(folder, "../support/acts.ts"), "utf8")
  .split(/^export const /m)
  .slice(1);
const scenes = readdirSync(folder)
  .filter((name) => /^same.*\.test\.ts$/.test(name))
  .map((name) => readFileSync(join(folder, name), "utf8"))
  .join("\n");

/** By the call that it makes: the names of acts that a scene uses. */
const used = acts.flatMap((text) => {
  const [act = ""] = /^\w+/.exec(text) ?? [];
  const [, call = ""] = /\bcall: [\s\S]*?\bm\.([\w.]+)\(/.exec(text) ?? [];
  // Once in an import, and once in a scene.
  return scenes.split(new RegExp(`\\b${act}\\b`)).length > 2 ? [call] : [];
});

test("every call runs through both doors", async () => {
  await using migrator = createMigrator({ environment: {} });
  const calls = Object.entries(migrator).flatMap(([name, value]) =>
    typeof value === "function" ? [name] : Object.keys(value).map((inner) => `${name}.${inner}`),
  );
  expect(calls.length).toBeGreaterThan(30);
  expect(calls.filter((name) => !used.includes(name) && ALONE[name] === undefined)).toEqual([]);
});
