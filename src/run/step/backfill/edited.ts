/** A backfill goes on only with the text that began it: nobody else can say whether the rows that are done are right. */
import type { Step } from "../../../core/plan.ts";
import type { Connection } from "../../../database/connection.ts";
import { PlanRefused } from "../../../errors.ts";
import type { BackfillState } from "../../../ledger/backfills-sql.ts";
import type { Target } from "../../session/target.ts";
import type { Prepared } from "../prepared.ts";

/** Throws `PlanRefused` (`BACKFILL_EDITED`) where the file has changed since the first window. */
export async function refuseEditedBackfill(
  { ledger }: Target,
  connection: Connection,
  { step }: Prepared,
): Promise<void> {
  const state = await ledger.backfill(connection, step.revision);
  if (state !== null) refuseEdited(state, step);
}

/** The same, where the state is known. */
export function refuseEdited(state: BackfillState, step: Step): void {
  if (state.position === null || state.checksum === step.checksum) return;
  const upTo = state.key.map((name, at) => `${name} ${state.position?.[at]}`).join(", ");
  throw new PlanRefused([
    {
      code: "BACKFILL_EDITED",
      message: `${step.file} was changed while its backfill is half done: ${state.rows} rows of ${state.table} up to ${upTo} have what its earlier text gives.`,
      hint: `Restore the file to go on behind them. To go through the whole table with the new text: \`godwit repair --retry ${step.revision}\`, then run again.`,
      place: { file: step.file },
      details: { revision: step.revision, table: state.table, position: state.position, rows: state.rows },
    },
  ]);
}
