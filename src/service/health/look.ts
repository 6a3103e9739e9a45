/** One look at a database: what is applied, who is at work, and what that run waits for. It takes no lock. */
import { blockersOf, type Observed } from "../../database/blockers.ts";
import type { Connection } from "../../database/connection.ts";
import type { Holder } from "../../lock/lock.ts";
import { findHolder, lockKey } from "../../lock/session.ts";
import { lockSql } from "../../lock/sql.ts";
import { applicationNameOf, withConnection } from "../../run/session/connect.ts";
import type { RunContext, Target } from "../../run/session/target.ts";
import { type StatusOptions, statusOf } from "../../run/status.ts";
import { sessionInTheWay } from "./now.ts";
import type { WaitingFor } from "./snapshot.ts";
import type { DatabaseState } from "./state.ts";

export async function lookAt(
  target: Target,
  options: StatusOptions,
  context: RunContext,
): Promise<DatabaseState> {
  // The next look comes soon, so this one tries once.
  const once = { ...target, settings: { ...target.settings, connectAttempts: 1 } };
  const { running, failed } = await workOn(once, context);
  const { migrations, problems, upToDate } = await statusOf(once, options, context);
  const isPending = new Set(
    migrations.filter(({ state }) => !DONE.includes(state)).map((row) => row.revision),
  );
  const tried = failed.filter((revision) => isPending.has(revision));
  const failures = [
    ...problems.map(({ code }) => ({ code, revision: null })),
    ...tried.map((revision) => ({ code: "STEP_FAILED", revision })),
  ];
  const pending = isPending.size;
  if (running !== null) return { status: "running", pending, waitingFor: running.waitingFor, failures: [] };
  const status = upToDate ? "completed" : failures.length > 0 ? "failed" : "unknown";
  return { status, pending, waitingFor: null, failures };
}

const DONE: readonly string[] = ["applied", "held", "without file"];

interface LockState {
  /** `null`: nobody holds the lock. */
  readonly running: { readonly waitingFor: WaitingFor | null } | null;
  /** Revisions about which the log last says that they failed. */
  readonly failed: readonly string[];
}

async function workOn(target: Target, context: RunContext): Promise<LockState> {
  const { schema } = target.ledger;
  return withConnection(target, context, async (connection) => {
    const holder = await findHolder(connection, lockKey(schema), lockSql(schema));
    if (holder === null) return { running: null, failed: await failedIn(target, connection) };
    const session = sessionOf(holder);
    const [blocker] = session === null ? [] : await blockersOf(connection, session);
    return { running: { waitingFor: sessionInTheWay(blocker) }, failed: [] };
  });
}

/** A lease says which run has it, but not in which session that is now. */
function sessionOf({ pid, runId }: Holder): Observed | null {
  if (pid !== null) return { pid };
  return runId === null ? null : { applicationName: applicationNameOf({ runId }) };
}

async function failedIn({ ledger }: Target, connection: Connection): Promise<readonly string[]> {
  const { created, damage } = await ledger.read(connection, { evenDamaged: true });
  if (!created || damage?.tables.includes("migration_log") === true) return [];
  const { rows } = await connection.query<{ event: string; revision: string | null }>(
    ledger.sql.readLog(LOG_ROWS),
  );
  const newest = new Map<string, string>();
  for (const { event, revision } of rows)
    if (revision !== null && !newest.has(revision)) newest.set(revision, event);
  return [...newest].filter(([, event]) => event === "failed").map(([revision]) => revision);
}

/** A failure further back has been followed by others. */
const LOG_ROWS = 200;

/** What was found of several targets: the worst of them, and what one of them waits for. */
export function together(found: readonly DatabaseState[]): DatabaseState {
  const has = (status: DatabaseState["status"]) => found.some((each) => each.status === status);
  const pending = found.map((each) => each.pending);
  return {
    status: has("failed") ? "failed" : has("running") ? "running" : has("unknown") ? "unknown" : "completed",
    pending: pending.some((each) => each === null)
      ? null
      : pending.reduce<number>((sum, each) => sum + (each ?? 0), 0),
    waitingFor: found.find((each) => each.waitingFor !== null)?.waitingFor ?? null,
    failures: found.flatMap((each) => each.failures),
  };
}
