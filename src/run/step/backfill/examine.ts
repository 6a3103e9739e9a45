/**
 * What the database must have before a backfill begins or goes on. A run asks it right before the first window. A plan asks
 * it in a transaction that is rolled back.
 */
import { type AskingFound, readAsking } from "../../../backfill/asking.ts";
import { refuseChildren } from "../../../backfill/inherited.ts";
import { conditionProbe } from "../../../backfill/statement.ts";
import { type FoundTable, readTable, refuseOtherTable } from "../../../backfill/table.ts";
import type { Backfill, PatchColumn } from "../../../core/backfill.ts";
import type { MigrationSettings } from "../../../core/migration.ts";
import { windowedTable } from "../../../core/sql/window-target.ts";
import type { Connection } from "../../../database/connection.ts";
import { DatabaseError, SourceError } from "../../../errors.ts";
import type { BackfillState } from "../../../ledger/backfills-sql.ts";
import { resetSession, type SessionKind, withinFile } from "../../session/settings.ts";
import type { Target } from "../../session/target.ts";
import { begin, rollback } from "../../session/transaction.ts";
import type { Body } from "../body.ts";
import type { Prepared } from "../prepared.ts";
import { refuseOther, withoutTable } from "./edited.ts";
import { type UndoOf, undoOf } from "./keep.ts";
import { refuseProbe } from "./probe.ts";
import { readColumns } from "./rows.ts";
import { refuseSkipping } from "./window.ts";

export type BackfillBody = Body & { readonly kind: "sql" } & { readonly backfill: Backfill };

interface LedgerConnection {
  readonly connection: Connection;
  readonly ledger: Target["ledger"];
}

interface Examining {
  readonly step: Prepared["step"];
  readonly body: BackfillBody;
  /** What an earlier run has done of it. `null`: nothing. */
  readonly known: BackfillState | null;
}

export interface Examined extends AskingFound {
  readonly table: FoundTable;
  readonly columns: readonly PatchColumn[];
  readonly undo: UndoOf | null;
}

/**
 * Throws `SourceError` or `PlanRefused` where the backfill cannot begin or go on. It stands in a transaction with the
 * settings of the file: behind a pooler they hold nowhere else.
 */
export async function examine(
  { connection, ledger }: LedgerConnection,
  { step, body, known }: Examining,
): Promise<Examined> {
  const { backfill, file } = body;
  await refuseSkipping({ connection }, backfill, file);
  await refuseProbe({ connection }, backfill, file);
  const table = await sameTable(connection, { step, body, known });
  if (backfill.where !== null)
    await connection.execute(conditionProbe(table, backfill.where)).catch((error: unknown) => {
      throw unreadable(error, body);
    });
  const columns = await readColumns(connection, table, body);
  await refuseOtherTable(connection, table, { changed: windowedTable(body.text), file });
  const asked =
    body.rows === undefined ? await readAsking(connection, table, body) : { asking: null, unasked: null };
  const what = backfill.columns !== undefined ? "rows" : backfill.options.undo !== null ? "undo" : null;
  if (what !== null) await refuseChildren(connection, table, { file, what });
  const isHalfDone = step.reason === "resume";
  const undo = await undoOf(
    { connection, ledger },
    { body, table, known, isHalfDone, revision: step.revision },
  );
  return { table, columns, undo, ...asked };
}

/**
 * The table and its key. What is half done goes on by the key with which it began: the primary key may be another one by
 * now, and the position says nothing of that.
 */
export async function sameTable(
  connection: Pick<Connection, "query">,
  { step, body: { backfill, file }, known }: Examining,
): Promise<FoundTable> {
  const key = backfill.key ?? known?.key ?? null;
  const table = await readTable(connection, { ...backfill, key }, file).catch((error: unknown) => {
    throw known === null ? error : withoutTable(error, known, step);
  });
  if (known !== null) refuseOther(known, table, step);
  return table;
}

interface FileSession {
  readonly target: Pick<Target, "settings">;
  readonly connection: Connection;
  readonly kind: SessionKind;
  readonly settings: MigrationSettings;
}

/** Looks with the settings that the file has when it runs. Nothing of it is kept. */
export async function lookAsFile<T>(
  { target, connection, kind, settings }: FileSession,
  look: () => Promise<T>,
): Promise<T> {
  const reset = resetSession(kind, target.settings, settings);
  try {
    await connection.execute(`${begin()} ${withinFile(reset)}`);
    return await look();
  } finally {
    await rollback(connection);
  }
}

/** The condition is asked at the end only, and hours may lie between. */
function unreadable(error: unknown, { backfill, file, line }: BackfillBody): unknown {
  if (!(error instanceof DatabaseError)) return error;
  if (!/^(?:22|42)/.test(error.sqlState ?? "")) return error.withoutPosition();
  return new SourceError(
    [
      {
        code: "BACKFILL_STATEMENT",
        message: `${file} is a backfill where ${backfill.where}, and PostgreSQL cannot read that: ${error.message}.`,
        hint: "Write a condition on the columns of its table, without an alias.",
        place: { file, line },
      },
    ],
    { cause: error },
  );
}
