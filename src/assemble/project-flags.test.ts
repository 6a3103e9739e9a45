import { expect, test } from "vitest";
import { loadConfig } from "../config/load.ts";
import { migrateOptions } from "./options.ts";

const flagsOf = async (flags: Readonly<Record<string, unknown>>, environment = {}) => {
  const config = await loadConfig({ flags, environment, file: {} });
  const name = "shop";
  const { projectFlags } = migrateOptions(config, "up", "heads");
  const ofTarget = { ...config, target: { name, schemas: null, schema: null } };
  return [projectFlags, migrateOptions(ofTarget, "up", "heads").projectFlags];
};

test("a command that is named is about the same project: what was given as a flag is said again", async () => {
  expect(await flagsOf({ dir: "my db/x", layout: "plain", ledgerSchema: "own" })).toEqual([
    " --dir 'my db/x' --layout plain --ledger-schema own",
    " --dir 'my db/x' --layout plain --ledger-schema own --target shop",
  ]);
});

test("what the environment says is there for the next command too", async () => {
  expect(await flagsOf({}, { GODWIT_DIR: "db" })).toEqual(["", " --target shop"]);
});
