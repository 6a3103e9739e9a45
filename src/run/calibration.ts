/** How good predictions have been: what a run was told before its steps, beside what the ledger says that they took. */
import type { Row } from "../database/connection.ts";
import { withConnection } from "./session/connect.ts";
import type { RunContext, Target } from "./session/target.ts";

export interface GradedStep {
  readonly at: Date;
  readonly runId: string;
  readonly revision: string;
  readonly predictedMs: number;
  readonly measuredMs: number;
}

export interface Calibrated {
  readonly target: string;
  /** The oldest first. */
  readonly steps: readonly GradedStep[];
  /** The middle of measured by predicted: 1 is right, 2 is twice as long as was said. `null`: there are no steps. */
  readonly ratio: number | null;
  /** The part of the steps that took within 30 % of what was said. */
  readonly within30Percent: number | null;
}

export async function calibrationOf(target: Target, context: RunContext): Promise<Calibrated> {
  return withConnection(target, context, async (connection) => {
    const { created } = await target.ledger.read(connection);
    const { rows } = created
      ? await connection.query<GradedStep & Row>(target.ledger.sql.predictions())
      : { rows: [] };
    const ratios = rows
      .map(({ predictedMs, measuredMs }) => measuredMs / Math.max(1, predictedMs))
      .sort((a, b) => a - b);
    const good = ratios.filter((ratio) => ratio >= 1 / 1.3 && ratio <= 1.3).length;
    return {
      target: target.name,
      steps: rows,
      ratio: ratios[Math.floor(ratios.length / 2)] ?? null,
      within30Percent: ratios.length === 0 ? null : good / ratios.length,
    };
  });
}
