/** An import whose way to PostgreSQL is bad, whose session is ended, whose lock is taken, whose server has no room left. */
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmdirSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { startCuttingWire } from "../support/cutting-wire.ts";
import { ledgerSchema } from "../support/database.ts";
import { OWNER } from "../support/global.ts";
import { openScene, type Scene } from "../support/import-scene.ts";
import { startPgbouncer, withoutPgbouncer } from "../support/pgbouncer.ts";
import { everyPoint } from "../support/points.ts";
import { startProxy } from "../support/proxy.ts";
import { chanceFor, times } from "../support/seed.ts";
import { startServer } from "../support/server.ts";
import { withoutSshd } from "../support/sshd.ts";
import { until } from "../support/until.ts";

/** Between it and the origin, so that a run of few files takes long enough for several commits. */
const DELAY_MS = 12;

describe.skipIf(withoutSshd)("an import whose database is disturbed", () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene();
  });
  afterAll(() => scene?.[Symbol.asyncDispose]());

  test("goes on by itself when its connections are cut at random bytes", { timeout: 900_000 }, async () => {
    const { port } = inject("postgres");
    const chance = chanceFor("cut connections to the database");
    const { rows } = await scene.undisturbed();
    await using measured = await startCuttingWire({ to: port });
    const first = await scene.place();
    await first.command({ url: measured.url(first.url) })("import");
    const runs = Array.from({ length: times("GODWIT_TEST_DATABASE_CUTS", 8) }, (_, n) => n);
    let cuts = 0;
    await everyPoint(
      runs,
      async (n) => {
        const own = chance.of(n);
        const limits = Array.from({ length: own.int(1, 4) }, () => ({
          bytes: own.int(1, own.chance(0.5) ? measured.bytes : Math.ceil(measured.bytes / 4)),
          torn: own.chance(0.5),
        }));
        await using wire = await startCuttingWire({ to: port, limitOf: (nth) => limits[nth - 1] });
        const place = await scene.place();
        const what = `run ${n} of seed ${chance.seed}, cut after ${JSON.stringify(limits)}`;
        await place
          .command({ url: wire.url(place.url) })("import")
          .catch((error) => {
            throw new Error(`${what}: ${error.message}`, { cause: error });
          });
        expect(await place.rows(), what).toEqual(rows);
        cuts += wire.cuts;
      },
      { atOnce: 3 },
    );
    console.info(`${runs.length} runs, ${cuts} cuts`);
    expect(cuts).toBeGreaterThan(runs.length / 4);
  });

  for (const when of ["before the server hears of it", "before the answer comes"] as const)
    test(`goes on when the connection is cut at the COMMIT of results, ${when}`, async () => {
      const { rows, report: calm } = await scene.undisturbed();
      const place = await scene.place();
      let writing = false;
      let struck = 0;
      const proxy = await startProxy({
        port: inject("postgres").port,
        onMessage: ({ from }, bytes) => {
          const text = bytes.toString("latin1");
          if (from === "client" && text.includes("import_contents as k")) writing = true;
          if (!writing || from !== "client" || !/^Q....commit/s.test(text) || struck > 0) return;
          struck = proxy.messages.length;
          if (when === "before the answer comes") proxy.cutAfter(struck);
          else proxy.cutBefore(struck);
        },
      });
      try {
        const { json } = await place.command({ url: proxy.url(place.url) })("import", "--json");
        expect(struck).toBeGreaterThan(0);
        expect(await place.rows()).toEqual(rows);
        // Answered or not, what is committed is not read again: at most that transaction's files are.
        expect(json.imports[0].bytesRead).toBeLessThanOrEqual(calm.bytesRead);
        await scene.settles(place);
      } finally {
        await proxy.close();
      }
    });

  test("goes on when its session is terminated, again and again", async () => {
    const { rows } = await scene.undisturbed();
    const place = await scene.place();
    await using wire = await startCuttingWire({ to: scene.sshd.port, delayMs: DELAY_MS });
    const running = place.command({ sshPort: wire.port }).start("import", "--json");
    for (let times = 1; times <= 3; times++) {
      const least = times * 12_000;
      await until(() => wire.bytes > least, { what: `${least} bytes of the origin` });
      await until(
        async () =>
          (
            await place.sql<{ ended: boolean }>(
              "select pg_terminate_backend(pid) as ended from pg_stat_activity where datname = current_database() and application_name like 'godwit run%'",
            )
          ).length > 0,
        { what: "a session to terminate" },
      );
    }
    await running.exits(0);
    expect(await place.rows()).toEqual(rows);
  });

  test("goes on when the server crashes and recovers", async () => {
    const { rows } = await scene.undisturbed();
    const server = await startServer({ major: Number(process.env.GODWIT_TEST_POSTGRES ?? 18) });
    try {
      const place = await scene.placeOn(server.port);
      await using wire = await startCuttingWire({ to: scene.sshd.port, delayMs: DELAY_MS });
      const running = place.command({ sshPort: wire.port }).start("import", "--json");
      await until(() => wire.bytes > 20_000, { what: "20 kB of the origin" });
      const backend = await until(
        async () =>
          (
            await place.sql<{ pid: number }>(
              "select pid from pg_stat_activity where application_name like 'godwit run%'",
            )
          )[0]?.pid,
      );
      // The server then ends all sessions, and starts again.
      process.kill(backend, "SIGKILL");
      await running.exits(0);
      expect(await place.rows()).toEqual(rows);
    } finally {
      await server.stop();
    }
  });

  describe.skipIf(withoutPgbouncer)("through PgBouncer in transaction mode", () => {
    const pooled = async () => {
      const place = await scene.place();
      const { port } = inject("postgres");
      const pooler = await startPgbouncer(
        { owner: OWNER, port, url: place.url },
        { mode: "transaction", settings: ["default_pool_size = 3"] },
      );
      return { place, pooler };
    };

    test("works under a lease, also when two want it", async () => {
      const { rows } = await scene.undisturbed();
      const { place, pooler } = await pooled();
      try {
        const runs = [1, 2].map(() => place.command({ url: pooler.url }).start("import", "--json"));
        await Promise.all(runs.map((run) => run.exits(0)));
        expect(await place.rows()).toEqual(rows);
        const locks = await place.sql(`select kind, run_id from "${ledgerSchema}".migration_locks`);
        expect(locks).toContainEqual({ kind: "lease", run_id: null });
      } finally {
        await pooler.stop();
      }
    });

    test("a run whose lease is taken from it commits nothing more, waits for its turn, and completes it", async () => {
      const { rows } = await scene.undisturbed();
      const { place, pooler } = await pooled();
      await using wire = await startCuttingWire({ to: scene.sshd.port, delayMs: DELAY_MS });
      try {
        const running = place.command({ url: pooler.url, sshPort: wire.port }).start("import", "--json");
        await until(() => wire.bytes > 20_000, { what: "20 kB of the origin" });
        const other = "00000000-0000-0000-0000-000000000001";
        await place.sql(
          `update "${ledgerSchema}".migration_locks set fence = fence + 1, run_id = $1, expires_at = clock_timestamp() + interval '1 hour'
where name like '%: import nas' and kind = 'lease'`,
          [other],
        );
        await running.says("waiting");
        const before = await place.rows();
        await place.sql(
          `update "${ledgerSchema}".migration_locks set run_id = null, expires_at = null where run_id = $1`,
          [other],
        );
        await running.exits(0);
        expect(before.images.length).toBeLessThan(rows.images.length);
        expect(await place.rows()).toEqual(rows);
      } finally {
        await pooler.stop();
      }
    });
  });

  test.skipIf(withoutMount())(
    "says what to do when the server's disk is full, and completes it when there is room",
    {
      timeout: 120_000,
    },
    async () => {
      const { rows } = await scene.undisturbed();
      const disk = mkdtempSync(join(tmpdir(), "godwit-disk-"));
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=200m,mode=755", "tmpfs", disk]);
      try {
        chmodSync(disk, 0o755);
        const server = await startServer({
          major: Number(process.env.GODWIT_TEST_POSTGRES ?? 18),
          within: disk,
          settings: ["max_wal_size=48MB", "autovacuum=off"],
        });
        try {
          const place = await scene.placeOn(server.port);
          const filler = join(disk, "filler");
          await place.sql("checkpoint");
          const { bavail, bsize } = statfsSync(disk);
          writeFileSync(filler, Buffer.alloc(bavail * bsize));
          const { json } = await place.command().fails(1, "import", "--json");
          expect(json.problems[0]).toMatchObject({
            code: "DATABASE_ERROR",
            message: expect.stringContaining("No space left on device"),
            hint: expect.stringContaining("disk space"),
          });
          rmSync(filler);
          await place.command()("import");
          expect(await place.rows()).toEqual(rows);
        } finally {
          await server.stop();
        }
      } finally {
        execFileSync("umount", [disk]);
        rmdirSync(disk);
      }
    },
  );
});

function withoutMount(): boolean {
  return spawnSync("unshare", ["-m", "true"]).status !== 0 || process.getuid?.() !== 0;
}
