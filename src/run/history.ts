/** The past of a database: its migrations in order, and the log of what was done to it. Changes nothing. */
import { currentOf, headsOf, ordered } from "../core/heads.ts";
import type { Phase } from "../core/migration.ts";
import type { LoggedRow } from "../ledger/ledger.ts";
import { withConnection } from "./session/connect.ts";
import type { RunContext, Target } from "./session/target.ts";
import { viewOf } from "./status.ts";

/** A migration of the files, and what the ledger says about it. */
export interface HistoryRow {
  readonly revision: string;
  readonly parents: readonly string[];
  readonly file: string;
  readonly phase: Phase;
  /** No other migration of the files comes after it. */
  readonly head: boolean;
  /** The database is at this one. */
  readonly current: boolean;
  readonly applied: boolean;
  readonly executedAt: Date | null;
  readonly durationMs: number | null;
  readonly executedBy: string | null;
  readonly host: string | null;
  readonly gitCommit: string | null;
}

export interface MigrationHistory {
  readonly target: string;
  readonly current: readonly string[];
  /** The newest first. */
  readonly migrations: readonly HistoryRow[];
}

export async function historyOf(target: Target, context: RunContext): Promise<MigrationHistory> {
  const { files, history } = await viewOf(target, context);
  const { order } = target.settings;
  const entries = new Map(history.entries.map((entry) => [entry.revision, entry]));
  const current = currentOf(files.migrations, history, order);
  const [isCurrent, isHead] = [new Set(current), new Set(headsOf(files.migrations, order))];
  const migrations = ordered(files.migrations, order).map((migration): HistoryRow => {
    const entry = entries.get(migration.id);
    return {
      revision: migration.id,
      parents: [...(migration.revises ?? []), ...migration.depends],
      file: migration.file,
      phase: migration.phase,
      head: isHead.has(migration.id),
      current: isCurrent.has(migration.id),
      applied: entry?.state === "applied",
      executedAt: entry?.executedAt ?? null,
      durationMs: entry?.durationMs ?? null,
      executedBy: entry?.executedBy ?? null,
      host: entry?.host ?? null,
      gitCommit: entry?.gitCommit ?? null,
    };
  });
  return { target: target.name, current, migrations: migrations.toReversed() };
}

/** Older rows are for people who ask the table itself. */
const LOG_ROWS = 1000;

/** What was done to the database, failures included, the newest first. */
export async function logOf(target: Target, context: RunContext): Promise<readonly LoggedRow[]> {
  return withConnection(target, context, (connection) => target.ledger.readLog(connection, LOG_ROWS));
}
