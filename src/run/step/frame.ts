/**
 * The SQL around a migration, as text. The runner sends it, and `up --sql` prints it.
 *
 * A transactional step is three messages, sent without waiting for the answers:
 *
 *   open   BEGIN, reset of the session, fence, ledger row        (a second runner waits on the row's key here)
 *   body   the migration's own text, untouched                 (so that positions in errors are those of the file)
 *   close  constraints checked, own settings, ledger row completed, COMMIT
 *
 * The order is safe although nothing waits:
 *
 * - A message that fails leaves the transaction failed. Every later message then fails with 25P02 and has no effect.
 * - A message that can't be parsed runs nothing. Therefore `BEGIN` is not in the same message as the body.
 * - `COMMIT` of a failed transaction would be a silent rollback. Therefore other statements stand before it in its
 *   message, and the first of them fails.
 * - A deferred constraint that fails at `COMMIT` would end the transaction. Therefore constraints are checked first,
 *   while the migration's own settings still hold.
 */
import type { Direction } from "../../core/migration.ts";
import type { ExpectationGuard } from "../../core/sql/expectation-guard.ts";
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
  /** `ownRole`, or nothing where whoever runs the script chooses the role. */
  readonly ownRole: string;
  /** `guardOf` and `leaveSession`, right before the COMMIT. */
  readonly leave: string;
  /** The SQL for another tool's history, in the same transaction. */
  readonly mirror: MirrorSql;
  /** `indexGuard` of the text. It runs in the settings that the text leaves. */
  readonly indexes?: string | undefined;
  /** `expectationGuard` of the migration, on the way up. */
  readonly expected?: ExpectationGuard | undefined;
  /** How the transaction begins, where the migration chooses that. */
  readonly modes?: TransactionModes | undefined;
}

/** Checks deferred constraints while an error still leaves the transaction failed. */
const CONSTRAINTS = `${CALM}; set constraints all immediate;`;
/** So many statements that is. */
export const OF_CONSTRAINTS = 2;

function commit({ leave }: FrameParts): string {
  return `${leave} commit`;
}

/**
 * A module can end the transaction and then fail, and its row must not say `applied`. Its row is `partial`
 * until the end.
 */
export function applyFrame(
  parts: FrameParts,
  entry: Entry,
  state: "applied" | "partial" = "applied",
): StepFrame {
  const replace =
    entry.kind === "repeatable" || entry.again === true ? `${parts.ledger.remove(entry.revision)}; ` : "";
  // Behind the row of the ledger, which is none of the rows that are counted.
  const counted = parts.expected?.before ?? "";
  const before = counted === "" ? "" : `; ${counted}`;
  return {
    open: `${begin(parts.modes)} ${parts.reset} ${parts.fence} ${parts.mirror.open} ${replace}${parts.ledger.insert(entry, parts.author, state)}${before}`,
    close: `${CONSTRAINTS} ${parts.indexes ?? ""} ${parts.expected?.after ?? ""} ${parts.ownRole} ${parts.ledger.complete(entry.revision, parts.author)}; ${parts.mirror.check} ${parts.mirror.row} ${commit(parts)}`,
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
    // A timeout that the statement sets holds for the statements behind it too.
    close: `${CONSTRAINTS} ${parts.indexes ?? ""} ${parts.ownRole} ${done}; ${commit({ ...parts, leave: parts.leave.replace(FORGET_TIMEOUT, "") })}`,
  };
}

/** A transaction of the run's own between two statements of a file. `first` runs before the run's own role is set. */
export function ownTransaction({ ownRole, fence }: FrameParts, sql: string, first = ""): string {
  return `${begin()} ${first} ${inTransaction({ ownRole, fence }, sql)}`;
}

/** The second half of `ownTransaction`, where `BEGIN` was sent in a message of its own. */
export function inTransaction(
  { ownRole, fence }: Pick<FrameParts, "ownRole" | "fence">,
  sql: string,
): string {
  return `${ownRole} ${fence} ${sql}; commit`;
}

/** The last transaction of a step that runs outside one. */
export function closing(parts: FrameParts, direction: Direction, entry: Entry): string {
  const row =
    direction === "up"
      ? parts.ledger.completePartial(entry, parts.author)
      : parts.ledger.revert(entry.revision, parts.author);
  // The statements took their time, and another tool may have run the same step meanwhile.
  const queries = parts.expected?.queries ?? "";
  const asked = queries === "" ? "" : `${withinFile(parts.reset)} ${queries}`;
  return `${begin()} ${asked} ${parts.ownRole} ${parts.fence} ${parts.mirror.closing} ${row}; ${parts.mirror.row} ${CONSTRAINTS} ${commit(parts)}`;
}
