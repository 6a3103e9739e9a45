/** `godwit history` */
import { currentOf, headsOf, ordered } from "../../core/heads.ts";
import { restored } from "../../core/sql/stored.ts";
import type { Row } from "../../database/connection.ts";
import { withConnection } from "../../run/session/connect.ts";
import { look } from "../../run/status.ts";
import { formatDuration } from "../../std/time.ts";
import type { Answer, Invocation } from "../command.ts";
import { type Session, withSession } from "../session.ts";
import { timeOf } from "./status.ts";

export async function run(invocation: Invocation): Promise<Answer> {
  const { flags } = invocation;
  if (flags.log === true) return withSession(invocation, log);
  return withSession(invocation, (session) => history(session, flags.indicateCurrent === true));
}

async function history({ target, context }: Session, indicateCurrent: boolean): Promise<Answer> {
  const view = await look(target, context);
  const { order } = target.settings;
  const migrations = ordered(view.files.migrations, order);
  const entries = new Map(view.history.entries.map((entry) => [entry.revision, entry]));
  const current = new Set(currentOf(view.files.migrations, view.history, order));
  const heads = new Set(headsOf(view.files.migrations, order));
  const rows = migrations.toReversed().map((migration) => {
    const entry = entries.get(migration.id);
    return {
      revision: migration.id,
      parents: [...(migration.revises ?? []), ...migration.depends],
      file: migration.file,
      phase: migration.phase,
      head: heads.has(migration.id),
      current: current.has(migration.id),
      applied: entry?.state === "applied",
      executedAt: entry?.executedAt ?? null,
      durationMs: entry?.durationMs ?? null,
      executedBy: entry?.executedBy ?? null,
      host: entry?.host ?? null,
      gitCommit: entry?.gitCommit ?? null,
    };
  });
  const lines = rows.map((row) => {
    const marks = [...(row.head ? ["head"] : []), ...(indicateCurrent && row.current ? ["current"] : [])];
    const parents = row.parents.length === 0 ? "" : `${row.parents.join(", ")} -> `;
    return `${parents}${row.revision}${marks.length === 0 ? "" : ` (${marks.join(", ")})`}`;
  });
  return {
    json: { target: target.name, current: [...current], migrations: rows },
    text: lines.join("\n"),
    result: true,
  };
}

interface LogRow extends Row {
  readonly at: Date;
  readonly runId: string;
  readonly event: string;
  readonly revision: string | null;
  readonly durationMs: number | null;
  readonly executedBy: string;
  readonly host: string;
}

const LOG_ROWS = 1000;

async function log({ target, context }: Session): Promise<Answer> {
  const rows = await withConnection(target, context, async (connection) => {
    // What the log says is what somebody wants to see where the rest of the ledger is damaged.
    const { created, damage } = await target.ledger.read(connection, { evenDamaged: true });
    if (!created || damage?.tables.includes("migration_log") === true) return [];
    return restored((await connection.query<LogRow>(target.ledger.sql.readLog(LOG_ROWS))).rows);
  });
  const lines = rows.map(({ at, event, revision, durationMs, executedBy, host }) => {
    const took = durationMs === null ? "" : ` in ${formatDuration(durationMs)}`;
    return `${timeOf(at)}  ${event} ${revision ?? ""}${took} by ${executedBy} on ${host}`;
  });
  return {
    json: { target: target.name, log: rows },
    text: lines.length === 0 ? "Nothing has been done here yet." : lines.join("\n"),
    result: true,
  };
}
