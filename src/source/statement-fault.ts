/** Whether a text can be the statement of a backfill: one, with the place for the condition of its window. Pure. */
import { dataChanges } from "../core/sql/data-changes.ts";
import { setColumns } from "../core/sql/set-columns.ts";
import { splitStatements } from "../core/sql/statements.ts";
import { visibleMark, windowMarks } from "../core/sql/window.ts";
import { windowedTable } from "../core/sql/window-target.ts";

export interface StatementFault {
  /** Goes on behind the name of the file. */
  readonly message: string;
  readonly hint: string;
  /** The offset in the text, in UTF-16 units. */
  readonly start: number;
}

export function statementFault(
  text: string,
  { undo = false }: { readonly undo?: boolean } = {},
): StatementFault | null {
  const [first, second] = splitStatements(text);
  if (second !== undefined)
    return {
      message: "is a backfill of more than one statement.",
      hint: "Write one statement, which runs for each window. What prepares it goes into a migration before it.",
      start: second.start,
    };
  if (first !== undefined && windowMarks(first.text).length > 0)
    return undo ? undoFault(first.text, first.start) : null;
  return {
    message:
      first === undefined
        ? "is a backfill without a statement."
        : "is a backfill whose statement does not say where its window goes.",
    hint: "Put :window into its WHERE, or :window(p) where the table has the alias p: update products p set … where :window(p) and p.slug is null",
    start: first?.start ?? 0,
  };
}

/** The old values of a row are known where the statement says itself which row it changes, and which columns. */
function undoFault(text: string, start: number): StatementFault | null {
  // `windowedTable` reads no statement behind a WITH.
  const main = windowedTable(text) === null ? null : (dataChanges(text)?.main ?? null);
  if (main?.verb === "update" && !main.returns && visibleMark(text) !== null && setColumns(text) !== null)
    return null;
  return {
    message: "keeps old values (undo), and its statement is not an UPDATE of the table with the window.",
    hint: "Write a plain UPDATE without RETURNING, with the window of the table that it changes: update products p set … where :window(p). Or leave undo out.",
    start,
  };
}
