/** Whether a text can be the statement of a backfill: one, with the place for the condition of its window. Pure. */
import { splitStatements } from "../core/sql/statements.ts";
import { windowMarks } from "../core/sql/window.ts";

export interface StatementFault {
  /** Goes on behind the name of the file. */
  readonly message: string;
  readonly hint: string;
  /** The offset in the text, in UTF-16 units. */
  readonly start: number;
}

export function statementFault(text: string): StatementFault | null {
  const [first, second] = splitStatements(text);
  if (second !== undefined)
    return {
      message: "is a backfill of more than one statement.",
      hint: "Write one statement, which runs for each window. What prepares it goes into a migration before it.",
      start: second.start,
    };
  if (first !== undefined && windowMarks(first.text).length > 0) return null;
  return {
    message:
      first === undefined
        ? "is a backfill without a statement."
        : "is a backfill whose statement does not say where its window goes.",
    hint: "Put :window into its WHERE, or :window(p) where the table has the alias p: update products p set … where :window(p) and p.slug is null",
    start: first?.start ?? 0,
  };
}
