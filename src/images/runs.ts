/** Runs of imports and their batches, for people who look from another terminal, and the hosts that were trusted. */
import type { Connection, Row } from "../database/connection.ts";
import type { Problem } from "../errors.ts";
import { imageTables } from "./sql.ts";

/** A run of an import, as it looks from outside. */
export interface ImportRun {
  readonly runId: string;
  readonly import: string;
  readonly state: string;
  readonly host: string;
  readonly pid: number;
  readonly startedAt: Date;
  /** The time of its last sign of life. A running import gives one every few seconds. */
  readonly seenAt: Date;
  readonly silentForMs: number;
  readonly finishedAt: Date | null;
  readonly figures: Readonly<Record<string, unknown>>;
}

/** Why the run failed. `null`: it did not fail, or it ended before it could record why. */
export function problemOf({ state, figures: { problem } }: ImportRun): Problem | null {
  return state === "failed" && problem != null ? (problem as Problem) : null;
}

export interface BatchPlan {
  readonly number: number;
  readonly files: number;
  readonly bytes: number;
}

export function createRuns(schema: string, importName: string, runId: string) {
  const t = imageTables(schema);
  return {
    async begin(
      connection: Connection,
      { host, pid }: { readonly host: string; readonly pid: number },
    ): Promise<void> {
      await connection.query(
        `update ${t.runs} set state = 'killed', finished_at = seen_at where import = $1 and finished_at is null and run_id <> $2`,
        [importName, runId],
      );
      await connection.query(
        `insert into ${t.runs} (run_id, import, state, host, pid) values ($1, $2, 'scanning', $3, $4)
on conflict (import, run_id) do update set state = 'scanning', finished_at = null`,
        [runId, importName, host, pid],
      );
    },

    async say(connection: Connection, state: string, figures: object): Promise<void> {
      await connection.query(
        `update ${t.runs} set state = $3, figures = $4::jsonb, seen_at = clock_timestamp() where import = $1 and run_id = $2`,
        [importName, runId, state, JSON.stringify(figures)],
      );
    },

    async finish(connection: Connection, state: string, figures: object): Promise<void> {
      await connection.query(
        `update ${t.runs} set state = $3, figures = $4::jsonb, seen_at = clock_timestamp(), finished_at = clock_timestamp()
where import = $1 and run_id = $2`,
        [importName, runId, state, JSON.stringify(figures)],
      );
    },

    async planBatches(connection: Connection, batches: readonly BatchPlan[]): Promise<void> {
      await connection.query(`delete from ${t.batches} where import = $1`, [importName]);
      await connection.query(
        `insert into ${t.batches} (import, run_id, number, files, bytes, state)
select $1, $2, number, files, bytes, 'waiting' from unnest($3::int[], $4::int[], $5::bigint[]) as n (number, files, bytes)`,
        [
          importName,
          runId,
          batches.map((each) => each.number),
          batches.map((each) => each.files),
          batches.map((each) => String(each.bytes)),
        ] as never,
      );
    },

    async sayBatch(
      connection: Connection,
      batch: {
        readonly number: number;
        readonly done: number;
        readonly failed: number;
        readonly over: boolean;
      },
    ): Promise<void> {
      await connection.query(
        `update ${t.batches} set state = case when $6 then 'done' else 'running' end, done = $4, failed = $5,
  started_at = coalesce(started_at, clock_timestamp()), finished_at = case when $6 then clock_timestamp() end
where import = $1 and run_id = $2 and number = $3`,
        [importName, runId, batch.number, batch.done, batch.failed, batch.over],
      );
    },
  };
}

export type Runs = ReturnType<typeof createRuns>;

/** The newest run of each import. Empty if nothing was ever imported. */
export async function latestRuns(connection: Connection, schema: string): Promise<readonly ImportRun[]> {
  const t = imageTables(schema);
  const found = await connection.query<Row & { exists: boolean }>(
    "select pg_catalog.to_regclass($1) is not null as exists",
    [t.runs],
  );
  if (found.rows[0]?.exists !== true) return [];
  const { rows } = await connection.query<Row & ImportRun>(
    `select distinct on (import) run_id as "runId", import, state, host, pid, started_at as "startedAt", seen_at as "seenAt",
  finished_at as "finishedAt", figures, (extract(epoch from clock_timestamp() - seen_at) * 1000)::float8 as "silentForMs"
from ${t.runs} order by import, started_at desc`,
  );
  return rows;
}

export async function trustedPin(
  connection: Connection,
  schema: string,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<string | null> {
  const t = imageTables(schema);
  const { rows } = await connection.query<Row & { pin: string }>(
    `select pin from ${t.hosts} where host = $1 and port = $2`,
    [host, port],
  );
  return rows[0]?.pin ?? null;
}

export async function trustPin(
  connection: Connection,
  schema: string,
  { host, port, pin }: { readonly host: string; readonly port: number; readonly pin: string },
): Promise<void> {
  const t = imageTables(schema);
  await connection.query(
    `insert into ${t.hosts} (host, port, pin) values ($1, $2, $3) on conflict (host, port) do nothing`,
    [host, port, pin],
  );
}
