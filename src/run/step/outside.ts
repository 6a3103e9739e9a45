/**
 * Whether the server accepts a statement inside a transaction, where the text of the statement doesn't tell.
 *
 * The SQLSTATE of an error says nothing about that, because a migration can raise any. The server's own
 * function that raised the error does.
 */
import type { StatementKind } from "../../core/sql/classify.ts";
import { accept } from "../../core/sql/cursor.ts";
import { UNSAFE_NEW_ENUM_VALUE } from "../../database/sqlstate.ts";
import { DatabaseError } from "../../errors.ts";

/** `commits` means that the statement may have committed a part of its work before it failed. */
export type OutsideNeed = { readonly commits: boolean };

/**
 * What a statement needs that failed in a transaction of the runner's, where nothing else is in that
 * transaction. `null` means that the failure is an ordinary error.
 */
export function needsOutside(error: unknown, { text }: { readonly text: string }): OutsideNeed | null {
  if (!(error instanceof DatabaseError) || error.routine === undefined) return null;
  if (REFUSE_BLOCKS.has(error.routine)) return { commits: false };
  const mayCommit = accept({ text, at: 0 }, "call") || accept({ text, at: 0 }, "do");
  return mayCommit && ENDS_TRANSACTION.has(error.routine) ? { commits: true } : null;
}

/** Whether the text says that the statement can be in a transaction. */
export function runsInTransaction({ kind }: { readonly kind: StatementKind }): boolean {
  return kind.kind === "ordinary" || kind.kind === "add-enum-value";
}

/**
 * Whether a server might refuse the statement inside a transaction. Such a statement runs outside just as well.
 * A script for psql can't try both ways, so it runs the statement outside.
 */
export function mayNeedOutside({ text }: { readonly text: string }): boolean {
  const begins = (word: string) => accept({ text, at: 0 }, word);
  return (
    mayCommit({ text }) ||
    begins("reindex") ||
    begins("cluster") ||
    /pg_create_logical_replication_slot/i.test(text)
  );
}

/** Whether the statement might commit by itself: a procedure, or a block that calls one or says so. */
export function mayCommit({ text }: { readonly text: string }): boolean {
  const begins = (word: string) => accept({ text, at: 0 }, word);
  return begins("do") ? /\b(?:call|commit|rollback)\b/i.test(text) : begins("call");
}

/**
 * The advice for an error that the transaction around several statements has caused. `marker` is how to do
 * without it.
 */
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

/**
 * The first refuses, among others, `REINDEX` and `CLUSTER` of partitioned tables. The second wants a
 * replication slot to be first in its transaction.
 */
const REFUSE_BLOCKS = new Set(["PreventInTransactionBlock", "CreateInitDecodingContext"]);
/** These raise at a `COMMIT` or `ROLLBACK` in a procedure or a block. */
const ENDS_TRANSACTION = new Set(["_SPI_commit", "_SPI_rollback"]);

/**
 * Whether the statement waits for other transactions in such a way that no reader or writer of rows waits
 * behind it. `DETACH PARTITION CONCURRENTLY` is not such a statement: at its end it needs the partition for
 * itself.
 */
export function mayWait({ kind }: Pick<StatementKind, "kind">): boolean {
  return (
    kind === "create-index-concurrently" ||
    kind === "drop-index-concurrently" ||
    kind === "reindex-concurrently"
  );
}
