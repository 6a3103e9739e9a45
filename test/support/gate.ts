/** A statement that waits until the test lets it pass, and says who is waiting in it. */
import type { TestDatabase } from "./database.ts";
import { until } from "./until.ts";

const KEY = 471_142;

/** To be put into a migration; it waits there as long as the gate is closed. Needs a generous lock timeout. */
export const GATE = `select pg_advisory_xact_lock(${KEY});`;

export interface Gate {
  /** Resolves with the backends that wait before it, as soon as there are as many. */
  reached(count?: number): Promise<readonly number[]>;
  open(): Promise<void>;
  /** Closes it again, after `open`. */
  close(): Promise<void>;
}

export async function closeGate(db: TestDatabase): Promise<Gate> {
  const mirror = await db.connect();
  await mirror.query(`select pg_advisory_lock(${KEY})`);
  return {
    async reached(count = 1) {
      return until(
        async () => {
          const rows = await db.admin<{ pid: number }>(
            `select l.pid from pg_locks l join pg_database d on d.oid = l.database
             where locktype = 'advisory' and objid = ${KEY} and classid = 0 and not granted and d.datname = $1`,
            [db.name],
          );
          return rows.length >= count && rows.map((row) => row.pid);
        },
        { what: "a migration to reach the gate" },
      );
    },
    async open() {
      await mirror.query(`select pg_advisory_unlock(${KEY})`);
    },
    async close() {
      await mirror.query(`select pg_advisory_lock(${KEY})`);
    },
  };
}
