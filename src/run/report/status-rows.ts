/** Files and ledger side by side, one row for each migration. */
import { ordered } from "../../core/heads.ts";
import type { BackfillProgress, WayBackProgress } from "../../core/history.ts";
import type { Migration } from "../../core/migration.ts";
import type { Plan } from "../../core/plan.ts";
import type { Recorded, RecordedHistory } from "../../ledger/ledger.ts";

export interface StatusRow {
  readonly revision: string;
  readonly state: "applied" | "partial" | "reverting" | "pending" | "changed" | "held" | "without file";
  readonly phase: string;
  readonly file: string;
  readonly executedAt: Date | null;
  readonly baseline: boolean;
  /** How far a half-done backfill is. Left out: it is none. */
  readonly backfill?: BackfillProgress | undefined;
  /** How far its way back is, and whether a run is at it. Left out: none has begun. */
  readonly wayBack?: WayBackProgress | undefined;
}

interface RowsInput {
  readonly history: RecordedHistory;
  readonly order: readonly string[];
  readonly plan: Plan | null;
}

export function statusRows(
  migrations: readonly Migration[],
  { history, order, plan }: RowsInput,
): readonly StatusRow[] {
  const entries = new Map(history.entries.map((entry) => [entry.revision, entry]));
  const changed = new Set(
    plan?.steps.filter((step) => step.reason === "changed").map((step) => step.revision),
  );
  const held = new Set(plan?.held.map((each) => each.revision));
  const files = ordered(migrations, order);
  const known = new Set(files.map((migration) => migration.id));
  const stateOf = (id: string, entry: Recorded | undefined): StatusRow["state"] => {
    if (changed.has(id)) return "changed";
    if (entry !== undefined) return entry.state;
    return held.has(id) ? "held" : "pending";
  };
  return [
    ...history.entries
      .filter((entry) => !known.has(entry.revision))
      .map((entry) => ({
        revision: entry.revision,
        state: "without file" as const,
        phase: entry.phase,
        file: entry.file,
        executedAt: entry.executedAt,
        baseline: entry.baseline,
      })),
    ...files.map(({ id, phase, file }) => {
      const entry = entries.get(id);
      const wayBack = entry?.state === "reverting" ? history.waysBack?.get(id) : undefined;
      const progress = entry?.state === "partial" ? history.backfills?.get(id) : undefined;
      return {
        revision: id,
        state: stateOf(id, entry),
        phase,
        file,
        executedAt: entry?.executedAt ?? null,
        baseline: entry?.baseline ?? false,
        ...(progress === undefined ? {} : { backfill: backfillOf(progress) }),
        ...(wayBack === undefined ? {} : { wayBack }),
      };
    }),
  ];
}

/** The ledger knows more of it, which `godwit backfill` says. */
function backfillOf({ rows, estimatedRows }: BackfillProgress): BackfillProgress {
  return { rows, estimatedRows };
}
