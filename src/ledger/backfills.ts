/** Reads where backfills are, and what people have said of them. Their tables are made by the first backfill, or by the first word. */
import { restored } from "../core/sql/stored.ts";
import type { Connection, Result, Row } from "../database/connection.ts";
import { type BackfillControls, type Control, NO_CONTROLS } from "./backfill-controls-sql.ts";
import type { BackfillState, RecordedBackfill, RecordedControls } from "./backfills-sql.ts";
import type { LedgerSql } from "./sql.ts";

type Queryable = Pick<Connection, "query" | "execute">;

export type LostProgress = "migration_backfills" | "migration_backfill_ranges";

export interface RecordedBackfills {
  /** How far one has come. `null`: none of that name was begun. */
  state(connection: Queryable, revision: string): Promise<BackfillState | null>;
  all(connection: Queryable): Promise<readonly RecordedBackfill[]>;
  /**
   * The table that has lost how far a half-done one is. `null`: none has. Whoever went on all the same would do rows twice.
   */
  lost(connection: Queryable, revision: string): Promise<LostProgress | null>;
  controls(connection: Queryable, revision: string): Promise<BackfillControls>;
  allControls(connection: Queryable): Promise<readonly RecordedControls[]>;
  /** Writes what a person says. It makes the tables that are missing, in the schema of the ledger, which is there. */
  control(connection: Queryable, revision: string, control: Control, host: string): Promise<void>;
}

export function openBackfills(sql: LedgerSql): RecordedBackfills {
  const isThere = async (connection: Queryable, exists: string) => {
    const { rows } = await connection.query<{ exists: boolean } & Row>(exists);
    return rows[0]?.exists === true;
  };
  return {
    async state(connection, revision) {
      if (!(await isThere(connection, sql.hasBackfills()))) return null;
      const { rows } = await connection.query<BackfillState & Row>(sql.backfill(revision));
      return restored(rows[0] ?? null);
    },
    async all(connection) {
      if (!(await isThere(connection, sql.hasBackfills()))) return [];
      return restored((await connection.query<RecordedBackfill & Row>(sql.backfills())).rows);
    },
    async lost(connection, revision) {
      const backfills = await isThere(connection, sql.hasBackfills());
      const ranges = await isThere(connection, sql.hasRanges());
      const [answer] = await connection.execute(sql.lostProgress(revision, { backfills, ranges }));
      return (answer?.rows[0]?.lost as LostProgress | null | undefined) ?? null;
    },
    async controls(connection, revision) {
      if (!(await isThere(connection, sql.hasBackfillControls()))) return NO_CONTROLS;
      return controlsIn(await connection.execute(sql.controls(revision))) ?? NO_CONTROLS;
    },
    async allControls(connection) {
      if (!(await isThere(connection, sql.hasBackfillControls()))) return [];
      return restored((await connection.query<RecordedControls & Row>(sql.allControls())).rows);
    },
    async control(connection, revision, control, host) {
      if (!(await isThere(connection, sql.hasBackfillControls())))
        // Two that make it at once: one of them fails, and then it is there.
        await connection.execute(sql.createBackfills()).catch(async (error: unknown) => {
          if (!(await isThere(connection, sql.hasBackfillControls()))) throw error;
        });
      await connection.execute(sql.controlBackfill(revision, control, host));
    },
  };
}

/** What a statement has answered as `controls`. `undefined`: it has no such answer. */
export function controlsIn(results: readonly Result[]): BackfillControls | undefined {
  for (const { rows } of results) {
    const [row] = rows;
    if (row !== undefined && "controls" in row)
      return restored((row.controls as BackfillControls | null) ?? NO_CONTROLS);
  }
  return undefined;
}
