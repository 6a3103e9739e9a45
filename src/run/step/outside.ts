/**
 * What the text of a statement does not tell: whether the server takes it inside a transaction. The error's code alone
 * says nothing, for a migration can raise any code; the server's own function that raised it does.
 */
import type { StatementKind } from "../../core/sql/classify.ts";
import { accept } from "../../core/sql/cursor.ts";
import { UNSAFE_NEW_ENUM_VALUE } from "../../database/sqlstate.ts";
import { DatabaseError } from "../../errors.ts";

/** `commits`: it may have committed a part of its work before a failure. */
export type OutsideNeed = { readonly commits: boolean };

/** For a statement that failed inside a transaction with nothing but the runner's own around it; `null`: it is an error. */
export function needsOutside(error: unknown, { text }: { readonly text: string }): OutsideNeed | null {
  if (!(error instanceof DatabaseError) || error.routine === undefined) return null;
  if (REFUSE_BLOCKS.has(error.routine)) return { commits: false };
  const mayCommit = accept({ text, at: 0 }, "call") || accept({ text, at: 0 }, "do");
  return mayCommit && ENDS_TRANSACTION.has(error.routine) ? { commits: true } : null;
}

/** By what its text tells. */
export function runsInTransaction({ kind }: { readonly kind: StatementKind }): boolean {
  return kind.kind === "ordinary" || kind.kind === "add-enum-value";
}

/**
 * Whether a server might refuse this inside a transaction, as far as the text tells without one. What is so runs outside as
 * well as inside, so a script for psql, which cannot try it both ways, runs it outside.
 */
export function mayNeedOutside({ text }: { readonly text: string }): boolean {
  const begins = (word: string) => accept({ text, at: 0 }, word);
  if (begins("do")) return /\b(?:call|commit|rollback)\b/i.test(text);
  return (
    begins("call") ||
    begins("reindex") ||
    begins("cluster") ||
    /pg_create_logical_replication_slot/i.test(text)
  );
}

/** What to do about an error that a transaction around several statements has caused; `marker`: how to do without one. */
export function outsideAdvice(
  { routine, sqlState }: DatabaseError,
  marker: string | null,
): string | undefined {
  const or = marker === null ? "" : `, or ${marker}`;
  if (routine === "check_safe_enum_use" && sqlState === UNSAFE_NEW_ENUM_VALUE)
    return `A new enum value is of no use in the transaction that adds it: put what uses it into the next migration${or}.`;
  if (routine === undefined || !(REFUSE_BLOCKS.has(routine) || ENDS_TRANSACTION.has(routine)))
    return undefined;
  return `It cannot run in one transaction with other statements: put it into a migration of its own${or}.`;
}

/** Partitioned `REINDEX` and `CLUSTER` among others; and a replication slot, which wants to be first in its transaction. */
const REFUSE_BLOCKS = new Set(["PreventInTransactionBlock", "CreateInitDecodingContext"]);
/** Of `COMMIT` and `ROLLBACK` in a procedure or a block. */
const ENDS_TRANSACTION = new Set(["_SPI_commit", "_SPI_rollback"]);

/**
 * These wait for other transactions, and nobody who reads or writes rows has to wait behind them. The detachment of a
 * partition is none of them: at its end it wants the partition for itself alone.
 */
export function mayWait({ kind }: Pick<StatementKind, "kind">): boolean {
  return (
    kind === "create-index-concurrently" ||
    kind === "drop-index-concurrently" ||
    kind === "reindex-concurrently"
  );
}
