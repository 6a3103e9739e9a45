/** Where a backfill keeps old values: what an earlier run has made for them, and what this one makes. */
import type { BackfillTable } from "../../../backfill/table.ts";
import { createKept, type Keeping } from "../../../backfill/undo.ts";
import { regclass, shownTable } from "../../../core/sql/regclass.ts";
import { setColumns } from "../../../core/sql/set-columns.ts";
import { splitStatements } from "../../../core/sql/statements.ts";
import { windowedTable } from "../../../core/sql/window-target.ts";
import type { Connection } from "../../../database/connection.ts";
import { PlanRefused } from "../../../errors.ts";
import type { BackfillState } from "../../../ledger/backfills-sql.ts";
import type { LedgerSql } from "../../../ledger/sql.ts";
import type { Body } from "../body.ts";
import type { StepContext } from "../context.ts";

interface UndoQuestion {
  readonly body: Body & { readonly kind: "sql" };
  readonly table: BackfillTable;
  /** What an earlier run has done of it. */
  readonly known: BackfillState | null;
  /** An earlier run stands half done in the ledger. */
  readonly isHalfDone: boolean;
  readonly revision: string;
}

export interface UndoOf {
  readonly keeping: Keeping;
  /** What makes the place for them, or sets the time that they are kept. It counts where the backfill begins. */
  readonly begin: string;
}

/**
 * `null`: no old values are kept. Throws `PlanRefused` where what is there of an earlier attempt does not fit, because one
 * way back for both would then be wrong.
 */
export async function undoOf(
  { connection, ledger }: Pick<StepContext, "connection" | "ledger">,
  { body, table, known, isHalfDone, revision }: UndoQuestion,
): Promise<UndoOf | null> {
  const wanted = body.backfill?.options.undo ?? null;
  if (wanted === null && known === null) return null;
  const recorded = await ledger.undo(connection, revision);
  const there = recorded?.hasValues === true ? recorded : null;
  if (there === null && (wanted === null || known !== null)) {
    if (wanted === null) return null;
    const why =
      recorded === null ? "its first windows have kept none" : "those of its first windows are gone";
    throw refused(body, revision, why, LATE);
  }
  const columns = await columnsOf(connection, body, table);
  const { sql } = ledger;
  const returnsOld = connection.server.version >= 180_000;
  const keeping = { into: sql.undoValuesTable(revision), columns, table: table.name, returnsOld };
  const key = table.key.map(({ name }) => name);
  if (there === null) {
    const begun = { revision, table: table.name, key, columns, keepMs: wanted?.keepMs ?? null };
    const begin = `${sql.createUndo()} ${sql.forgetUndo(revision)}; ${createKept(keeping, table.key)}; ${sql.beginUndo(begun)}`;
    return { keeping, begin };
  }
  const isSamePlace = JSON.stringify([table.name, key]) === JSON.stringify([there.table, there.key]);
  // A corrected text may set fewer columns. All of them are kept on, so that one way back brings both back.
  if (there.position === null && isSamePlace && columns.every((one) => there.columns.includes(one)))
    return {
      keeping: { ...keeping, columns: there.columns },
      begin: `${sql.undoBegunAnew(revision, wanted?.keepMs ?? null)};`,
    };
  const why =
    there.position === null
      ? `an earlier attempt has kept those of ${there.columns.join(", ")} in ${shownTable(there.table)}`
      : "those of an earlier attempt have come back in part only";
  // What is half done cannot be forgotten.
  const way = isHalfDone
    ? `bring them back with \`godwit backfill undo ${revision}\`, then run again.`
    : `drop them with \`godwit backfill forget ${revision}\`.`;
  throw refused(body, revision, why, `Restore the statement that kept them, or ${way}`);
}

const LATE = "Leave undo out to go on without old values.";

/** The columns that the statement sets, which the table must have. */
async function columnsOf(
  connection: Connection,
  body: UndoQuestion["body"],
  { name, key }: BackfillTable,
): Promise<readonly string[]> {
  const isFunction = body.rows !== undefined;
  const text = splitStatements(body.text)[0]?.text ?? "";
  const columns = isFunction ? (body.backfill?.writes ?? []) : (setColumns(text) ?? []);
  const { rows } = await connection.query<{ column: string }>(
    `select a.attname::pg_catalog.text as column from pg_catalog.pg_attribute a
where a.attrelid = ${regclass(isFunction ? name : (windowedTable(text) ?? ""))} and a.attrelid = ${regclass(name)}
  and a.attnum > 0 and not a.attisdropped`,
  );
  const there = new Set(rows.map(({ column }) => column));
  const missing = columns.find((column) => !there.has(column));
  const ofKey = columns.find((column) => key.some((one) => one.name === column));
  if (columns.length > 0 && missing === undefined && ofKey === undefined) return columns;
  const what =
    ofKey !== undefined
      ? `${isFunction ? "`rows`" : "its statement"} sets ${ofKey}, by which its rows are found again`
      : `its statement sets ${missing ?? "nothing"}, which is no column of its table`;
  throw new PlanRefused([
    {
      code: "BACKFILL_UNDO",
      message: `${body.file} keeps old values (undo), and ${what}.`,
      hint: isFunction
        ? `Page it by another key, or leave ${ofKey} out of \`writes\`.`
        : "Update the table itself, not a view, and page it by a key that the statement leaves alone. Or leave undo out.",
      place: { file: body.file, line: body.line },
    },
  ]);
}

function refused(
  { file, line }: UndoQuestion["body"],
  revision: string,
  why: string,
  hint: string,
): PlanRefused {
  return new PlanRefused([
    {
      code: "BACKFILL_UNDO",
      message: `${file} keeps old values (undo), and ${why}.`,
      hint,
      place: { file, line },
      details: { revision },
    },
  ]);
}

/** What an earlier attempt has kept stays. */
export function forgetUnlessKept({ into }: Keeping, sql: LedgerSql, revision: string): string {
  return `do $godwit$ begin if not exists (select from ${into}) then ${sql.forgetUndo(revision)}; end if; end $godwit$;`;
}
