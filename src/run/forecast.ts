/** What a plan would do to those who use the database meanwhile: what its rehearsal saw, and what is true of the target now. */
import { type LiveFacts, liveFacts } from "../prediction/live.ts";
import type { RehearsalReport } from "../rehearsal/report.ts";
import { withConnection } from "./session/connect.ts";
import type { RunContext, Target } from "./session/target.ts";

export interface Forecast extends RehearsalReport, LiveFacts {}

/** The target is only read. */
export async function withLiveFacts(
  target: Target,
  report: RehearsalReport,
  context: RunContext,
): Promise<Forecast> {
  const names = tablesIn(report);
  const facts = await withConnection(target, context, (connection) => liveFacts(connection, names));
  return { ...report, ...facts };
}

/** What the plan locks, reads as a whole or writes anew. */
function tablesIn({ steps }: RehearsalReport): readonly string[] {
  const statements = steps.flatMap((step) => step.statements);
  return [
    ...new Set(
      statements.flatMap(({ locks, rewrites, scans }) => [
        ...locks.filter(({ kind }) => kind !== "index").map(({ relation }) => relation),
        ...rewrites,
        ...scans,
      ]),
    ),
  ];
}
