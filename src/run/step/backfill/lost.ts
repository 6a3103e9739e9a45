/**
 * What a half-done backfill is that the ledger does not know any more: how far it is, or the old values of its way back. A
 * run that went on all the same would do rows twice, or leave some without their old values.
 */
import type { Connection } from "../../../database/connection.ts";
import { PlanRefused } from "../../../errors.ts";
import type { LostProgress } from "../../../ledger/backfills.ts";
import type { Target } from "../../session/target.ts";
import type { Prepared } from "../prepared.ts";

type WithLedger = Pick<Target, "ledger">;

/** Throws `PlanRefused` (`BACKFILL_LOST`) where an earlier run has begun it and nothing says how far it came. */
export async function refuseLost(
  { ledger }: WithLedger,
  connection: Connection,
  { step }: { readonly step: Pick<Prepared["step"], "reason" | "revision" | "file"> },
): Promise<void> {
  if (step.reason !== "resume") return;
  const { revision, file } = step;
  const lost = await ledger.backfills.lost(connection, revision);
  if (lost === null) return;
  const undo = await ledger.undo(connection, revision);
  const back =
    undo?.hasValues === true
      ? ` Its old values are kept: \`godwit backfill undo ${revision}\` gives the rows that are done theirs again.`
      : "";
  throw new PlanRefused([
    {
      code: "BACKFILL_LOST",
      message: `${file} is half done, and which of its rows are done is not known: ${lostIn(ledger.schema, lost)}.`,
      hint: `Restore that table from a backup.${back} Otherwise look at the rows. If none is done, or they may be done twice: \`godwit repair --retry ${revision}\`, then run again. If all are done: \`godwit repair --mark-done ${revision}\`.`,
      place: { file },
      details: { revision, lost },
    },
  ]);
}

/** Half a sentence. */
function lostIn(schema: string, lost: LostProgress): string {
  const what = lost === "migration_backfills" ? "no row of it" : "not all ranges of its keys";
  return `"${schema}".${lost} has ${what} any more`;
}

/** Throws the same where the way back has begun, and the old values are gone with which it would go on. */
export async function refuseLostValues(
  { ledger }: WithLedger,
  connection: Connection,
  { step }: Pick<Prepared, "step">,
): Promise<void> {
  if (step.reason !== "resume") return;
  const { revision, file } = step;
  if ((await ledger.undo(connection, revision))?.hasValues === true) return;
  throw new PlanRefused([
    {
      code: "BACKFILL_LOST",
      message: `The way back of ${revision} is half done, and the old values that are left are gone from schema "${ledger.schema}": which rows have theirs again is not known.`,
      hint: `Restore migration_backfill_undo and the table that its row names from a backup. Otherwise look at the rows. If they may stay as they are: \`godwit repair --mark-done ${revision}\`, and it is pending again. If it shall count as before the way back: \`godwit repair --retry ${revision}\`.`,
      place: { file },
      details: { revision },
    },
  ]);
}
