/** What a rehearsal reports of a statement is what PostgreSQL's documentation says. */
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { serverPackage } from "../../scripts/servers.mjs";
import { openScratch, type Scratch } from "../../src/database/embedded/scratch.ts";
import { type LockMode, strongest } from "../../src/rehearsal/lock-modes.ts";
import { observedConnection } from "../../src/rehearsal/observed.ts";
import { Recorder } from "../../src/rehearsal/recorder.ts";
import type { SeenStatement } from "../../src/rehearsal/seen.ts";
import { limitRights, migratorOf } from "../../src/run/scratch-rights.ts";
import { CACHED } from "../support/cache.ts";
import { DOCUMENTED_LOCKS, type DocumentedLock, FIXTURE } from "./documented-locks.ts";

// Each call makes servers of its own, which a busy machine takes its time for.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

for (const major of [15, 18])
  describe(`PostgreSQL ${major}`, () => {
    let scratch: Scratch;
    let count = 0;

    beforeAll(async () => {
      const packages = [serverPackage(major)];
      scratch = await openScratch({ major, packages, environment: CACHED });
      await scratch.create("fixture");
      await using connection = await scratch.open("fixture");
      await connection.execute(FIXTURE);
      await limitRights(scratch, { database: "fixture" });
    });
    afterAll(() => scratch.close());

    test("the server is of this version", () => {
      expect(scratch.major).toBe(major);
      expect(scratch.insteadOf).toBeNull();
    });

    for (const row of DOCUMENTED_LOCKS.filter(({ since = 0 }) => since <= major))
      test(row.setup === undefined ? row.statement : `${row.statement} (after ${row.setup})`, async () => {
        const database = `copy_${++count}`;
        await scratch.create(database, { template: "fixture" });
        const seen = await measure(scratch, database, row);
        expect(seen.failure).toBeNull();
        expect(seen.notRehearsed).toBeNull();
        expect(locksIn(seen, row)).toEqual(row.locks);
        const rewrites = row.rewrites ?? [];
        expect(seen.rewrites.map(({ name }) => name)).toEqual(rewrites);
        if (rewrites.length === 0 || row.scans !== undefined)
          expect(seen.scans.map(({ name }) => name)).toEqual(row.scans ?? []);
      });
  });

async function measure(scratch: Scratch, database: string, row: DocumentedLock): Promise<SeenStatement> {
  await using connection = await scratch.open(database, { countsScans: true, user: migratorOf(scratch) });
  await using observer = await scratch.open(database);
  if (row.setup !== undefined) await connection.execute(row.setup);
  const recorder = new Recorder();
  const open = () => scratch.open(database);
  const observed = observedConnection(connection, {
    observer,
    open,
    recorder,
    measures: true,
    isLimited: true,
  });
  if (row.outside !== true) await observed.execute("begin");
  await observed.execute(row.statement, { rows: "discard" });
  if (row.outside !== true) await observed.execute("rollback");
  const found = recorder.take();
  expect(found).toHaveLength(1);
  return found[0] as SeenStatement;
}

/** The strongest by relation. Of a relation that the documentation does not name, only what keeps others away. */
function locksIn({ locks }: SeenStatement, { locks: documented }: DocumentedLock): Record<string, string> {
  const modes = new Map<string, LockMode[]>();
  for (const { name, mode, kind } of locks) {
    if (!(name in documented) && (kind !== "table" || ["ACCESS SHARE", "ROW SHARE"].includes(mode))) continue;
    modes.set(name, [...(modes.get(name) ?? []), mode]);
  }
  return Object.fromEntries([...modes].map(([name, all]) => [name, strongest(all) ?? ""]));
}
