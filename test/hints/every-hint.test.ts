/** Every command in a hint, followed, leads on: the situation is made, the printed command runs, and its promise holds. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../scripts/fresh.mjs";
import { COMMANDS } from "../../src/cli/commands.ts";
import { expect, test } from "../support/database.ts";
import { follow } from "../support/follow.ts";
import { bareCommands, hintedCommands } from "../support/hinted.ts";
import { BESIDE_APP } from "./rows/beside-app.ts";
import { CORE } from "./rows/core.ts";
import { ELSEWHERE, MENTIONED } from "./rows/elsewhere.ts";
import { IMAGES } from "./rows/images.ts";
import { LAYOUTS } from "./rows/layouts.ts";
import { LEDGER } from "./rows/ledger.ts";
import { NEXT } from "./rows/next.ts";
import { REPAIR } from "./rows/repair.ts";
import { RUN } from "./rows/run.ts";
import { SCRIPTS } from "./rows/scripts.ts";
import { SURROUNDINGS } from "./rows/surroundings.ts";
import { TOOLS } from "./rows/tools.ts";

const ROWS = {
  ...BESIDE_APP,
  ...CORE,
  ...IMAGES,
  ...LAYOUTS,
  ...LEDGER,
  ...NEXT,
  ...REPAIR,
  ...RUN,
  ...SCRIPTS,
  ...SURROUNDINGS,
  ...TOOLS,
};

const NAMES = COMMANDS.flatMap(({ name, aliases = [] }) => [name, ...aliases]);

test("every command in a text stands between backticks, unless it is what the text is about", () => {
  expect(bareCommands(NAMES)).toEqual([]);
});

test("every command that a hint names is followed here, or in a test that is named", () => {
  const inSources = hintedCommands(NAMES).map(({ key }) => key);
  const followed = [
    ...Object.values(ROWS).flatMap(({ hints }) => hints),
    ...Object.keys(ELSEWHERE),
    ...MENTIONED,
  ];
  expect(inSources.filter((key) => !followed.includes(key))).toEqual([]);
  expect(followed.filter((key) => !inSources.includes(key))).toEqual([]);
});

test("every test that follows a hint elsewhere exists", () => {
  for (const [hint, { file, title }] of Object.entries(ELSEWHERE))
    expect(readFileSync(join(root, file), "utf8"), hint).toContain(title);
});

test.for(Object.entries(ROWS))("%s", async ([, row], { db }) => follow(row, db));
