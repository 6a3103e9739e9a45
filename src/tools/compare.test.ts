import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { migration } from "../core/fixtures.ts";
import type { Migration } from "../core/migration.ts";
import { compare, type ToolEvent } from "./compare.ts";
import { DECISIONS } from "./decisions.ts";
import { golangMigrate } from "./golang-migrate.ts";
import { matchRows } from "./match.ts";
import { dbmate } from "./schema-migrations.ts";
import { type Ours, remembered, type Sets } from "./sets.ts";
import { history, type Tool, type ToolRow } from "./tool.ts";

const file = (id: string): Migration =>
  migration(id, { tool: { version: id.slice(0, 2), checksums: [], columns: {} } });
const FILES = ["01_a", "02_b", "03_c", "04_d"].map(file);
const row = (version: string): ToolRow => ({ keys: [version], name: version, checksum: null, at: null });

const NONE: Ours = {
  ...{ known: new Set(), applied: new Set(), adopted: new Set() },
  withoutFile: new Set(),
  takenOut: new Set(),
};
const ours = (...ids: readonly string[]): Ours => ({ ...NONE, known: new Set(ids), applied: new Set(ids) });

interface Given {
  readonly tool?: Tool;
  /** The versions that the tool's history holds now. */
  readonly now?: readonly string[];
  readonly seen?: readonly string[] | null;
  readonly ours?: Ours;
  readonly files?: readonly Migration[];
}

function setsOf({ tool = dbmate, now = [], seen = null, ours = NONE, files = FILES }: Given): Sets {
  const found = history(now.map(row));
  return { files, history: found, match: matchRows(tool, found, files), seen: seen && new Set(seen), ours };
}

const named = (given: Given) =>
  compare(setsOf(given)).map((event) => `${event.kind} ${"id" in event ? event.id : event.row.name}`);

describe("an event for each difference", () => {
  test("nothing, where the three agree", () => {
    expect(named({ now: ["01", "02"], seen: ["01_a", "02_b"], ours: ours("01_a", "02_b") })).toEqual([]);
    expect(named({})).toEqual([]);
  });

  test("they added, and took back", () => {
    expect(named({ now: ["01"] })).toEqual(["applied-there 01_a"]);
    expect(named({ now: ["01"], seen: ["01_a", "02_b"], ours: ours("01_a", "02_b") })).toEqual([
      "taken-back-there 02_b",
    ]);
    // We have reverted it as well.
    expect(named({ now: ["01"], seen: ["01_a", "02_b"], ours: ours("01_a") })).toEqual([]);
  });

  test("we added, and took back", () => {
    expect(named({ seen: [], ours: ours("01_a") })).toEqual(["missing-there 01_a"]);
    expect(named({ ours: ours("01_a") })).toEqual(["unremembered 01_a"]);
    // We know what we wrote, but not what else was there.
    const written = { ...setsOf({ now: ["01"], seen: ["01_a"], ours: ours("01_a", "02_b") }), looked: false };
    expect(compare(written)).toEqual([{ kind: "unremembered", id: "02_b" }]);
    const back = { ...ours("01_a"), takenOut: new Set(["02_b"]) };
    expect(named({ now: ["01", "02"], seen: ["01_a", "02_b"], ours: back })).toEqual(["taken-out-here 02_b"]);
    // The tool has applied it again since we last looked.
    expect(named({ now: ["01", "02"], seen: ["01_a"], ours: back })).toEqual(["applied-there 02_b"]);
  });

  test("both added", () => {
    expect(named({ now: ["01", "02"], seen: ["01_a"], ours: ours("01_a", "02_b") })).toEqual([
      "applied-by-both 02_b",
    ]);
  });

  test("rows without a file, new and known, and one that is a pending file by another name", () => {
    expect(named({ now: ["09"] })).toEqual(["without-file 09"]);
    const [event] = compare(setsOf({ now: ["09"], seen: ["09"] }));
    expect(event).toMatchObject({ kind: "without-file", isNew: false });
    expect(
      named({
        now: ["zz"],
        files: [file("zz")].map((one) => ({ ...one, tool: { ...one.tool, version: "01", checksums: [] } })),
      }),
    ).toEqual(["same-name zz"]);
  });

  test("a file that an older release does not have is neither gone nor forgotten", () => {
    const sets = setsOf({
      now: ["01", "02"],
      seen: ["01_a", "02_b"],
      ours: ours("01_a", "02_b"),
      files: [FILES[0] as Migration],
    });
    expect(compare(sets).map(({ kind }) => kind)).toEqual(["without-file"]);
    expect(remembered(sets)).toEqual(new Set(["01_a", "02", "02_b"]));
  });
});

describe("a number that implies what is below", () => {
  const tool = golangMigrate;
  test("is believed where the tool has come to it", () => {
    expect(named({ tool, now: ["3"] })).toEqual([
      "applied-there 01_a",
      "applied-there 02_b",
      "applied-there 03_c",
    ]);
    expect(named({ tool, now: ["3"], seen: ["01_a"], ours: ours("01_a") })).toEqual([
      "applied-there 02_b",
      "applied-there 03_c",
    ]);
    expect(named({ tool, now: ["9"], seen: ["01_a"], ours: ours("01_a") }).slice(0, 3)).toEqual([
      "applied-there 02_b",
      "applied-there 03_c",
      "applied-there 04_d",
    ]);
  });

  test("is no evidence where it is ours, or older than the file", () => {
    const late = { tool, now: ["3"], ours: ours("01_a", "03_c") };
    expect(named({ ...late, seen: ["01_a", "03_c"] })).toEqual(["passed-over 02_b"]);
    expect(named({ ...late, seen: null })).toEqual(["passed-over 02_b"]);
    expect(
      named({ tool, now: ["9"], seen: ["9", "01_a"], ours: ours("01_a") }).filter((one) => /02/.test(one)),
    ).toEqual(["passed-over 02_b"]);
    // The tool went down from 3 to the number below, whose file had come late.
    expect(named({ tool, now: ["2"], seen: ["01_a", "03_c"], ours: ours("01_a", "03_c") })).toEqual([
      "uncertain 02_b",
      "taken-back-there 03_c",
    ]);
    // Only what is known is reported: nobody has seen the tool at 3.
    const script = { tool, now: ["2"], seen: null, ours: ours("01_a", "03_c") };
    expect(compare(setsOf(script))[0]).toEqual({
      ...{ kind: "uncertain", id: "02_b" },
      later: { id: "03_c", wasThere: false },
    });
    // The same, while the file of the later one has another name or is gone.
    expect(named({ tool, now: ["2"], seen: ["01_a", "07_gone"], ours: ours("01_a", "07_gone") })).toEqual([
      "uncertain 02_b",
    ]);
    // The tool went on from 3 to 4, and 2 came late.
    expect(named({ tool, now: ["4"], seen: ["01_a", "03_c"], ours: ours("01_a", "03_c") })).toEqual([
      "passed-over 02_b",
      "applied-there 04_d",
    ]);
  });
});

describe("for any three sets", () => {
  const some = fc.subarray(["01_a", "02_b", "03_c", "04_d"]);
  const any = fc.record({
    now: fc.subarray(["01", "02", "03", "04", "09"]),
    seen: fc.option(fc.subarray(["01_a", "02_b", "03_c", "04_d", "09"])),
    known: some,
    adopted: some,
    takenOut: some,
  });
  const given = ({
    now,
    seen,
    known,
    adopted,
    takenOut,
  }: typeof any extends fc.Arbitrary<infer T> ? T : never): Given => ({
    ...{ now, seen },
    ours: {
      ...ours(...known),
      adopted: new Set(adopted.filter((id) => known.includes(id))),
      takenOut: new Set(takenOut.filter((id) => !known.includes(id))),
    },
  });

  test("a migration has one event at most, and its row is never written where it was before", () => {
    fc.assert(
      fc.property(any, (one) => {
        const events = compare(setsOf(given(one)));
        const ids = events.flatMap((event) =>
          "id" in event && event.kind !== "same-name" ? [event.id] : [],
        );
        expect(new Set(ids).size).toBe(ids.length);
        const told = events
          .filter(({ kind }) => kind === "missing-there")
          .flatMap((event) => ("id" in event ? [event.id] : []));
        for (const id of told) expect(one.seen?.includes(id) ?? false).toBe(false);
      }),
    );
  });

  test("once it was looked at and decided, the same look finds nothing that is to be done", () => {
    fc.assert(
      fc.property(any, (one) => {
        const sets = setsOf(given(one));
        const takes = (event: ToolEvent) => DECISIONS[event.kind].later.mirrored === "take";
        const tells = (event: ToolEvent) => DECISIONS[event.kind].later.mirrored === "tell";
        const events = compare(sets);
        if (events.some(({ kind }) => ["taken-back-there", "unremembered"].includes(kind))) return;
        const taken = events.filter(takes).flatMap((event) => ("id" in event ? [event.id] : []));
        const told = events.filter(tells).flatMap((event) => ("id" in event ? [event.id] : []));
        const known = new Set([...sets.ours.known, ...taken]);
        const after = setsOf({
          now: [...one.now, ...told.map((id) => id.slice(0, 2))],
          seen: [...remembered(sets), ...told],
          ours: { ...sets.ours, known, applied: known, adopted: new Set([...sets.ours.adopted, ...taken]) },
        });
        const left = compare(after).filter(
          (event) => !["taken-out-here", "passed-over", "without-file"].includes(event.kind),
        );
        expect(left).toEqual([]);
      }),
    );
  });
});
