/** An import whose way to the NAS is bad: cut at random bytes, gone for a while, gone for long, or silent. */
import { chmodSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startCuttingWire } from "../support/cutting-wire.ts";
import { openScene, type Scene } from "../support/import-scene.ts";
import { everyPoint } from "../support/points.ts";
import { untilGone, workersOf } from "../support/processes.ts";
import { chanceFor, times } from "../support/seed.ts";
import { putOld } from "../support/slow-images.ts";
import { withoutSshd } from "../support/sshd.ts";
import { until } from "../support/until.ts";

describe.skipIf(withoutSshd)("an import over a bad network", () => {
  let scene: Scene;
  /** Outside of the base; a link leads to it. */
  let elsewhere: string;

  beforeAll(async () => {
    elsewhere = mkdtempSync(join(tmpdir(), "godwit-elsewhere-"));
    chmodSync(elsewhere, 0o755);
    const flat = (background: string) =>
      sharp({ create: { width: 24, height: 24, channels: 3, background } })
        .png()
        .toBuffer();
    putOld(elsewhere, "rot.png", await flat("#c00"));
    putOld(elsewhere, "tiefer/blau.png", await flat("#00c"));
    scene = await openScene({
      more: async (folder) => {
        putOld(folder, "Verweise/Hoodie/gruen.png", await flat("#0c0"));
        symlinkSync(elsewhere, join(folder, "Verweise", "Verlinkt"));
      },
    });
  });
  afterAll(async () => {
    await scene?.[Symbol.asyncDispose]();
    rmSync(elsewhere, { recursive: true, force: true });
  });

  test("whose connections are cut at random bytes goes on by itself, and brings everything once", {
    timeout: 1_800_000,
  }, async () => {
    const chance = chanceFor("cut connections to the origin");
    const { rows, report: calm } = await scene.undisturbed();
    expect(
      rows.images.filter((row) => row.includes("Verlinkt")),
      "files behind the link",
    ).toHaveLength(2);
    await using measured = await startCuttingWire({ to: scene.sshd.port });
    await (await scene.place()).command({ sshPort: measured.port })("import");
    const runs = Array.from({ length: times("GODWIT_TEST_CUTS", 9) }, (_, n) => n);
    const seen = { cuts: 0, connections: 0, runs: 0 };
    await everyPoint(
      runs,
      async (n) => {
        const own = chance.of(n);
        const most = own.int(1, 5);
        // More often early than late: the scan's connection carries less than a worker's, and a handshake is short.
        const limits = Array.from({ length: most }, () => ({
          bytes: own.int(1, own.chance(0.5) ? measured.bytes : Math.ceil(measured.bytes / 6)),
          torn: own.chance(0.5),
        }));
        await using wire = await startCuttingWire({
          to: scene.sshd.port,
          limitOf: (connection) => limits[connection - 1],
        });
        const place = await scene.place();
        const run = place.command({ sshPort: wire.port }).start("import", "--json");
        const what = `run ${n} of seed ${chance.seed}, cut after ${JSON.stringify(limits)}`;
        const { json } = await run.exits(0).catch((error) => {
          throw new Error(`${what}: ${error.message}`, { cause: error });
        });
        expect(await place.rows(), what).toEqual(rows);
        expect(json.imports[0].bytesRead, what).toBe(calm.bytesRead);
        seen.cuts += wire.cuts;
        seen.connections += wire.connections;
        seen.runs += wire.cuts > 0 ? 1 : 0;
      },
      { atOnce: 3 },
    );
    console.info(`${runs.length} runs, ${seen.runs} of them cut: ${JSON.stringify(seen)}`);
    expect(seen.runs).toBeGreaterThan(runs.length / 2);
  });

  test("goes on by itself when the NAS has started again", { timeout: 120_000 }, async () => {
    const { rows } = await scene.undisturbed();
    const place = await scene.place();
    await using wire = await startCuttingWire({ to: scene.sshd.port, delayMs: 12 });
    const running = place.command({ sshPort: wire.port }).start("import", "--json");
    await until(() => wire.bytes > 20_000, { what: "20 kB over the wire" });
    await scene.sshd.halt();
    try {
      await running.says("Trying again for up to");
    } finally {
      await scene.sshd.start();
    }
    const { json } = await running.exits(0);
    expect(await place.rows()).toEqual(rows);
    expect(json.imports[0].warnings).toContainEqual(
      expect.objectContaining({ code: expect.stringMatching(/^ORIGIN_(LOST|UNREACHABLE)$/) }),
    );
  });

  test("gives up when its patience is over; what was committed stays, and the next run completes it", {
    timeout: 120_000,
  }, async () => {
    const place = await scene.place();
    await using wire = await startCuttingWire({ to: scene.sshd.port, delayMs: 40 });
    const running = place
      .command({ sshPort: wire.port, options: { patience: "2s", workers: 1 } })
      .start("import", "--json");
    await place.untilStored(1);
    const workers = workersOf(running.child.pid);
    await scene.sshd.halt();
    try {
      const { json } = await running.exits(1);
      expect(json.problems[0]).toMatchObject({
        code: "ORIGIN_LOST",
        hint: expect.stringContaining("run again"),
      });
      await untilGone(workers, "the workers");
      const { images } = await place.rows();
      expect(images.length).toBeGreaterThan(0);
      expect(images.length).toBeLessThan((await scene.undisturbed()).rows.images.length);
    } finally {
      await scene.sshd.start();
    }
    await scene.settles(place);
  });

  test("notices a NAS that is silent, and goes on when it speaks again", { timeout: 120_000 }, async () => {
    const { rows } = await scene.undisturbed();
    const place = await scene.place();
    await using wire = await startCuttingWire({ to: scene.sshd.port, delayMs: 12 });
    const running = place
      .command({ sshPort: wire.port, options: { operationTimeout: "1s" } })
      .start("import", "--json");
    await until(() => wire.bytes > 20_000, { what: "20 kB over the wire" });
    scene.sshd.freeze();
    try {
      await running.says(/did not answer for 1\.0 s|no longer answers/);
    } finally {
      scene.sshd.thaw();
    }
    await running.exits(0);
    expect(await place.rows()).toEqual(rows);
  });
});
