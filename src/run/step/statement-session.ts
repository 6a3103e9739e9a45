/** The session of a statement: it begins with what the file has set before, and what it sets is kept for the next one. */
import type { Result } from "../../database/connection.ts";
import { DatabaseError } from "../../errors.ts";
import type { FileExecution } from "./file-execution.ts";
import { readOpened, replay, replayTimeout, type SessionState, withoutLockTimeout } from "./session-state.ts";

export function statementTimeoutOf({ context }: FileExecution): number {
  return context.target.settings.statementTimeoutMs;
}

/** At the end of a transaction of ours: what the file has set is put back right before its next statement. */
export const NO_TIMEOUT = "; set statement_timeout = 0";

/** Whether anything was sent for it. */
export async function putTimeout({ context, state }: FileExecution): Promise<boolean> {
  const put = replayTimeout(state);
  if (put !== null) await context.connection.execute(put);
  return put !== null;
}

/** Takes the statement timeout of the session away, and returns it. */
export async function takeTimeout({ context }: FileExecution): Promise<string | null> {
  const results = await context.connection.execute(
    "select pg_catalog.current_setting('statement_timeout') as timeout; set statement_timeout = 0",
  );
  return answerOf(results, "timeout");
}

/** Resets the session, and puts into it what the file has done so far. Returns what it is like in between, for `between`. */
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

/** What the file has set of the encoding must not count for its own next statement, which is sent as UTF-8. */
export const SPEAK_UTF8 = "set client_encoding = 'UTF8';";

/** The next statement begins with the session that this one has left. */
export function carryOn(execution: FileExecution, results: readonly Result[]): void {
  const answer = answerOf(results, "session");
  if (answer === null) return;
  keepGoing(execution, JSON.parse(answer) as SessionState);
}

/** What the file does not name it has not meant to set. */
export function keepGoing(execution: FileExecution, state: SessionState): void {
  execution.state = execution.setsLockTimeout ? state : withoutLockTimeout(state);
  execution.settings = [];
}

function answerOf(results: readonly Result[], name: string): string | null {
  const answer = results.find(({ rows }) => rows[0]?.[name] !== undefined)?.rows[0]?.[name];
  return typeof answer === "string" ? answer : null;
}

/** Behind a pooler nothing can be set for a statement outside a transaction: it may run in any session. */
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
