/**
 * Cuts a text that begins and ends transactions itself. A unit ends where a transaction ends, and is carried out as a
 * whole.
 *
 * What comes before a `BEGIN` belongs to the same unit: if both are in one message, the server runs both in one
 * transaction. A statement that cannot run inside a transaction is a unit of its own, as it is for the server.
 */
import { classify, isTransactional, type StatementKind } from "./classify.ts";
import { type Statement, splitStatements } from "./statements.ts";
import {
  beginModes,
  isPlainCommit,
  leadingModes,
  readOnlyStatement,
  type TransactionModes,
} from "./transaction-modes.ts";

export interface Unit extends Statement {
  readonly kind: StatementKind;
  /** The unit has more than one statement, separated by `;`. */
  readonly several: boolean;
  /** How its transaction begins, according to its own `BEGIN` or a `SET TRANSACTION` before it. */
  readonly modes: TransactionModes;
}

export interface Units {
  /** The text with its `BEGIN`s and `COMMIT`s replaced by spaces. Offsets stay the same. */
  readonly text: string;
  readonly units: readonly Unit[];
  /** A statement that cannot be carried out this way, such as `ROLLBACK` or `COMMIT AND CHAIN`. */
  readonly refused: Statement | null;
  /** A statement that makes its transaction read-only. */
  readonly readOnly: Statement | null;
}

/** Never throws. `text` must be canonical. */
export function transactionUnits(text: string): Units {
  const units: Unit[] = [];
  const blanks: Statement[] = [];
  let refused: Statement | null = null;
  let readOnly: Statement | null = null;
  let open: Statement[] = [];
  let modes: TransactionModes = {};
  /** How many statements of the open unit come before its `BEGIN`. */
  let inFront = 0;
  for (const statement of splitStatements(text)) {
    const kind = classify(statement);
    if (kind.kind === "transaction-control") {
      const begun = beginModes(statement.text);
      const ends = isPlainCommit(statement.text);
      if (begun === null && !ends) refused ??= statement;
      if (begun?.readOnly === true) readOnly ??= statement;
      blanks.push(statement);
      modes = { ...modes, ...begun };
      if (ends) close();
      else inFront = open.length;
    } else if (isTransactional(kind)) open.push(statement);
    else {
      close();
      units.push({ ...statement, kind, several: false, modes: {} });
    }
  }
  close();
  return { text: blanked(text, blanks.toSorted(byStart)), units, refused, readOnly };

  function close(): void {
    const leading = [leadingModes(open.slice(0, inFront)), leadingModes(open.slice(inFront))] as const;
    const said = leading.flatMap((one) => one.said);
    readOnly ??= readOnlyStatement(open);
    blanks.push(...said);
    open = open.filter((statement) => !said.includes(statement));
    const [first] = open;
    const last = open.at(-1);
    if (first !== undefined && last !== undefined) {
      const inside = blanks
        .filter(({ start }) => start > first.start && start < last.start)
        .toSorted(byStart);
      const whole = blanked(text.slice(first.start, last.end), inside, first.start);
      const several = open.length > 1;
      units.push({
        text: whole,
        start: first.start,
        end: last.end,
        line: first.line,
        kind: several ? { kind: "ordinary" } : classify(first),
        several,
        // A session setting before a BEGIN applies to this transaction; one after it applies to the next.
        modes: { ...leading[0].session, ...modes, ...leading[0].modes, ...leading[1].modes },
      });
    }
    open = [];
    modes = {};
    inFront = 0;
  }
}

const byStart = (left: Statement, right: Statement) => left.start - right.start;

/** The text with these statements, which are in order, replaced by spaces. */
export function blanked(text: string, statements: readonly Statement[], offset = 0): string {
  const parts: string[] = [];
  let at = 0;
  for (const { start, end } of statements) {
    parts.push(
      text.slice(at, start - offset),
      text.slice(start - offset, end - offset).replace(/[^\n]/g, " "),
    );
    at = end - offset;
  }
  return parts.join("") + text.slice(at);
}
