/** The session of a statement. It begins with what the file has set before, and keeps what the statement sets. */
import type { Result } from "../../database/connection.ts";
import { DatabaseError } from "../../errors.ts";
import type { FileExecution } from "./file-execution.ts";
import { readOpened, replay, replayTimeout, type SessionState, withoutLockTimeout } from "./session-state.ts";

export function statementTimeoutOf({ context }: FileExecution): number {
  return context.target.settings.statementTimeoutMs;
}

/**
 * Stands at the end of the run's own transactions. The file's timeout is set again right before its next
 * statement.
 */
export const NO_TIMEOUT = "; set statement_timeout = 0";

/** Sets the file's statement timeout again. Returns whether anything was sent. */
export async function putTimeout({ context, state }: FileExecution): Promise<boolean> {
  const put = replayTimeout(state);
  if (put !== null) await context.connection.execute(put);
  return put !== null;
}

/** Removes the session's statement timeout and returns it. */
export async function takeTimeout({ context }: FileExecution): Promise<string | null> {
  const results = await context.connection.execute(
    "select pg_catalog.current_setting('statement_timeout') as timeout; set statement_timeout = 0",
  );
  return answerOf(results, "timeout");
}

/**
 * Resets the session, calls `between`, and then sets what the file has set so far. Returns the settings of the
 * reset session.
 */
export async function openSession(
  execution: FileExecution,
  reset: string,
  between?: () => Promise<void>,
): Promise<string> {
  const { connection } = execution.context;
  const put = `${execution.settings.join(" ")} ${SPEAK_UTF8} ${replay(execution.state)}`;
  const results = await connection.execute(`${reset} ${readOpened(execution.custom)} ${between ? "" : put}`);
  if (between !== undefined) {
    await between();
    await connection.execute(put);
  }
  return answerOf(results, "opened") ?? "{}";
}

/** An encoding that the file sets must not hold for its own next statement, which is sent as UTF-8. */
export const SPEAK_UTF8 = "set client_encoding = 'UTF8';";

/** The next statement begins with the session that this one has left. */
export function carryOn(execution: FileExecution, results: readonly Result[]): void {
  const answer = answerOf(results, "session");
  if (answer === null) return;
  keepGoing(execution, JSON.parse(answer) as SessionState);
}

/** Keeps a lock timeout only if the file names it. Otherwise the file did not mean to set it. */
export function keepGoing(execution: FileExecution, state: SessionState): void {
  execution.state = execution.setsLockTimeout ? state : withoutLockTimeout(state);
  execution.settings = [];
}

function answerOf(results: readonly Result[], name: string): string | null {
  const answer = results.find(({ rows }) => rows[0]?.[name] !== undefined)?.rows[0]?.[name];
  return typeof answer === "string" ? answer : null;
}

/** Behind a pooler nothing can be set for a statement outside a transaction, because it may run in any session. */
export function refuseSettings({ context: { target, connection }, settings }: FileExecution): void {
  const { searchPath, role } = target.settings;
  if (searchPath === null && role === null && settings.length === 0) return;
  const what =
    role !== null ? "a role" : searchPath !== null ? "a search_path" : `what the file sets (${settings[0]})`;
  throw new DatabaseError({
    code: "DATABASE_POOLED",
    message: `A statement outside a transaction cannot be given ${what} through a pooler in transaction mode.`,
    hint: connection.pooler,
  });
}
