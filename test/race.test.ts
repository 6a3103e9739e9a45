/** Many processes start on one database at once: one does the work, the others see that it is done. */
import { describe } from "vitest";
import { commandIn, type Finished } from "./support/command.ts";
import { expect, ledgerSchema, type TestDatabase, test } from "./support/database.ts";
import { closeGate, GATE } from "./support/gate.ts";
import { startProxy } from "./support/proxy.ts";
import { blocked } from "./support/sessions.ts";
import { type Files, folderOf } from "./support/target.ts";
import { until } from "./support/until.ts";

const PATIENT = ["--lock-timeout", "0", "--lock-wait", "10min", "--json"];

describe("processes that start at once", () => {
  test("fifty: one does all, each migration once, and the rest soon see it", { timeout: 300_000 }, async ({
    db,
  }) => {
    await db.sql("create table effects (what text)");
    const gate = await closeGate(db);
    const race = await startRace(db, 50, {
      "0001_gate.sql": `insert into effects values ('0001'); ${GATE}`,
      "0002_more.sql": "insert into effects values ('0002');",
      "0003_outside.sql": "-- godwit: transaction=off\ninsert into effects values ('0003');\nvacuum effects;",
      "0004_module.ts": `import type { MigrationContext } from "godwit";
export const up = ({ sql }: MigrationContext) => sql\`insert into effects values ('0004')\`;`,
    });
    await race.waiting(49);
    await gate.reached();
    race.forget();
    await gate.open();
    const steps = stepsOf(await race.finished);
    expect(steps).toEqual([["0001_gate", "0002_more", "0003_outside", "0004_module"]]);
    expect(await db.sql("select what from effects order by what")).toEqual(
      ["0001", "0002", "0003", "0004"].map((what) => ({ what })),
    );
    expect(await authors(db)).toEqual([{ runs: 1, rows: 4 }]);

    // Counted in tries, because a loaded machine is slow at everything. Who tries in vain was overtaken by one of the
    // others, each of whom looks once and briefly; one that looks for long may be met twice.
    const { tries, pausesMs } = race;
    console.info(
      `tries after the gate opened: at most ${Math.max(...tries)}; pause between two: ${median(pausesMs)} ms`,
    );
    expect(Math.max(...tries)).toBeLessThan(2 * 50);
    // And they do try, so a free lock is soon taken. The median, for such a machine may forget one of them for a while.
    expect(median(pausesMs)).toBeLessThan(2000);
  });

  test("twenty, while an index is built: nobody waits for those who wait for him", {
    timeout: 300_000,
  }, async ({ db }) => {
    await db.sql("create table effects (what text)");
    await db.sql("create table rows as select id, id % 7 as kind from generate_series(1, 20000) id");
    // Its snapshot keeps the first index waiting until all the others are waiting for the lock.
    const writer = await db.connect();
    await writer.query("begin; insert into rows values (0, 0)");
    const race = await startRace(db, 20, {
      "0001_index.sql": "create index concurrently rows_id on rows (id);",
      "0002_outside.sql": `-- godwit: transaction=off
insert into effects values ('before');
create index concurrently rows_kind on rows (kind);
insert into effects values ('after');`,
    });
    await race.waiting(19);
    await blocked(db, /^create index concurrently/);
    await writer.query("commit");
    expect(stepsOf(await race.finished)).toEqual([["0001_index", "0002_outside"]]);
    expect(await db.sql("select what from effects")).toEqual([{ what: "before" }, { what: "after" }]);
    expect(
      await db.sql(
        `select relname, indisvalid from pg_index join pg_class c on c.oid = indexrelid
         where indrelid = 'rows'::regclass order by 1`,
      ),
    ).toEqual([
      { relname: "rows_id", indisvalid: true },
      { relname: "rows_kind", indisvalid: true },
    ]);
    expect(await authors(db)).toEqual([{ runs: 1, rows: 2 }]);
    await db.admin("select pg_stat_force_next_flush()");
    expect(
      await db.admin("select deadlocks::int from pg_stat_database where datname = current_database()"),
    ).toEqual([{ deadlocks: 0 }]);
  });
});

interface Race {
  /** Resolves when all have ended, each with exit code 0. */
  readonly finished: Promise<readonly Finished[]>;
  /** Resolves when so many have tried in vain, and have tried again; rejects when a process fails. */
  waiting(count: number): Promise<void>;
  /** Counts from zero. */
  forget(): void;
  /** How often each has tried to get the lock. */
  readonly tries: readonly number[];
  /** Between two tries of one process, all of them. */
  readonly pausesMs: readonly number[];
}

/** They are heard through a proxy, for what they say to the server tells when they try. */
async function startRace(db: TestDatabase, size: number, files: Files): Promise<Race> {
  const folder = folderOf(
    Object.fromEntries(Object.entries(files).map(([name, text]) => [`migrations/${name}`, text])),
  );
  let tries = new Map<number, number>();
  const pausesMs: number[] = [];
  const last = new Map<number, number>();
  const network = await startProxy({
    port: db.port,
    onMessage({ from, connection }, bytes) {
      if (from !== "client" || !bytes.includes("pg_try_advisory_lock")) return;
      tries.set(connection, (tries.get(connection) ?? 0) + 1);
      const now = performance.now();
      const before = last.get(connection);
      if (before !== undefined) pausesMs.push(now - before);
      last.set(connection, now);
    },
  });
  const godwit = commandIn({ folder, url: network.url(db.url) });
  const finished = Promise.all(Array.from({ length: size }, () => godwit("up", ...PATIENT))).finally(() =>
    network.close(),
  );
  return {
    finished,
    async waiting(count) {
      const again = () => [...tries.values()].filter((tried) => tried > 1).length >= count;
      const waiting = until(again, { what: `${count} to wait for the lock`, withinMs: 120_000 });
      await Promise.race([waiting, finished]);
      expect(again()).toBe(true);
    },
    forget() {
      tries = new Map();
    },
    get tries() {
      return [...tries.values()];
    },
    pausesMs,
  };
}

/** What they did, without those who found nothing to do. */
function stepsOf(finished: readonly Finished[]): string[][] {
  return finished
    .map(({ json }) => json.report.steps.map((step: { revision: string }) => step.revision))
    .filter((steps) => steps.length > 0);
}

function authors(db: TestDatabase) {
  return db.sql(
    `select count(distinct run_id)::int as runs, count(*)::int as rows from "${ledgerSchema}".migration_log`,
  );
}

function median(values: readonly number[]): number {
  return Math.round([...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0);
}
