/** `godwit status` */
import { currentOf, headsOf, ordered } from "../../core/heads.ts";
import type { Plan } from "../../core/plan.ts";
import { plan } from "../../core/plan.ts";
import { GodwitError, type Problem, problemsOf } from "../../errors.ts";
import type { Recorded } from "../../ledger/ledger.ts";
import { planInput } from "../../run/migrate.ts";
import { look, type View } from "../../run/status.ts";
import type { Answer, Invocation } from "../command.ts";
import { formatProblem, type Paint } from "../problems.ts";
import { migrateOptions, type Session, withSession } from "../session.ts";

export interface StatusRow {
  readonly revision: string;
  readonly state: "applied" | "partial" | "reverting" | "pending" | "changed" | "held" | "without file";
  readonly phase: string;
  readonly file: string;
  readonly executedAt: Date | null;
  readonly baseline: boolean;
}

export async function run(invocation: Invocation): Promise<Answer> {
  return withSession(invocation, async (session) => {
    const view = await look(session.target, session.context);
    const { decided, problems } = decide(session, view);
    const rows = rowsOf(session, view, decided);
    const pending = rows.filter((row) => !["applied", "held", "without file"].includes(row.state)).length;
    const { order } = session.target.settings;
    const current = currentOf(view.files.migrations, view.history, order);
    const heads = headsOf(view.files.migrations, order);
    const upToDate = pending === 0 && problems.length === 0;
    return {
      json: {
        target: view.target,
        database: view.database,
        layout: session.target.source.layout,
        upToDate,
        pending,
        current,
        heads,
        migrations: rows,
        warnings: decided?.warnings ?? [],
        problems,
      },
      text: textOf(view, rows, problems, {
        layout: session.target.source.layout,
        paint: invocation.terminal.paint,
      }),
      // A quiet gate is asked for its exit code alone.
      result: invocation.flags.check !== true || invocation.flags.quiet !== true,
      exitCode: problems.length > 0 || (invocation.flags.check === true && !upToDate) ? 1 : 0,
    };
  });
}

/** What `up` would do; what would stop it is shown and stops no look. */
function decide(session: Session, view: View): { decided: Plan | null; problems: readonly Problem[] } {
  const options = migrateOptions(session.config, "up", "heads");
  if (view.refused !== null) return { decided: null, problems: problemsOf(view.refused) };
  try {
    return { decided: plan(planInput(session.target, options, view.files, view.history)), problems: [] };
  } catch (error) {
    if (!(error instanceof GodwitError)) throw error;
    return { decided: null, problems: problemsOf(error) };
  }
}

function rowsOf(session: Session, view: View, decided: Plan | null): readonly StatusRow[] {
  const entries = new Map(view.history.entries.map((entry) => [entry.revision, entry]));
  const changed = new Set(
    decided?.steps.filter((step) => step.reason === "changed").map((step) => step.revision),
  );
  const held = new Set(decided?.held.map((each) => each.revision));
  const files = ordered(view.files.migrations, session.target.settings.order);
  const known = new Set(files.map((migration) => migration.id));
  const stateOf = (id: string, entry: Recorded | undefined): StatusRow["state"] => {
    if (changed.has(id)) return "changed";
    if (entry !== undefined) return entry.state;
    return held.has(id) ? "held" : "pending";
  };
  return [
    ...view.history.entries
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
      return {
        revision: id,
        state: stateOf(id, entry),
        phase,
        file,
        executedAt: entry?.executedAt ?? null,
        baseline: entry?.baseline ?? false,
      };
    }),
  ];
}

function textOf(
  view: View,
  rows: readonly StatusRow[],
  problems: readonly Problem[],
  { layout, paint }: { layout: string; paint: Paint },
): string {
  const width = Math.max(0, ...rows.map((row) => row.revision.length));
  const stateWidth = Math.max(0, ...rows.map((row) => row.state.length));
  const lines = rows.map((row) => {
    const colour = row.state === "applied" ? "green" : row.state === "pending" ? "yellow" : "cyan";
    const when =
      row.executedAt === null ? (row.phase === "startup" ? "" : row.phase) : timeOf(row.executedAt);
    const remark = row.baseline ? `${when} baseline` : when;
    return `  ${paint(colour, row.state.padEnd(stateWidth))}  ${row.revision.padEnd(width)}  ${paint("dim", remark)}`.trimEnd();
  });
  const count = (state: StatusRow["state"]) => rows.filter((row) => row.state === state).length;
  const states = ["applied", "partial", "reverting", "changed", "pending", "held", "without file"] as const;
  const counts = states.flatMap((state) => (count(state) === 0 ? [] : [`${count(state)} ${state}`]));
  return [
    `${paint("bold", view.database)}: ${counts.join(", ") || "no migrations"}${layout === "plain" ? "" : ` (files of ${layout})`}`,
    ...lines,
    ...(problems.length === 0
      ? []
      : ["", ...problems.map((problem) => formatProblem("error", problem, paint))]),
  ].join("\n");
}

export function timeOf(date: Date): string {
  return new Date(date).toISOString().replace("T", " ").replace(/\..*/, "Z");
}
