/** Each kind of change goes through diff, is applied, and is taken back. Our comparison is the judge of both. */
import type { Connection } from "../../src/database/connection.ts";
import { diffSchemas } from "../../src/diff/diff.ts";
import { TABLE_CHANGES } from "../schema/changes.ts";
import { ALL, connectionTo } from "../schema/snapshots.ts";
import { expect, test } from "../support/database.ts";
import { createDatabases } from "../support/databases.ts";
import { majorVersion } from "../support/version.ts";
import { NOT_EQUAL, outcomeOf } from "./outcomes.ts";

test("each kind of change is made and taken back, or refused with the reason", async ({ db }) => {
  const { names, drop } = await createDatabases(db, 3);
  try {
    const [present, desired, copy] = await Promise.all(
      names.map((name) => connectionTo(db.adminUrl.replace(/[^/]+$/, name))),
    );
    await using _present = present as Connection;
    await using _desired = desired as Connection;
    await using _copy = copy as Connection;
    const found: Record<string, readonly string[]> = {};
    const expected: Record<string, readonly string[]> = {};
    for (const { name, setup, change, since = 0 } of TABLE_CHANGES) {
      if (since > majorVersion()) continue;
      for (const one of [_present, _desired, _copy])
        await one.execute(
          `drop schema if exists s cascade; create schema s; set search_path = s; ${setup}; reset search_path`,
        );
      await _desired.execute(`set search_path = s; ${change}; reset search_path`);
      const ways = [];
      for (const goal of [_desired, _present])
        ways.push(await diffSchemas({ copy: _copy, desired: goal, compared: ALL }).catch(String));
      const [there, back] = ways.map(outcomeOf);
      if (process.env.SHOW_STATEMENTS !== undefined)
        console.log(`${name}\n${JSON.stringify(ways, ["statements", "text", "losesData"], 1)}`);
      found[name] = [...(there ?? []), ...(back ?? []).map((text) => `back: ${text}`)];
      expected[name] = NOT_EQUAL[name] ?? [];
    }
    expect(found).toEqual(expected);
  } finally {
    await drop();
  }
});
