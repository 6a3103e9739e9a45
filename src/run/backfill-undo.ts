/** What a person does with the old values that a backfill has kept: bring them back, or drop them. */
import { resolveRevision } from "../core/revision.ts";
import { shownTable } from "../core/sql/regclass.ts";
import { PlanRefused } from "../errors.ts";
import { migrate } from "./migrate.ts";
import type { MigrateOptions } from "./plan.ts";
import type { Report } from "./report/report.ts";
import { withLock } from "./session/locked.ts";
import type { RunContext, Target } from "./session/target.ts";
import { writeUnderLock } from "./session/transaction.ts";

/**
 * Brings back what one backfill has changed, also where it is half done or where later migrations stay applied. It is
 * pending again afterwards. Throws like `migrate`.
 */
export function undoBackfill(target: Target, options: MigrateOptions, context: RunContext): Promise<Report> {
  const goal = { ...options.goal, direction: "down", undo: true } as const;
  return migrate(target, { ...options, goal, rollback: false }, context);
}

export interface Forgotten {
  readonly revision: string;
  /** The table whose old values are gone. */
  readonly table: string;
}

/** Throws `PlanRefused` (`BACKFILL_UNDO`) where none are kept, or where a run still needs them. */
export async function forgetOldValues(
  target: Target,
  wanted: string,
  context: RunContext,
): Promise<Forgotten> {
  const { ledger, source } = target;
  // What an earlier attempt has kept may belong to no row of the ledger.
  const { migrations } = await source.list();
  return withLock(target, context, async (connection, lock) => {
    const { entries } = await ledger.read(connection);
    const undone = await ledger.undo(connection, wanted);
    const revision =
      undone?.revision ??
      resolveRevision(wanted, [
        ...new Set([...entries.map((one) => one.revision), ...migrations.map(({ id }) => id)]),
      ]);
    const kept = undone ?? (await ledger.undo(connection, revision));
    if (kept === null)
      throw refused(revision, "has kept no old values", "`godwit status` shows what is applied.");
    const state = entries.find((entry) => entry.revision === revision)?.state;
    if (state === "partial" || state === "reverting")
      throw refused(
        revision,
        "is half done, and keeps old values until it is done",
        state === "partial"
          ? `Finish it with \`godwit up\`, then forget them. Or \`godwit backfill undo ${revision}\` brings them back.`
          : `Finish it with \`godwit backfill undo ${revision}\`.`,
      );
    await writeUnderLock(connection, lock, `${ledger.sql.forgetUndo(revision)};`);
    return { revision, table: shownTable(kept.table) };
  });
}

function refused(revision: string, why: string, hint: string): PlanRefused {
  return new PlanRefused([
    { code: "BACKFILL_UNDO", message: `${revision} ${why}.`, hint, details: { revision } },
  ]);
}
