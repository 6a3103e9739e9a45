/** What a step runs: a text with the places in its file, or a module. */
import { createHash } from "node:crypto";
import type { Backfill } from "../../core/backfill.ts";
import type { MigrationSettings } from "../../core/migration.ts";
import { classify, type StatementKind } from "../../core/sql/classify.ts";
import { excerptAt } from "../../core/sql/secrets.ts";
import { splitStatements } from "../../core/sql/statements.ts";
import { sessionModes, type TransactionModes } from "../../core/sql/transaction-modes.ts";
import type { Unit } from "../../core/sql/units.ts";
import type { Place } from "../../errors.ts";
import type { Content } from "../../source/source.ts";
import { codePointOffset, locate } from "../../std/text.ts";

export type Body =
  | {
      readonly kind: "sql";
      readonly text: string;
      /** The file's own text, where another one is run. */
      readonly written?: string | undefined;
      readonly file: string;
      readonly line: number;
      readonly settings?: MigrationSettings | undefined;
      /** One entry for each transaction that the file begins and ends itself, in order. */
      readonly units?: readonly Unit[] | undefined;
      /** How the transaction begins, where the text chooses that. */
      readonly modes?: TransactionModes | undefined;
      /** The modes that the text gives to its own transaction, not to its session. */
      readonly ownModes?: TransactionModes | undefined;
      readonly revert: string | null;
      /** The text is the statement of a backfill. */
      readonly backfill?: Backfill | undefined;
      /** The module whose function changes the rows of the backfill, in place of a statement. */
      readonly rows?: (Content & { readonly kind: "module" }) | undefined;
    }
  /** Old values that a backfill has kept come back. */
  | { readonly kind: "undo"; readonly file: string }
  | (Content & { readonly kind: "module" })
  /** What a program of the user's carries out. */
  | { readonly kind: "program"; readonly file: string };

export interface SplitStatement {
  readonly text: string;
  readonly kind: StatementKind;
  /** The line in the file, counted from 1. */
  readonly line: number;
  /** The offset in the body, in UTF-16 units. */
  readonly start: number;
  /** The text is several statements that the file has put into one transaction. */
  readonly several?: boolean | undefined;
  /** How the transaction begins, where the text chooses that. */
  readonly modes?: TransactionModes | undefined;
}

export function statementsOf(body: Body & { kind: "sql" }): readonly SplitStatement[] {
  let session: TransactionModes = {};
  const lineOf = ({ line }: { line: number }) => body.line + line - 1;
  const modesFor = (text: string, own: TransactionModes | undefined) => {
    const modes = { ...session, ...own };
    if (/transaction|reset/i.test(text))
      session = splitStatements(text).reduce((known, one) => sessionModes(known, one.text), session);
    return modes;
  };
  if (body.units !== undefined)
    return body.units.map(({ text, kind, start, several, line, modes }) => ({
      ...{ text, kind, start, several, modes: modesFor(text, modes) },
      line: lineOf({ line }),
    }));
  return splitStatements(body.text).map((statement) => ({
    text: statement.text,
    kind: classify(statement),
    line: lineOf(statement),
    start: statement.start,
    modes: modesFor(statement.text, body.ownModes),
  }));
}

/** Two runs compare it to see whether a recorded statement is still the same. */
export function hashOf(statement: SplitStatement): string {
  return `sha256:${createHash("sha256").update(statement.text).digest("hex")}`;
}

/** The start of a statement. The column is given only where something stands before the statement on its line. */
export function startOf(
  body: { text: string; file: string; line: number },
  { start, line }: Pick<SplitStatement, "start" | "line">,
): { readonly line: number; readonly column: number | undefined } {
  const before = body.text.slice(body.text.lastIndexOf("\n", start - 1) + 1, start);
  if (start === 0 || before.trim() === "") return { line, column: undefined };
  return { line, column: placeOf(body, codePointOffset(body.text, start) + 1).column };
}

/** The place of a character in a text that starts on some line of a file. PostgreSQL counts characters from 1. */
export function placeOf(body: { text: string; file: string; line: number }, position: number): Place {
  const { line, column } = locate(body.text, position, { firstLine: body.line });
  return { file: body.file, line, column, excerpt: excerptAt(body.text, position, { firstLine: body.line }) };
}
