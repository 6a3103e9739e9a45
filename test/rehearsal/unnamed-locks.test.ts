/**
 * A lock on a table that the text of a statement does not name is seen, or the statement is marked. What is expected is written
 * from PostgreSQL's documentation.
 */
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { serverPackage } from "../../scripts/servers.mjs";
import { openScratch, type Scratch } from "../../src/database/embedded/scratch.ts";
import { isAtLeast } from "../../src/rehearsal/lock-modes.ts";
import { observedConnection } from "../../src/rehearsal/observed.ts";
import { Recorder } from "../../src/rehearsal/recorder.ts";
import type { SeenStatement } from "../../src/rehearsal/seen.ts";
import { limitRights, migratorOf } from "../../src/run/scratch-rights.ts";
import { CACHED } from "../support/cache.ts";
import { FIXTURE, UNNAMED_LOCKS, type UnnamedLock } from "./unnamed-locks.ts";

// Each call makes servers of its own, which a busy machine takes its time for.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

for (const major of [15, 18])
  describe(`PostgreSQL ${major}`, () => {
    let scratch: Scratch;

    beforeAll(async () => {
      scratch = await openScratch({ major, packages: [serverPackage(major)], environment: CACHED });
      await scratch.create("fixture");
      await using connection = await scratch.open("fixture");
      await connection.execute(FIXTURE);
      await limitRights(scratch, { database: "fixture" });
    });
    afterAll(() => scratch.close());

    test.each(UNNAMED_LOCKS)("$statement", async (row) => {
      await using admin = await scratch.open("postgres");
      await admin.execute("drop database if exists unnamed with (force)");
      await scratch.create("unnamed", { template: "fixture" });
      const seen = await measure(scratch, row);
      expect(seen.failure).toBeNull();
      expect(seen.notRehearsed).toBeNull();
      const missing = Object.entries(row.locks ?? {}).filter(
        ([table, least]) => !seen.locks.some(({ name, mode }) => name === table && isAtLeast(mode, least)),
      );
      expect(missing).toEqual([]);
      if (row.marked === true) expect(seen.notUnderstood).not.toBeNull();
      else if (seen.notUnderstood !== null) expect(seen.notUnderstood).toContain("does not name");
      const { rows } = await admin.query("select gid from pg_prepared_xacts");
      expect(rows).toEqual([]);
    });
  });

async function measure(scratch: Scratch, row: UnnamedLock): Promise<SeenStatement> {
  await using connection = await scratch.open("unnamed", { countsScans: true, user: migratorOf(scratch) });
  await using observer = await scratch.open("unnamed");
  if (row.before !== undefined) await connection.execute(row.before);
  const recorder = new Recorder();
  const open = () => scratch.open("unnamed");
  const observed = observedConnection(connection, {
    observer,
    open,
    recorder,
    measures: true,
    isLimited: true,
  });
  if (row.inTransaction === true) await observed.execute("begin");
  await observed.execute(row.statement, { rows: "discard" });
  if (row.inTransaction === true) await observed.execute("rollback");
  const found = recorder.take();
  expect(found).toHaveLength(1);
  return found[0] as SeenStatement;
}
