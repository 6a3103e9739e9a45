/** Whether somebody has changed the schema by hand since the last run. Looks, and undoes nothing. */
import { PlanRefused } from "../errors.ts";
import type { SchemaDifference } from "../schema/compare.ts";
import { packSnapshot } from "../schema/packed.ts";
import { currentSchema, driftIn, keptSchema } from "./catalog/kept-schema.ts";
import { withConnection } from "./session/connect.ts";
import { withLock } from "./session/locked.ts";
import type { RunContext, Target } from "./session/target.ts";
import { writeUnderLock } from "./session/transaction.ts";

export interface DriftReport {
  readonly target: string;
  readonly database: string;
  /** When the snapshot was kept that the schema is compared with. */
  readonly takenAt: Date;
  readonly drifted: boolean;
  readonly differences: readonly SchemaDifference[];
  /** How many differences the configuration ignores. */
  readonly ignored: number;
  /** `true`: the schema as it is now is the one that later calls compare with. */
  readonly accepted: boolean;
}

/** Throws `PlanRefused` (`SCHEMA_SNAPSHOT_MISSING`, `SCHEMA_SNAPSHOT_OUTDATED`) where there is nothing to compare with. */
export async function driftOf(target: Target, context: RunContext): Promise<DriftReport> {
  return withConnection(target, context, async (connection) => {
    const history = await target.ledger.read(connection);
    if (!history.created) throw neverRun(connection.server.database);
    const drift = await driftIn(target, connection, target.settings.driftIgnore ?? []);
    return {
      ...{ target: target.name, database: connection.server.database },
      ...{ drifted: drift.differences.length > 0, accepted: false, ...drift },
    };
  });
}

/** Keeps the schema as it is, and says so in the log. The report holds what had changed; nothing if nothing was kept before. */
export async function acceptSchema(target: Target, context: RunContext): Promise<DriftReport> {
  return withLock(target, context, async (connection, lock) => {
    const history = await target.ledger.read(connection);
    if (!history.created) throw neverRun(connection.server.database);
    const before = await driftIn(target, connection, target.settings.driftIgnore ?? []).catch(
      (error: unknown) => {
        if (error instanceof PlanRefused) return { differences: [], ignored: 0 };
        throw error;
      },
    );
    const content = packSnapshot(await currentSchema(target, connection));
    const details = { schema: true, differences: before.differences.length };
    const entry = { event: "accepted", revision: null, direction: null, durationMs: null, details } as const;
    const statements = `${target.ledger.sql.log(context, entry)}; ${keptSchema(target).keep(content, context)}`;
    await writeUnderLock(connection, lock, statements);
    const kept = await keptSchema(target).read(connection);
    return {
      ...{ target: target.name, database: connection.server.database, takenAt: kept?.takenAt ?? new Date() },
      ...{ drifted: false, accepted: true, differences: before.differences, ignored: before.ignored },
    };
  });
}

function neverRun(database: string): PlanRefused {
  return new PlanRefused([
    {
      code: "SCHEMA_SNAPSHOT_MISSING",
      message: `Nothing has run in database "${database}" yet, so no snapshot of its schema is kept.`,
      hint: "`godwit up` keeps one at its end.",
    },
  ]);
}
