/**
 * A text that begins and ends transactions itself, cut where it ends them: each unit is to be carried out as a whole.
 *
 * What stands in front of a `BEGIN` belongs to the same unit: in one message the server has it in one transaction with
 * what follows. What cannot run inside a transaction is a unit of its own, as it is for the server.
 */
import { classify, isTransactional, type StatementKind } from "./classify.ts";
import { type Statement, splitStatements } from "./statements.ts";

export interface Unit extends Statement {
  readonly kind: StatementKind;
  /** More than one statement, separated by `;`. */
  readonly several: boolean;
}

export interface Units {
  /** The text with a space for every character of its `BEGIN`s and `COMMIT`s: offsets stay what they are. */
  readonly text: string;
  readonly units: readonly Unit[];
  /** One that cannot be carried out for it, such as `ROLLBACK` or `COMMIT AND CHAIN`. */
  readonly refused: Statement | null;
}

const PLAIN =
  /^(?:begin(?:\s+(?:work|transaction))?|start\s+transaction|(?:commit|end)(?:\s+(?:work|transaction))?)$/i;
const ENDS = /^(?:commit|end)\b/i;

/** Never throws. `text` is canonical. */
export function transactionUnits(text: string): Units {
  const units: Unit[] = [];
  const blanks: Statement[] = [];
  let refused: Statement | null = null;
  let open: Statement[] = [];
  for (const statement of splitStatements(text)) {
    const kind = classify(statement);
    if (kind.kind === "transaction-control") {
      if (!PLAIN.test(statement.text.replace(COMMENT, " ").trim())) refused ??= statement;
      blanks.push(statement);
      if (ENDS.test(statement.text)) close();
    } else if (isTransactional(kind)) open.push(statement);
    else {
      close();
      units.push({ ...statement, kind, several: false });
    }
  }
  close();
  return { text: blanked(text, blanks), units, refused };

  function close(): void {
    const [first] = open;
    const last = open.at(-1);
    if (first !== undefined && last !== undefined) {
      const inside = blanks.filter(({ start }) => start > first.start && start < last.start);
      const whole = blanked(text.slice(first.start, last.end), inside, first.start);
      const several = open.length > 1;
      units.push({
        text: whole,
        start: first.start,
        end: last.end,
        line: first.line,
        kind: several ? { kind: "ordinary" } : classify(first),
        several,
      });
    }
    open = [];
  }
}

// One without an end goes on to the end, so that it is looked for once.
const COMMENT = /--[^\n]*|\/\*.*?(?:\*\/|$)/gs;

function blanked(text: string, statements: readonly Statement[], offset = 0): string {
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
