/** The session of a statement: it begins with what the file has set before, and what it sets is kept for the next one. */
import type { Result } from "../../database/connection.ts";
import { DatabaseError } from "../../errors.ts";
import type { Job } from "./file-execution.ts";
import { readOpened, replay, replayTimeout, type SessionState, withoutLockTimeout } from "./session-state.ts";

export function statementTimeoutOf({ work }: Job): number {
  return work.target.settings.statementTimeoutMs;
}

/** At the end of a transaction of ours: what the file has set is put back right before its next statement. */
export const NO_TIMEOUT = "; set statement_timeout = 0";

/** Whether anything was sent for it. */
export async function putTimeout({ work, state }: Job): Promise<boolean> {
  const put = replayTimeout(state);
  if (put !== null) await work.connection.execute(put);
  return put !== null;
}

/** Takes the statement timeout of the session away, and returns it. */
export async function takeTimeout({ work }: Job): Promise<string | null> {
  const results = await work.connection.execute(
    "select pg_catalog.current_setting('statement_timeout') as timeout; set statement_timeout = 0",
  );
  return answerOf(results, "timeout");
}

/** Resets the session, and puts into it what the file has done so far. Returns what it is like in between, for `between`. */
export async function openSession(job: Job, reset: string, between?: () => Promise<void>): Promise<string> {
  const { connection } = job.work;
  const put = `${job.settings.join(" ")} ${SPEAK_UTF8} ${replay(job.state)}`;
  const results = await connection.execute(`${reset} ${readOpened(job.custom)} ${between ? "" : put}`);
  if (between !== undefined) {
    await between();
    await connection.execute(put);
  }
  return answerOf(results, "opened") ?? "{}";
}

/** What the file has set of the encoding must not count for its own next statement, which is sent as UTF-8. */
export const SPEAK_UTF8 = "set client_encoding = 'UTF8';";

/** The next statement begins with the session that this one has left. */
export function carryOn(job: Job, results: readonly Result[]): void {
  const answer = answerOf(results, "session");
  if (answer === null) return;
  keepGoing(job, JSON.parse(answer) as SessionState);
}

/** What the file does not name it has not meant to set. */
export function keepGoing(job: Job, state: SessionState): void {
  job.state = job.setsLockTimeout ? state : withoutLockTimeout(state);
  job.settings = [];
}

function answerOf(results: readonly Result[], name: string): string | null {
  const answer = results.find(({ rows }) => rows[0]?.[name] !== undefined)?.rows[0]?.[name];
  return typeof answer === "string" ? answer : null;
}

/** Behind a pooler nothing can be set for a statement outside a transaction: it may run in any session. */
export function refuseSettings({ work: { target, connection }, settings }: Job): void {
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
