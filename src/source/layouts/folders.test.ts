import { expect, test } from "vitest";
import { saysOutside } from "./folders.ts";

test.each([
  ["run_in_transaction = false", true],
  ["run_in_transaction = true", false],
  ["run_in_transaction=false # because of the index", true],
  ['"run_in_transaction" = false', true],
  // The tool's own rule: a file without the setting.
  ["", true],
  ["# nothing", true],
  ["other = 1", true],
  ["[table]\nrun_in_transaction = true", true],
  // A file that is not TOML counts as absent.
  ["run_in_transaction", false],
  ['run_in_transaction = "false"', false],
])("metadata.toml %j runs outside of a transaction: %s", (toml, outside) => {
  expect(saysOutside(toml)).toBe(outside);
});
