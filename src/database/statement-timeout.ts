/**
 * Whether a statement has come to its end by `statement_timeout`.
 *
 * A cancel has the same SQLSTATE, and the server says the difference in the language of `lc_messages`. Where its words are
 * not English, the time decides: a statement that was cancelled had not come to its limit yet. Pure.
 */
import type { DatabaseError } from "../errors.ts";
import { isOfUserCode, QUERY_CANCELED } from "./sqlstate.ts";

/** `limitMs`: 0 is no limit, and `null` one that the migration has set itself. */
export function isStatementTimeout(error: DatabaseError, limitMs: number | null): boolean {
  const { sqlState, routine, message, details } = error;
  if (sqlState !== QUERY_CANCELED || isOfUserCode(routine)) return false;
  if (ENGLISH.test(message)) return / statement timeout/.test(message);
  const tookMs = details?.tookMs;
  if (typeof tookMs !== "number" || limitMs === 0) return false;
  return limitMs === null || tookMs >= limitMs;
}

const ENGLISH = /^canceling /;
