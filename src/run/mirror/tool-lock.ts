/** Takes the lock of another tool while we run or adopt its migrations, in the same way as the tool itself does. */
import { endSession } from "../../core/sql/end-session.ts";
import { literal } from "../../core/sql/quote.ts";
import type { Connection } from "../../database/connection.ts";
import { DatabaseError, PlanRefused } from "../../errors.ts";
import type { Holder as LockHolder } from "../../lock/lock.ts";
import { delay } from "../../std/time.ts";
import { nameOf, type Relation, type Tool } from "../../tools/tool.ts";
import type { RunContext, Target } from "../session/target.ts";
import type { FoundHistory } from "./histories.ts";

/** The advisory lock of a tool, which a session can hold. */
export interface Advisory {
  readonly keys: readonly bigint[];
  readonly title: string;
}

export function advisoryOf(tool: Tool | undefined, found: Relation | undefined, { server }: Connection) {
  if (tool?.advisoryKeys === undefined) return null;
  // The key may depend on the name of the table, which may not exist yet.
  const table = found ?? { schema: "public", name: tool.table, columns: {}, readable: true };
  return { keys: tool.advisoryKeys(table, server.database), title: tool.title };
}

const POLL_MS = 250;
const REPORT_EVERY_MS = 10_000;

/**
 * Waits for the tool's lock and holds it in this session. Throws `PlanRefused` (`ADOPT_TOOL_RUNNING`) after
 * `lockWaitMs`.
 */
export async function holdToolLock(
  target: Target,
  connection: Connection,
  { keys, title }: Advisory,
  context: RunContext,
): Promise<void> {
  const began = performance.now();
  let reportAtMs = 0;
  while (!(await tryAdvisory(connection, keys, "session"))) {
    const waitedMs = performance.now() - began;
    if (waitedMs > target.settings.lockWaitMs) throw toolRunning(title, await holderOf(connection, keys));
    if (waitedMs >= reportAtMs) {
      reportAtMs += REPORT_EVERY_MS;
      const holder = asLockHolder(await holderOf(connection, keys));
      context.observe({ kind: "lock-waiting", holder, waitedMs, tool: title });
    }
    await delay(POLL_MS, context.signal);
  }
  const waitedMs = performance.now() - began;
  if (reportAtMs > 0) context.observe({ kind: "lock-acquired", waitedMs });
}

function asLockHolder(holder: Holder | null): LockHolder | null {
  if (holder === null) return null;
  const { pid, name, state, since } = holder;
  const doing = `${name === "" ? "" : `${name}, `}${state} since ${since}`;
  const unknown = { host: null, user: null, runId: null, heldForMs: null };
  return { ...unknown, pid, doing, release: endSession(pid) };
}

export function toolRunning(title: string, holder: Holder | null = null): PlanRefused {
  const [who, otherwise] =
    holder === null
      ? ["", ""]
      : [
          ` (process ${holder.pid}${holder.name === "" ? "" : ` of ${holder.name}`}, ${holder.state} since ${holder.since})`,
          ` If nobody is at work there, end that session: ${endSession(holder.pid)}.`,
        ];
  return new PlanRefused([
    {
      code: "ADOPT_TOOL_RUNNING",
      message: `${title} is at work on this database: it holds its lock${who}.`,
      hint: `Wait until it is done, then run again.${otherwise} Nothing was changed.`,
    },
  ]);
}

/**
 * Throws `PlanRefused` (`ADOPT_TOOL_RUNNING`) while the tool's lock is held, for tools whose lock is a row of a
 * table.
 */
export async function refuseLockedRow(
  connection: Connection,
  { tool, table, all }: Pick<FoundHistory, "tool" | "table" | "all">,
): Promise<void> {
  const held = tool.lockedBy?.(table, all) ?? null;
  if (held === null) return;
  const { rows } = await connection.query<{ who: string | null; release: string }>(held);
  const [row] = rows;
  if (row !== undefined) throw rowLocked(tool.title, row);
}

/** Keeps the tool out while we write to our ledger and to its history without running a migration. */
export async function keepToolOut(
  target: Target,
  connection: Connection,
  advisory: Advisory,
  context: RunContext,
): Promise<void> {
  if (connection.capabilities.session) return holdToolLock(target, connection, advisory, context);
  // Behind a pooler another session would have the lock after the transaction. So this only checks that nobody holds
  // it.
  if (!(await tryAdvisory(connection, advisory.keys, "transaction"))) throw toolRunning(advisory.title);
}

export interface Holder {
  readonly pid: number;
  /** The `application_name` of the session. */
  readonly name: string;
  readonly state: string;
  readonly since: string;
}

/** The session that holds one of these keys. A tool that died behind a pooler leaves such a session idle forever. */
async function holderOf(connection: Connection, keys: readonly bigint[]): Promise<Holder | null> {
  const list = keys.map((key) => `${literal(String(key))}::bigint`).join(", ");
  const { rows } = await connection.query<{ [column in keyof Holder]: Holder[column] }>(
    `select l.pid, coalesce(a.application_name, '') as name, coalesce(a.state, 'unknown') as state, coalesce(date_trunc('second', a.state_change)::text, '?') as since
     from pg_catalog.pg_locks l left join pg_catalog.pg_stat_activity a on a.pid = l.pid
     where l.locktype = 'advisory' and l.granted and l.objsubid = 1 and l.pid <> pg_backend_pid()
       and l.database = (select oid from pg_catalog.pg_database where datname = current_database())
       and ((l.classid::bigint << 32) | l.objid::bigint) in (${list}) limit 1`,
  );
  return rows[0] ?? null;
}

/**
 * Keeps the tool out until the end of the transaction. Throws `PlanRefused` (`ADOPT_TOOL_RUNNING`) if it is at work.
 */
export async function holdTool(connection: Connection, found: FoundHistory): Promise<void> {
  const { tool, table } = found;
  const keys = tool.advisoryKeys?.(table, connection.server.database);
  if (keys !== undefined && !(await tryAdvisory(connection, keys, "transaction")))
    throw toolRunning(tool.title);
  await refuseLockedRow(connection, found);
  try {
    await connection.execute(`lock table ${nameOf(table)} in access exclusive mode`);
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    if (error.sqlState === "55P03") throw toolRunning(tool.title);
    // A role that can only read cannot lock the table. A consistent snapshot is enough to look at it.
    if (error.sqlState !== "42501") throw error;
    await connection.execute("rollback; begin isolation level repeatable read");
  }
}

function rowLocked(title: string, { who, release }: { who: string | null; release: string }): PlanRefused {
  return new PlanRefused([
    {
      code: "ADOPT_TOOL_RUNNING",
      message: `${title} is at work on this database, or a run of it died: its lock is held${who === null ? "" : ` by ${who}`}.`,
      hint: `Wait until it is done. If nobody is at work, release it: ${release}. Nothing was changed.`,
    },
  ]);
}

/** Tries to take all of the keys, without waiting. A lock with scope `session` lasts until the session ends. */
async function tryAdvisory(
  connection: Connection,
  keys: readonly bigint[],
  scope: "transaction" | "session",
): Promise<boolean> {
  const name = scope === "session" ? "pg_try_advisory_lock" : "pg_try_advisory_xact_lock";
  const list = keys.map((key) => `${name}(${literal(String(key))}::bigint)`);
  const { rows } = await connection.query<{ locked: boolean }>(`select ${list.join(" and ")} as locked`);
  return rows[0]?.locked === true;
}
