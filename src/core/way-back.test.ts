import { expect, test } from "vitest";
import { entry, historyOf, migration, revision } from "./fixtures.ts";
import { graphOf } from "./graph.ts";
import type { HistoryEntry } from "./history.ts";
import type { Migration } from "./migration.ts";
import { wayBackOf } from "./way-back.ts";

const stopped = (of: Migration) => entry(of, { state: "reverting" });

function wayBack(files: readonly Migration[], ...applied: readonly (Migration | HistoryEntry)[]): string {
  const history = historyOf(...applied);
  const { revision: id = "" } = history.entries.find(({ state }) => state === "reverting") ?? {};
  return wayBackOf(id, { graph: graphOf(files), history });
}

const [a, b, c, d] = ["0001_a", "0002_b", "0003_c", "0004_d"].map((id) => migration(id)) as [
  Migration,
  Migration,
  Migration,
  Migration,
];

test("the last one applied is one step back", () => {
  expect(wayBack([a, b], a, stopped(b))).toBe("`godwit down -1`");
});

test("with one of another branch applied behind it, it is its parent, which stays", () => {
  const [r, x, y, z] = [revision("r", ""), revision("x", "r"), revision("y", "x"), revision("z", "r")];
  expect(wayBack([r, x, y, z], r, x, stopped(y), z)).toBe("`godwit down x`");
});

test("what goes with it is named", () => {
  const [r, x, z] = [revision("r", ""), revision("x", "r"), revision("z", "r")];
  expect(wayBack([r, x, z], r, stopped(x), z)).toBe("`godwit down r` (it also takes back z)");
  expect(wayBack([r, x, z], stopped(x), z)).toBe("`godwit down base` (it also takes back z)");
});

test("in a line, a late one behind it goes too where it stands above, and stays where it does not", () => {
  expect(wayBack([a, b, c], a, stopped(c), b)).toBe("`godwit down 0002_b`");
  expect(wayBack([a, b, c, d], a, stopped(b), d, c)).toBe(
    "`godwit down 0001_a` (it also takes back 0004_d, 0003_c)",
  );
});

test("a repeatable is finished by one that takes nothing back", () => {
  const view = migration("view", { kind: "repeatable" });
  expect(wayBack([a, b, view], a, b, stopped(view))).toBe("`godwit down 0002_b`");
  expect(wayBack([a, b, view], stopped(view))).toBe("`godwit down base`");
});
