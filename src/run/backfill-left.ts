/** What a backfill has not done that somebody declares done. */
import type { HistoryEntry } from "../core/history.ts";
import { shownTable } from "../core/sql/regclass.ts";
import type { Connection } from "../database/connection.ts";
import type { Problem } from "../errors.ts";
import type { BackfillState } from "../ledger/backfills-sql.ts";
import type { Listing } from "../source/source.ts";
import { rowsOf, whole } from "../std/number.ts";
import type { Target } from "./session/target.ts";
import { refuseLost } from "./step/backfill/lost.ts";

const ROWS_NAMED = 5;

interface Declared {
  readonly files: Listing;
  readonly revision: string;
  /** Which repair says so. */
  readonly kind: "accept" | "forget" | "mark-done" | "retry";
  readonly state: HistoryEntry["state"] | undefined;
}

/**
 * What is not so although somebody declares it, of a backfill or of its way back. `null`: nothing is known to be left. Read it
 * before the ledger is corrected.
 */
export async function backfillLeft(
  target: Target,
  connection: Connection,
  { files, revision, kind, state }: Declared,
): Promise<Problem | null> {
  if (state === "reverting" && (kind === "mark-done" || kind === "retry"))
    return wayBackLeft(target, connection, { revision, kind });
  if (state !== "partial" || kind === "accept") return null;
  return kind === "mark-done"
    ? rowsLeft(target, connection, { files, revision })
    : rowsDone(target, connection, revision);
}

/** It counts as not begun, and the next run goes through the rows that are done, too. */
async function rowsDone(
  { ledger }: Target,
  connection: Connection,
  revision: string,
): Promise<Problem | null> {
  const state = await ledger.backfills.state(connection, revision);
  if (state === null || state.rows === 0) return null;
  const { table, rows, position } = state;
  const upTo = position === null ? "in several ranges of keys" : `up to ${shown(state, position)}`;
  const kept = (await ledger.undo(connection, revision))?.hasValues === true;
  return {
    code: "BACKFILL_REMAINDER",
    message: `The backfill ${revision} counts as not begun, and ${count(rows, "row of")} ${table} ${rows === 1 ? "is" : "are"} done already, ${upTo}. The next run goes through ${rows === 1 ? "it" : "them"} again.`,
    hint: `A statement that must not change a row twice has to leave those alone.${kept ? ` Their old values stay: behind the next run, \`godwit backfill undo ${revision}\` brings back what both have changed.` : ""}`,
    details: { revision, table, rows, position },
  };
}

/** `mark-done`: it counts as taken back. `retry`: it counts as applied again. */
async function wayBackLeft(
  { ledger }: Target,
  connection: Connection,
  { revision, kind }: { readonly revision: string; readonly kind: "mark-done" | "retry" },
): Promise<Problem | null> {
  const undo = await ledger.undo(connection, revision);
  if (undo === null) return null;
  const { position, restored, changed, gone, hasValues } = undo;
  const table = shownTable(undo.table);
  const [counted] = hasValues
    ? (await connection.query<{ rows: number }>(ledger.sql.countUndo(revision))).rows
    : [];
  const open = counted === undefined ? null : counted.rows - restored - changed - gone;
  const details = { revision, table, position, restored, changed, gone, open };
  const back = `${count(restored, "row of")} ${table} ${restored === 1 ? "has its old value" : "have their old values"} again`;
  if (kind === "retry")
    return restored === 0
      ? null
      : {
          code: "BACKFILL_REMAINDER",
          message: `The backfill ${revision} counts as it did before its way back, and ${back}${position === null ? "" : `, up to ${shown(undo, position)}`}.`,
          hint: `If they must have what the backfill gives: \`godwit backfill undo ${revision}\` takes the rest back, and the next \`godwit up\` does all of it.`,
          details,
        };
  const others = [
    ...(open === null ? ["which of the others do is not known: their old values are gone"] : []),
    ...(open === null || open <= 0 ? [] : [`${count(open, "has", "have")} what the backfill wrote`]),
    ...(changed === 0 ? [] : [`${count(changed, "was", "were")} changed since`]),
    ...(gone === 0 ? [] : [`${count(gone, "is", "are")} deleted`]),
  ];
  if (others.length === 0) return null;
  const kept = hasValues
    ? ` Their old values stay in ${ledger.sql.undoValuesTable(revision)} until \`godwit backfill forget ${revision}\`.`
    : "";
  return {
    code: "BACKFILL_UNDO_LEFT",
    message: `The way back of ${revision} counts as done: ${back}, ${others.join(", ")}. It is pending again, so a later run changes all rows, those too that were not taken back.`,
    hint: `No command brings them back after that.${kept}`,
    details,
  };
}

function count(many: number, one: string, several = one === "row of" ? "rows of" : one): string {
  return `${whole(many)} ${many === 1 ? one : several}`;
}

async function rowsLeft(
  { ledger }: Target,
  connection: Connection,
  { files, revision }: Pick<Declared, "files" | "revision">,
): Promise<Problem | null> {
  const migration = files.migrations.find(({ id }) => id === revision);
  const state = await ledger.backfills.state(connection, revision);
  const lost =
    state === null && migration?.backfill === undefined
      ? null
      : await ledger.backfills.lost(connection, revision);
  if (lost !== null)
    return {
      code: "BACKFILL_REMAINDER",
      message: `The backfill ${revision} counts as done, and which of its rows are is not known: "${ledger.schema}".${lost} does not say it any more.`,
      hint: "Look at the rows of its table. If some must still be changed, write a new backfill for them.",
      details: { revision, table: state?.table ?? migration?.backfill?.table, lost },
    };
  if (state === null || state.bound === null) return null;
  const { table, bound, position, failed, rows } = state;
  // In ranges, each has a position of its own.
  const open = position === null && rows > 0 ? (await ledger.ranges(connection, revision)).length : null;
  const isThrough = open === 0 || position?.every((value, index) => value === bound[index]) === true;
  const far =
    position !== null
      ? `had come to ${shown(state, position)} of ${shown(state, bound)}`
      : open === null
        ? "had not begun"
        : `had done ${rowsOf(rows)}, and ${open} of its ranges of keys ${open === 1 ? "was" : "were"} not finished`;
  const named = failed.slice(0, ROWS_NAMED).map((key) => shown(state, key));
  const more = failed.length > named.length ? " and others" : "";
  const left = [
    ...(isThrough ? [] : [`it ${far}`]),
    ...(failed.length === 0 ? [] : [`PostgreSQL had refused ${named.join("; ")}${more}`]),
  ];
  if (left.length === 0) return null;
  return {
    code: "BACKFILL_REMAINDER",
    message: `The backfill ${revision} counts as done, and not all of ${table} is: ${left.join(", and ")}.`,
    hint: "Rows that it has not changed stay as they are. If they must be changed, write a new backfill for them.",
    details: { revision, table, position, bound, rows, failed: failed.length },
  };
}

function shown({ key }: Pick<BackfillState, "key">, values: readonly string[]): string {
  return key.map((name, index) => `${name} ${values[index]}`).join(", ");
}

/** Throws `PlanRefused` (`BACKFILL_LOST`) where a text is to be accepted, and nobody knows which rows the earlier one has done. */
export async function refuseLostAccept(
  target: Target,
  connection: Connection,
  { files, kind, revision, state }: Declared,
): Promise<void> {
  if (kind !== "accept" || state !== "partial") return;
  const migration = files.migrations.find(({ id }) => id === revision);
  if (migration?.backfill === undefined) return;
  await refuseLost(target, connection, { step: { reason: "resume", revision, file: migration.file } });
}

/** For the log: which rows of a half-done backfill have what its earlier text gives, where a person accepts another one. */
export async function acceptedOver(
  { ledger }: Target,
  connection: Connection,
  { kind, revision, state: stands }: Omit<Declared, "files">,
): Promise<Readonly<Record<string, unknown>> | null> {
  if (kind !== "accept" || stands !== "partial") return null;
  const state = await ledger.backfills.state(connection, revision);
  if (state === null || state.rows === 0) return null;
  const { table, rows, position, failed, checksum } = state;
  return { backfill: { table, rows, position, refused: failed.length, checksum } };
}
