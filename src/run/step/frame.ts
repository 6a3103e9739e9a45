/**
 * The SQL around a migration, as text: what the runner sends and what `up --sql` prints is the same.
 *
 * A transactional step is three messages, sent without waiting for the answers:
 *
 *   open   BEGIN, reset of the session, fence, ledger row        (a second runner waits on the row's key here)
 *   body   the migration's own text, untouched                 (so that positions in errors are those of the file)
 *   close  constraints checked, own settings, ledger row completed, COMMIT
 *
 * The order is safe although nothing waits. A message that fails in the transaction leaves it failed, and
 * every later message fails with 25P02 without effect. A message that cannot even be parsed runs nothing,
 * which is why `BEGIN` is not in the same message as the body. `COMMIT` of a failed transaction would quietly
 * be a rollback, which is why it comes behind other statements in one message: the first of them fails.
 * And `COMMIT` itself would end the transaction when a deferred constraint fails, which is why these are
 * checked first, still in the settings of the migration that they belong to.
 */
import type { Direction } from "../../core/migration.ts";
import type { TransactionModes } from "../../core/sql/transaction-modes.ts";
import type { Author, Entry } from "../../ledger/rows.ts";
import type { LedgerSql } from "../../ledger/sql.ts";
import type { MirrorSql } from "../mirror/mirror.ts";
import { CALM, FORGET_TIMEOUT, withinFile } from "../session/settings.ts";
import { begin } from "../session/transaction.ts";

export interface StepFrame {
  readonly open: string;
  readonly close: string;
}

export interface FrameParts {
  readonly ledger: LedgerSql;
  readonly author: Author;
  readonly reset: string;
  readonly fence: string;
  /** `ownRole`, or nothing where the role is left to who runs the script. */
  readonly ownRole: string;
  /** Right before the COMMIT: `guardOf` and `leaveSession`. */
  readonly leave: string;
  /** Another tool's history, in the same transaction. */
  readonly mirror: MirrorSql;
  /** `indexGuard` of the text, in the settings that it leaves. */
  readonly indexes?: string | undefined;
  /** How the transaction begins, where the migration chooses that. */
  readonly modes?: TransactionModes | undefined;
}

/** Deferred constraints, while an error still leaves the transaction failed. */
const CONSTRAINTS = `${CALM}; set constraints all immediate;`;

function commit({ leave }: FrameParts): string {
  return `${leave} commit`;
}

/**
 * A module can end the transaction; for one that then fails the row must not say `applied`, so its row is `partial`
 * until the end.
 */
export function applyFrame(
  parts: FrameParts,
  entry: Entry,
  state: "applied" | "partial" = "applied",
): StepFrame {
  const replace =
    entry.kind === "repeatable" || entry.again === true ? `${parts.ledger.remove(entry.revision)}; ` : "";
  return {
    open: `${begin(parts.modes)} ${parts.reset} ${parts.fence} ${parts.mirror.open} ${replace}${parts.ledger.insert(entry, parts.author, state)}`,
    close: `${CONSTRAINTS} ${parts.indexes ?? ""} ${parts.ownRole} ${parts.ledger.complete(entry.revision, parts.author)}; ${parts.mirror.check} ${parts.mirror.row} ${commit(parts)}`,
  };
}

export function revertFrame(parts: FrameParts, revision: string): StepFrame {
  return {
    open: `${begin(parts.modes)} ${parts.reset} ${parts.fence} ${parts.mirror.open}`,
    close: `${CONSTRAINTS} ${parts.indexes ?? ""} ${parts.ownRole} ${parts.ledger.revert(revision, parts.author)}; ${parts.mirror.check} ${parts.mirror.row} ${commit(parts)}`,
  };
}

/** One statement of a non-transactional migration, with its done row in the same transaction. */
export function statementFrame(parts: FrameParts, done: string): StepFrame {
  return {
    open: `${begin(parts.modes)} ${withinFile(parts.reset)} ${parts.fence}`,
    // Its own timeout is for the statements behind it too.
    close: `${CONSTRAINTS} ${parts.indexes ?? ""} ${parts.ownRole} ${done}; ${commit({ ...parts, leave: parts.leave.replace(FORGET_TIMEOUT, "") })}`,
  };
}

/** Something of our own between two statements of a file, in a transaction of its own. `first`: before our own role. */
export function ownTransaction({ ownRole, fence }: FrameParts, sql: string, first = ""): string {
  return `${begin()} ${first} ${inTransaction({ ownRole, fence }, sql)}`;
}

/** Its second half, where its beginning is a message of its own. */
export function inTransaction(
  { ownRole, fence }: Pick<FrameParts, "ownRole" | "fence">,
  sql: string,
): string {
  return `${ownRole} ${fence} ${sql}; commit`;
}

/** For the last statement of a step outside a transaction. */
export function closing(parts: FrameParts, direction: Direction, entry: Entry): string {
  const row =
    direction === "up"
      ? parts.ledger.completePartial(entry, parts.author)
      : parts.ledger.revert(entry.revision, parts.author);
  // Its statements took their time, in which the tool may have done the same.
  return `${begin()} ${parts.ownRole} ${parts.fence} ${parts.mirror.closing} ${row}; ${parts.mirror.row} ${CONSTRAINTS} ${commit(parts)}`;
}
