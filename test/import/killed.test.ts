/**
 * An import whose process is killed: wherever that happens, its workers end with it, its lock frees itself, and the next
 * run goes on where it stopped.
 *
 * The points are taken from what others can see of a run: its messages to the database (before and after each), and the
 * bytes between it and the origin. What stage a run was in when it was killed is told by the same.
 */

import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import type { Running } from "../support/command.ts";
import { startCuttingWire } from "../support/cutting-wire.ts";
import { ledgerSchema } from "../support/database.ts";
import { type ImportPlace, openScene, type Scene } from "../support/import-scene.ts";
import { everyPoint } from "../support/points.ts";
import { killFamily, untilGone } from "../support/processes.ts";
import { type Message, startProxy } from "../support/proxy.ts";
import { type Chance, chanceFor, times } from "../support/seed.ts";
import { putOld } from "../support/slow-images.ts";
import { withoutSshd } from "../support/sshd.ts";
import { until } from "../support/until.ts";

/** So that a run of few files takes long enough for several commits. */
const DELAY_MS = 8;

/** Images that take long to hash have a test of their own (`stopped.test.ts`). */
type Stage = "start" | "scan" | "fetch" | "commit" | "settle";

describe.skipIf(withoutSshd)("an import that is killed", () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene({ designs: 20 });
  });
  afterAll(() => scene?.[Symbol.asyncDispose]());

  test("SYSTEMS 2.8, 2.16: at any point: the next one completes it, reads nothing twice, and no process is left", {
    timeout: 900_000,
  }, async () => {
    const chance = chanceFor("killed imports");
    await scene.undisturbed();
    const calm = await observed(scene, {});
    const points = pointsOf(calm, chance, times("GODWIT_TEST_KILLS", 10));
    const hits: Record<Stage, number> = { start: 0, scan: 0, fetch: 0, commit: 0, settle: 0 };
    let resumed = 0;
    let over = 0;
    await everyPoint(
      points,
      async (point) => {
        const { killed, stage, report } = await observed(scene, point);
        if (!killed) over++;
        else hits[stage]++;
        if (report.stored < calm.report.stored) resumed++;
      },
      { atOnce: 3 },
    );
    console.info(
      `${points.length} points, ${over} after the end, ${resumed} went on: ${JSON.stringify(hits)}`,
    );
    // Where chance has not had many turns, it may leave out what is short.
    const many = points.length >= 30;
    for (const stage of many
      ? (["scan", "fetch", "commit", "settle"] as const)
      : (["scan", "fetch"] as const))
      expect(hits[stage], `kills during ${stage}`).toBeGreaterThan(0);
    if (many) expect(resumed).toBeGreaterThan(0);
  });
});

describe.skipIf(withoutSshd)("a scan of many folders that is killed", () => {
  const FOLDERS = 300;
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene({
      designs: 1,
      trouble: false,
      more: async (folder) => {
        const picture =
          '<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><path d="M0 0h5v5z"/></svg>';
        for (let n = 1; n <= FOLDERS; n++) putOld(folder, `Shop ${n % 9}/Template ${n}/a.svg`, picture);
      },
    });
  });
  afterAll(() => scene?.[Symbol.asyncDispose]());

  test("goes on with the folders that are left", { timeout: 120_000 }, async () => {
    const { report: calm } = await scene.undisturbed();
    // Begun, then the folders in at least three parts, however they come together; the first two leave some.
    for (const part of [1, 2]) {
      const { stage, read, report } = await observed(scene, { scanCommit: 1 + part, delayMs: 0 });
      expect(stage).toBe("scan");
      expect(read, `folders read in part ${part} and before`).toBeGreaterThan(0);
      expect(report.scanned.folders, `after part ${part}`).toBe(calm.scanned.folders - read);
      expect(report.scanned.folders).toBeGreaterThan(0);
    }
  });
});

interface Point {
  /** At the n-th message between it and the database. */
  readonly message?: number;
  readonly when?: "before" | "after";
  /**
   * Just after the n-th COMMIT of its scan. The number of a message says nothing of that: how many there are before it
   * depends on the time that the run takes.
   */
  readonly scanCommit?: number;
  /** When so many bytes have passed between it and the origin. */
  readonly bytes?: number;
  readonly delayMs?: number;
}

interface Said extends Message {
  readonly stage: Stage;
  readonly text: string;
}

interface Observed {
  readonly messages: readonly Said[];
  readonly bytes: { readonly scan: number; readonly all: number };
  readonly killed: boolean;
  readonly stage: Stage;
  /** Folders that the killed run's scan had read, as the database says. */
  readonly read: number;
  // biome-ignore lint/suspicious/noExplicitAny: a JSON document
  readonly report: any;
}

/** A run that is killed at a point (or never), and then the law: the next one makes it whole. */
async function observed(scene: Scene, point: Point): Promise<Observed> {
  const place = await scene.place();
  const messages: Said[] = [];
  const bytes = { scan: 0, all: 0 };
  let stage: Stage = "start";
  let scanCommits = 0;
  let killed = false;
  let left: readonly number[] = [];
  let running: Running | undefined;
  const kill = () => {
    if (running === undefined) return;
    const { pid, exitCode, signalCode } = running.child;
    if (killed || pid === undefined || exitCode !== null || signalCode !== null) return;
    killed = true;
    left = killFamily(pid);
  };
  await using wire = await startCuttingWire({
    to: scene.sshd.port,
    delayMs: point.delayMs ?? DELAY_MS,
    onBytes: (passed) => {
      if (stage === "scan") bytes.scan = passed;
      bytes.all = passed;
      if (point.bytes !== undefined && passed >= point.bytes) kill();
    },
  });
  const proxy = await startProxy({
    port: inject("postgres").port,
    onMessage: (message, content) => {
      const text = content.toString("latin1");
      if (message.from === "client" && !killed) stage = stageAfter(stage, text);
      messages.push({ ...message, stage, text });
      const commits = message.from === "client" && stage === "scan" && /^Q.{4}commit/s.test(text);
      if (commits && ++scanCommits === point.scanCommit) proxy.cutAfter(proxy.messages.length);
    },
    onCut: kill,
  });
  try {
    if (point.message !== undefined && point.when === "before") proxy.cutBefore(point.message);
    else if (point.message !== undefined) proxy.cutAfter(point.message);
    const through = { url: proxy.url(place.url), sshPort: wire.port };
    running = place.command(through).start("import", "--json");
    await running.ended;
    await untilGone(left, "the workers of a killed import");
    const read = killed ? await foldersRead(place) : 0;
    const what = `killed at ${JSON.stringify(point)}, during ${stage}`;
    // Through the same wire: the scan that was cut off is the same only for the same origin.
    const next = { sshPort: wire.port };
    const report = killed
      ? await scene.settles(place, { what, through: next })
      : (await running.exits(0)).json.imports[0];
    return { messages, bytes, killed, stage, read, report };
  } finally {
    await proxy.close();
  }
}

/** Once the server has noticed the end of the run, and done what it was sent. */
async function foldersRead(place: ImportPlace): Promise<number> {
  const sessions =
    "select from pg_stat_activity where datname = current_database() and application_name like 'godwit run%'";
  await until(async () => (await place.sql(sessions)).length === 0, {
    what: "the killed run's sessions to end",
  });
  const table = `"${ledgerSchema}".import_folders`;
  const [found] = await place.sql<{ there: boolean }>("select to_regclass($1) is not null as there", [table]);
  if (found?.there !== true) return 0;
  const [row] = await place.sql<{ n: number }>(
    `select count(*)::int as n from ${table} where state = 'read'`,
  );
  return row?.n ?? 0;
}

/** What a statement tells of where a run is. */
function stageAfter(stage: Stage, text: string): Stage {
  if (/insert into "\w+"\.import_scans|from "\w+"\.import_scans/.test(text)) return "scan";
  if (/insert into "\w+"\.import_batches/.test(text)) return "fetch";
  if (/insert into "\w+"\.import_hashes/.test(text)) return "commit";
  if (/not exists \(select from "design_images"/.test(text)) return "settle";
  // The transaction with the results is over when the next one begins.
  if (stage === "commit" && /update "\w+"\.import_(batches|runs)/.test(text)) return "fetch";
  return stage;
}

/** So many, as evenly over the stages as may be: each the same share of its messages, and of the bytes of files. */
function pointsOf({ messages, bytes }: Observed, chance: Chance, count: number): readonly Point[] {
  const stages: readonly Stage[] = ["start", "scan", "commit", "settle"];
  const points: Point[] = [];
  for (let i = 0; points.length < count; i++) {
    const stage = stages[i % (stages.length + 2)];
    if (stage === undefined) {
      points.push({ bytes: chance.int(i % 6 === 5 ? 1 : bytes.scan, bytes.all) });
      continue;
    }
    const own = messages.flatMap((message, index) =>
      message.stage === stage && message.from === "client" && message.type !== "X" ? [index + 1] : [],
    );
    const message = own[chance.int(0, own.length - 1)];
    if (message !== undefined) points.push({ message, when: chance.chance(0.5) ? "before" : "after" });
  }
  return points;
}
