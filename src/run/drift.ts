/** Whether somebody has changed the schema by hand. Looks, and undoes nothing. */
import { PlanRefused } from "../errors.ts";
import type { Recorded } from "../ledger/ledger.ts";
import type { SchemaDifference } from "../schema/compare.ts";
import { packSnapshot } from "../schema/packed.ts";
import { identity } from "../schema/snapshot.ts";
import { currentSchema, driftIn, keptSchema } from "./catalog/kept-schema.ts";
import type { DriftParts, DriftSql } from "./drift-on-scratch.ts";
import { withConnection } from "./session/connect.ts";
import { withLock } from "./session/locked.ts";
import type { RunContext, Target } from "./session/target.ts";
import { writeUnderLock } from "./session/transaction.ts";

export interface DriftReport {
  readonly target: string;
  readonly database: string;
  /** With what the schema was compared: what the last run has kept, or what the files make that are applied. */
  readonly comparedWith: "snapshot" | "files";
  /** When the snapshot was kept. `null`: it was compared with the files. */
  readonly takenAt: Date | null;
  readonly drifted: boolean;
  readonly differences: readonly SchemaDifference[];
  /** How many differences the configuration ignores. */
  readonly ignored: number;
  /**
   * The patterns of `driftIgnore` that match no object that is compared, as a mistyped one does. Of one schema of several it
   * is empty: such a pattern may be about another of them.
   */
  readonly unmatched: readonly string[];
  /** `true`: the schema as it is now is the one that later calls compare with. */
  readonly accepted: boolean;
  /** Only where it was asked for, and something differs. */
  readonly sql?: DriftSql;
}

export interface DriftOptions {
  /** Compares with what the files make that are applied, on a scratch server. */
  readonly files?: boolean | undefined;
  /** The statements that undo and adopt the differences. */
  readonly sql?: boolean | undefined;
}

/** Throws `PlanRefused` (`SCHEMA_SNAPSHOT_MISSING`, `SCHEMA_SNAPSHOT_OUTDATED`) where there is nothing to compare with. */
export async function driftOf(
  target: Target,
  context: RunContext,
  { files = false, sql = false, parts }: DriftOptions & { readonly parts?: DriftParts } = {},
): Promise<DriftReport> {
  return withConnection(target, context, async (connection) => {
    const history = await target.ledger.read(connection);
    if (!history.created) throw neverRun(connection.server.database, target);
    const { schemas: _, ...drift } = await (async () => {
      if (parts === undefined || !(files || sql))
        return driftIn(target, connection, target.settings.driftIgnore ?? []);
      const { compareOnScratch } = await import("./drift-on-scratch.ts");
      const revisions = new Set(history.entries.map(({ revision }) => revision));
      const migrator = mostOf(history.entries) ?? connection.server.user;
      const options = { files, sql, parts, revisions, migrator };
      const compared = await compareOnScratch(target, connection, options);
      // What could not be proven only because it was ended is not unproven.
      context.signal.throwIfAborted();
      return { ...compared, schemas: null };
    })();
    context.observe({ kind: "drift-checked", objects: drift.differences.map(identity) });
    return {
      ...{ target: target.name, database: connection.server.database },
      comparedWith: files ? "files" : "snapshot",
      ...{ drifted: drift.differences.length > 0, accepted: false, ...drift },
      unmatched: unmatchedIn(target, drift),
    };
  });
}

/** Keeps the schema as it is, and says so in the log. The report holds what had changed; nothing if nothing was kept before. */
export async function acceptSchema(target: Target, context: RunContext): Promise<DriftReport> {
  return withLock(target, context, async (connection, lock) => {
    const history = await target.ledger.read(connection);
    if (!history.created) throw neverRun(connection.server.database, target);
    const before = await driftIn(target, connection, target.settings.driftIgnore ?? []).catch(
      (error: unknown) => {
        if (error instanceof PlanRefused) return { differences: [], ignored: 0, unmatched: [] };
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
      ...{
        target: target.name,
        database: connection.server.database,
        comparedWith: "snapshot",
        takenAt: kept?.takenAt ?? new Date(),
      },
      ...{ drifted: false, accepted: true, differences: before.differences, ignored: before.ignored },
      unmatched: unmatchedIn(target, before),
    };
  });
}

function unmatchedIn({ settings }: Target, { unmatched }: Pick<DriftReport, "unmatched">): readonly string[] {
  return settings.schema == null ? unmatched : [];
}

/** The role that has applied most of them. */
function mostOf(entries: readonly Recorded[]): string | undefined {
  const counts = new Map<string, number>();
  for (const { executedBy } of entries) counts.set(executedBy, (counts.get(executedBy) ?? 0) + 1);
  counts.delete("");
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0];
}

function neverRun(database: string, { settings: { projectFlags = "" } }: Target): PlanRefused {
  return new PlanRefused([
    {
      code: "SCHEMA_SNAPSHOT_MISSING",
      message: `Nothing has run in database "${database}" yet, so no snapshot of its schema is kept.`,
      hint: `\`godwit up${projectFlags}\` keeps one at its end.`,
    },
  ]);
}
