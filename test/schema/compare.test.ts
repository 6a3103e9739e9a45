/** Each change of a schema is found, as what it is and as nothing else. */
import { expect, test } from "../support/database.ts";
import { majorVersion } from "../support/version.ts";
import { OBJECT_CHANGES } from "./object-changes.ts";
import { around, connectionTo, described } from "./snapshots.ts";
import { TABLE_CHANGES } from "./table-changes.ts";

test("each change is found as what it is, and as nothing else", { timeout: 600_000 }, async ({ db }) => {
  await using connection = await connectionTo(db.adminUrl);
  const found: Record<string, readonly string[]> = {};
  const expected: Record<string, readonly string[]> = {};
  for (const change of [...TABLE_CHANGES, ...OBJECT_CHANGES].filter(
    ({ since = 0 }) => since <= majorVersion(),
  )) {
    const [before, after] = await around(connection, change).catch((error: unknown) => {
      throw new Error(`${change.name}: ${error}`);
    });
    found[change.name] = described(before, after).map((line) => line.replace(/#[0-9a-f]{4}\b/g, "#HASH"));
    expected[change.name] = change.expected;
    expect(described(before, before)).toEqual([]);
  }
  expect(found).toEqual(expected);
});
