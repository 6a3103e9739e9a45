/** The probe of an author: a query whose time says how well others are served. */
import type { Backfill } from "../../../core/backfill.ts";
import { literal } from "../../../core/sql/quote.ts";
import { DatabaseError, SourceError } from "../../../errors.ts";
import type { StepContext } from "../context.ts";

/** The probe, which changes nothing and ends by itself. */
export function probeOf(text: string): string {
  return `begin read only; set local statement_timeout = ${literal("5s")}; ${text.replace(/;\s*$/, "")}\n; commit`;
}

/**
 * Throws `SourceError` (`BACKFILL_PROBE`) where PostgreSQL cannot run the probe, or where there is no second connection
 * to run it on.
 */
export async function refuseProbe(
  { connection }: Pick<StepContext, "connection">,
  { options: { probe } }: Backfill,
  file: string,
): Promise<void> {
  if (probe === null) return;
  const refused = (why: string, hint: string, cause?: unknown) =>
    new SourceError(
      [{ code: "BACKFILL_PROBE", message: `${file} has a probe, ${why}.`, hint, place: { file } }],
      { cause },
    );
  if (!connection.capabilities.observer)
    throw refused(
      "and the database has no second connection on which it could run",
      "Remove the probe, or run it over a database URL.",
    );
  await connection.execute("savepoint godwit_probe");
  try {
    await connection.execute(`set local transaction_read_only = on; ${probe.replace(/;\s*$/, "")}`);
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    throw refused(
      `and PostgreSQL cannot run that: ${error.message}`,
      "Write one query that changes nothing.",
      error,
    );
  }
  await connection.execute("rollback to savepoint godwit_probe");
}
