/** Where a backfill begins, or goes on: its table and key, its row in the ledger, and the bound. */

import type { KeyValue } from "../../../backfill/key.ts";
import { upperBound, windowStatement } from "../../../backfill/statement.ts";
import { typesOf } from "../../../backfill/table.ts";
import type { BackfillState } from "../../../ledger/backfills-sql.ts";
import { guardOf } from "../../session/settings.ts";
import { begin as ownBegin } from "../../session/transaction.ts";
import { ownSession, type StepContext } from "../context.ts";
import { ownTransaction, statementFrame } from "../frame.ts";
import { frameError } from "../frame-error.ts";
import { entryOf, frameParts } from "../frame-parts.ts";
import type { Prepared } from "../prepared.ts";
import { isBeside } from "./beside.ts";
import { refuseEdited } from "./edited.ts";
import { type BackfillBody, type Examined, examine } from "./examine.ts";
import type { Filling } from "./filling.ts";
import { forgetUnlessKept } from "./keep.ts";
import { inLedger } from "./ledger-waits.ts";
import { refuseLost } from "./lost.ts";
import { mayOpenAhead, NO_WAIT, sendOpening } from "./opening.ts";
import { hasRanges } from "./ranges.ts";
import type { Sensor } from "./signals.ts";
import { unplaced } from "./unplaced.ts";

/**
 * What an earlier run has done of it. `null`: no row is done, so it begins anew. Throws `PlanRefused` (`BACKFILL_LOST`) where
 * that is not known.
 */
export async function underWay(
  context: Pick<StepContext, "connection" | "ledger">,
  prepared: Pick<Prepared, "step">,
): Promise<BackfillState | null> {
  const { connection, ledger } = context;
  const { step } = prepared;
  await refuseLost(context, connection, prepared);
  const known = step.reason === "resume" ? await ledger.backfills.state(connection, step.revision) : null;
  return known === null || known.rows === 0 ? null : known;
}

/** What a backfill finds before it begins or goes on. Nothing of it is written. */
export interface Ground
  extends Pick<Filling, "context" | "prepared" | "parts" | "table" | "columns" | "asking"> {
  readonly body: BackfillBody;
  readonly undo: Examined["undo"];
  /** The last key that is there now. `null`: there is none, or the backfill is under way and has its own. */
  readonly last: KeyValue | null;
}

export async function survey(
  context: StepContext,
  prepared: Prepared,
  body: BackfillBody,
  known: BackfillState | null,
): Promise<Ground> {
  const { connection } = context;
  const { step } = prepared;
  if (known !== null) refuseEdited(known, prepared);
  await ownSession(context);
  const parts = frameParts(context, prepared, body);
  // In the settings of the file: behind a pooler they hold in a transaction only.
  await connection.execute(statementFrame(parts, "").open).catch((error: unknown) => {
    throw frameError(error, step.revision, known === null ? "whole" : "within");
  });
  const { table, columns, asking, unasked, undo } = await examine(context, { step, body, known });
  const asked = known === null ? await connection.execute(upperBound(table)).catch(unplaced) : [];
  await connection.execute("rollback");
  if (unasked !== null) context.warn?.(unasked);
  const last = (asked[0]?.rows[0]?.key ?? null) as KeyValue | null;
  return { context, prepared, body, parts, table, columns, asking, undo, last };
}

interface Before extends Pick<Filling, "controls" | "claim"> {
  readonly known: BackfillState | null;
  readonly sensor: Sensor;
}

export interface Begun {
  readonly filling: Filling;
  /** When its row is in the ledger. Until then nothing of it is there, and its first window may be on its way. */
  readonly written: Promise<void>;
}

/** Sends its row to the ledger, unless it is under way. */
export function begin(ground: Ground, { known, controls, claim, sensor }: Before): Begun {
  const { context, prepared, body, parts, table, undo } = ground;
  const { connection, ledger, author } = context;
  const { step } = prepared;
  const { slowedBy } = sensor.throttle;
  const keeping = undo?.keeping ?? null;
  const statement = windowStatement(body.text, table, { asking: ground.asking, keeping });
  const from = (state: BackfillState): Filling => ({
    ...{ ...ground, backfill: body.backfill, state, controls, sensor, slowedBy },
    ...{ keeping, statement, claim: known === null ? null : claim },
    ...{ hasLock: true, rowsPerSecond: null, firstFailure: null, opening: null, ending: null, ended: null },
  });
  if (known !== null) return { filling: from(known), written: Promise.resolve() };
  const begun = {
    revision: step.revision,
    table: table.shown,
    tableOid: table.oid,
    key: table.key.map(({ name }) => name),
    keyTypes: typesOf(table),
    keyOrder: table.keyOrder,
    bound: ground.last,
    estimatedRows: table.estimatedRows,
  };
  const { sql } = ledger;
  // The row that a run without a window has left may have the checksum of an earlier text.
  const replace =
    step.reason === "changed" || step.reason === "resume" ? `${sql.remove(step.revision)};` : "";
  const row = `${replace} ${sql.insert(entryOf(prepared, body.revert), author, "partial")};`;
  // Without it nothing is there of the windows behind it either, which do not wait for the disk.
  const waits = body.rows === undefined ? `${NO_WAIT};` : "";
  const inOwn = (text: string) => `${ownBegin()} ${waits} ${parts.ownRole} ${parts.fence} ${text} commit`;
  // Tables that are made in the transaction of the row would have its commit, and the windows, wait for that.
  const tables = inOwn(`${sql.createBackfills()} ${sql.createRanges()}`);
  const text = inOwn(
    `${guardOf(context.target.settings)} ${parts.mirror.open} ${row} ${sql.forgetRanges(step.revision)}; ${sql.beginBackfill(begun)}; ${undo?.begin ?? ""}`,
  );
  const filling = from({
    ...begun,
    position: null,
    rows: 0,
    changed: 0,
    windows: 0,
    failed: [],
    isFinished: false,
    checksum: step.checksum,
    fingerprint: prepared.migration?.fingerprint ?? null,
  });
  const { bound } = begun;
  const write = async () => {
    // What an earlier try has begun behind its row is rolled back with it, and not each try begins a window.
    filling.opening = null;
    const made = connection.execute(tables);
    if (!connection.capabilities.pipeline) await made;
    const answer = connection.execute(text);
    if (bound !== null && mayOpenAhead(filling) && !hasRanges(filling, isBeside(filling)))
      filling.opening = sendOpening(
        filling,
        { from: null, to: bound },
        { rows: body.backfill.windows.minRows, done: 0 },
      );
    // The first error is the one that counts: what is behind it fails because of it.
    await Promise.all([made, answer]);
  };
  const written = inLedger({ context, prepared }, null, write).catch((error: unknown) => {
    throw frameError(error, step.revision);
  });
  return { filling, written };
}

/** Nothing of it was done, so it becomes pending again. */
export async function withdraw({ context, prepared, parts, keeping }: Filling): Promise<void> {
  const { revision } = prepared.step;
  const { sql } = context.ledger;
  if (context.connection.lost.aborted) return;
  const emptied = keeping === null ? "" : `${forgetUnlessKept(keeping, sql, revision)} `;
  await context.connection.execute(
    ownTransaction(
      parts,
      `${emptied}${sql.forgetRanges(revision)}; ${sql.forgetBackfill(revision)}; ${sql.remove(revision)} and state = 'partial'`,
    ),
  );
}
