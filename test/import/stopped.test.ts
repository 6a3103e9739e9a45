/** An import that is told to stop, or whose workers are killed, with slow images in hand. */
import { statSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type PoolEvent, WorkerPool } from "../../src/import/pool.ts";
import type { Running } from "../support/command.ts";
import { ledgerSchema } from "../support/database.ts";
import { type ImportPlace, openScene, type Scene } from "../support/import-scene.ts";
import {
  cpuTicksOf,
  hasPending,
  killAtOnce,
  killFamily,
  untilGone,
  workersOf,
} from "../support/processes.ts";
import { ENDLESS, putOld, SLOW } from "../support/slow-images.ts";
import { withoutSshd } from "../support/sshd.ts";
import { until } from "../support/until.ts";

interface Run {
  readonly place: ImportPlace;
  readonly running: Running;
}

const LAST = "zz Shop/Hoodie/zz slow.svg";

// On a busy machine the slow image may be done before anybody looks. Then the scene is set again.
describe.skipIf(withoutSshd)("an import of images that take long", { retry: 2 }, () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene({ more: async (folder) => putOld(folder, LAST, SLOW) });
  });
  afterAll(() => scene?.[Symbol.asyncDispose]());

  for (const [signal, code] of [
    ["SIGTERM", 143],
    ["SIGINT", 130],
  ] as const)
    test(`told to stop by ${signal} it finishes and keeps what is in hand, and exits with ${code}`, async () => {
      const place = await scene.place();
      const running = place.command({ options: { workers: 1 } }).start("import", "--json");
      const workers = [await hashing(scene, { place, running })];
      running.child.kill(signal);
      const { json } = await running.exits(code);
      await untilGone(workers, "the workers");
      expect(json).toMatchObject({ ok: false, problems: [{ code: "INTERRUPTED" }] });
      const { files } = await place.rows();
      // One worker had them all in hand.
      expect(files.find((row) => row.includes(LAST))).toContain(" stored ");
      expect((await scene.settles(place)).bytesRead).toBe(0);
    });

  test("killed while an image is hashed: the next one does it", async () => {
    const place = await scene.place();
    const running = place.command({ options: { workers: 1 } }).start("import", "--json");
    await hashing(scene, { place, running });
    await untilGone(killFamily(running.child.pid), "the workers");
    await running.ended;
    await scene.settles(place);
  });

  test("SYSTEMS 2.6: whose worker is killed tries its files again, one by one, and stores them all", async () => {
    const { rows, report } = await scene.undisturbed();
    const place = await scene.place();
    const running = place.command().start("import", "--json");
    const victim = await hashing(scene, { place, running });
    killAtOnce(victim);
    await running.says(/worker \d ended \(SIGKILL\) with [1-8] files? in hand/);
    const { json } = await running.exits(0);
    expect(await place.rows()).toEqual(rows);
    expect(json.imports[0]).toMatchObject({ stored: report.stored, bytesRead: report.bytesRead });
  });

  test("whose workers are all killed before they can do anything gives up, and blames no file", async () => {
    const place = await scene.place();
    const running = place.command({ options: { workers: 1 } }).start("import", "--json");
    const { pid } = running.child;
    const killed = new Set<number>();
    while (running.child.exitCode === null && running.child.signalCode === null) {
      for (const child of workersOf(pid)) {
        if (!killed.has(child)) killAtOnce(child);
        killed.add(child);
      }
      await new Promise(setImmediate);
    }
    const { json } = await running.exits(1);
    expect(json.problems[0]).toMatchObject({ code: "IMPORT_WORKERS", hint: expect.any(String) });
    await scene.settles(place);
  });
});

describe.skipIf(withoutSshd)("an image that never comes to an end", { retry: 2 }, () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene({ more: async (folder) => putOld(folder, LAST, ENDLESS) });
  });
  afterAll(() => scene?.[Symbol.asyncDispose]());

  test("ends in quarantine after the timeout, and all others are stored", async () => {
    const place = await scene.place();
    const { json } = await place.command({ options: { fileTimeout: "3s" } })("import", "--json");
    await expectAllBut(place, "IMAGE_TIMEOUT");
    expect(json.imports[0].files).toMatchObject({ pending: 0, failed: 0 });
    // It is not tried again while it is what it was.
    const again = await place.command({ options: { fileTimeout: "3s" } })("import", "--json");
    expect(again.json.imports[0]).toMatchObject({ bytesRead: 0, stored: 0 });
  });

  test("is in hand until its worker is really gone, and only then given back", async () => {
    const file = join(scene.sshd.folder, LAST);
    const { size: sizeBytes, mtimeMs } = statSync(file);
    const crashed: PoolEvent[] = [];
    await using pool = new WorkerPool({
      workers: 1,
      settings: {
        origin: { kind: "directory", base: scene.sshd.folder },
        ...{ hashSize: 8, maxPixels: 1e8, memoryBytes: 1e9, heldBytes: 1e9, aheadBytes: 1e8, fetching: 1 },
      },
      fileTimeoutMs: 1,
      on: (event) => event.kind === "crashed" && crashed.push(event),
    });
    const [worker] = pool.workers;
    if (worker === undefined) throw new Error("There is no worker.");
    pool.send(worker, { id: "1", path: LAST, sizeBytes, mtimeMs });
    // Every turn of the event loop, so that none between its end being asked for and its end is missed.
    while (crashed.length === 0) {
      expect(pool.busy).toBe(true);
      await new Promise(setImmediate);
    }
    expect(pool.busy).toBe(false);
    expect(crashed).toMatchObject([{ jobs: [{ id: "1" }], timedOut: { id: "1" }, began: true }]);
  });

  test("and ends its worker every time: it is in quarantine, and all others are stored", async () => {
    const place = await scene.place();
    const running = place.command().start("import", "--json");
    for (let times = 1; times <= 2; times++) {
      const victim = await hashing(scene, { place, running });
      killAtOnce(victim);
      await untilGone([victim], "the worker");
    }
    await running.exits(0);
    await expectAllBut(place, "IMAGE_CRASHED");
  });

  test("a second signal ends the run at once, and its workers", async () => {
    const place = await scene.place();
    const running = place.command().start("import", "--json");
    await hashing(scene, { place, running });
    running.child.kill("SIGTERM");
    const workers = workersOf(running.child.pid);
    await until(() => !hasPending(running.child.pid, constants.signals.SIGTERM), {
      what: "the first signal",
    });
    const askedAt = performance.now();
    running.child.kill("SIGTERM");
    await running.exits(143);
    expect(performance.now() - askedAt).toBeLessThan(5_000);
    await untilGone(workers, "the workers");
    await place.command({ options: { fileTimeout: "3s" } })("import");
    await expectAllBut(place, "IMAGE_TIMEOUT");
  });

  async function expectAllBut(place: ImportPlace, code: string): Promise<void> {
    const { files, images } = await place.rows();
    expect(files.find((row) => row.includes(LAST))).toContain(` quarantined ${code}`);
    const stored = scene.manifest.files.filter(({ fate }) => fate === "stored").map(({ path }) => path);
    const found = images.map((row) => JSON.parse(row).file_path);
    expect(found.sort()).toEqual(stored.sort());
  }
});

/** A quarter of a second of computing. */
const BUSY_TICKS = 25;

/** Resolves, when all others are stored, with the worker that hashes the last image. */
async function hashing(scene: Scene, { place, running }: Run): Promise<number> {
  const others = scene.manifest.files.filter(({ fate }) => fate === "stored").length;
  await place.untilStored(others);
  // All that is left for a worker is the slow one.
  const [{ state } = { state: "?" }] = await place.sql<{ state: string }>(
    `select state from "${ledgerSchema}".import_files where path = $1`,
    [LAST],
  );
  expect(state, "the slow image is in hand still").toBe("pending");
  const before = new Map(workersOf(running.child.pid).map((pid) => [pid, cpuTicksOf(pid)]));
  // One that has just ended its last image still takes a moment for itself; the slow image never ends.
  return until(() => [...before].find(([pid, ticks]) => cpuTicksOf(pid) > ticks + BUSY_TICKS)?.[0], {
    what: "a worker that is busy",
  });
}
