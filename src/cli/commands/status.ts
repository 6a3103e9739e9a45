/** `godwit status` */
import { assembleImports } from "../../assemble/imports.ts";
import { migrateOptions } from "../../assemble/options.ts";
import type { StatusRow } from "../../run/report/status-rows.ts";
import { type ImportState, type Status, statusOf } from "../../run/status.ts";
import { rowsOf, whole } from "../../std/number.ts";
import { visible } from "../../std/visible.ts";
import type { Answer, Invocation } from "../command.ts";
import { exitCodeOfProblems } from "../output/exit.ts";
import { formatProblem, type Paint } from "../output/problems.ts";
import { withFiles } from "../session.ts";

export async function run(invocation: Invocation): Promise<Answer> {
  return withFiles(invocation, async ({ target, config, context }) => {
    const options = { ...migrateOptions(config, "up", "heads"), imports: () => assembleImports(config) };
    const status = await statusOf(target, options, context);
    // The database may have decided for it.
    const { layout } = target.source;
    const { plan: _, upToDate, problems, migrations, imports } = status;
    const pending = migrations.filter(({ state }) => !["applied", "held", "without file"].includes(state));
    const isGate = invocation.flags.check === true && invocation.flags.quiet === true;
    if (isGate && !invocation.json) {
      for (const problem of status.warnings) invocation.log().problem("warn", problem);
      for (const problem of problems) invocation.log().problem("error", problem);
      if (!upToDate && problems.length === 0) invocation.log().write("warn", behindLine(status, pending));
    }
    return {
      json: {
        target: status.target,
        database: status.database,
        layout,
        upToDate,
        pending: pending.length,
        current: status.current,
        heads: status.heads,
        migrations,
        imports,
        warnings: status.warnings,
        problems,
      },
      text: textOf(status, { layout, paint: invocation.terminal.paint }),
      // With `--quiet`, a gate answers by its exit code, and still says what is wrong.
      result: !isGate,
      exitCode:
        problems.length > 0
          ? exitCodeOfProblems(problems, invocation.exitCodes)
          : invocation.flags.check === true && !upToDate
            ? 1
            : 0,
    };
  });
}

/** Why the gate says no, in one line. */
function behindLine({ database, imports }: Status, pending: readonly StatusRow[]): string {
  const named = pending.slice(0, 3).map(({ revision, state }) => `${revision} (${state})`);
  const more = pending.length > named.length ? ` and ${pending.length - named.length} more` : "";
  const files = imports.filter(({ state }) => state === "incomplete" || state === "never");
  const waiting = [
    ...(named.length === 0 ? [] : [`${named.join(", ")}${more}`]),
    ...files.map((each) => `import ${each.import} ${importWords(each)}`),
  ];
  return `${database} is not up to date: ${waiting.join("; ") || "an index is invalid"}`;
}

const IMPORT_WORDS: Readonly<Record<ImportState["state"], string>> = {
  done: "has finished",
  incomplete: "has started and not finished",
  never: "has never run",
  skipped: "is skipped: nothing says where its files are",
};

function importWords({ state, problem }: ImportState): string {
  return problem === undefined ? IMPORT_WORDS[state] : `has failed (${problem.code})`;
}

function importLines(each: ImportState, paint: Paint): readonly string[] {
  const { import: name, state, problem } = each;
  const next = state === "incomplete" || state === "never" ? `: \`godwit import ${name}\`` : "";
  const line = `  import ${name} ${paint(next === "" ? "dim" : "yellow", importWords(each))}${next}`;
  return problem === undefined ? [line] : [line, paint("dim", `    ${visible(problem.message)}`)];
}

function textOf(
  { database, migrations: rows, imports, warnings, problems }: Status,
  { layout, paint }: { layout: string; paint: Paint },
): string {
  const width = Math.max(0, ...rows.map((row) => row.revision.length));
  const stateWidth = Math.max(0, ...rows.map((row) => row.state.length));
  const lines = rows.map((row) => {
    const colour = row.state === "applied" ? "green" : row.state === "pending" ? "yellow" : "cyan";
    const when =
      row.executedAt === null ? (row.phase === "startup" ? "" : row.phase) : timeOf(row.executedAt);
    const far = row.backfill === undefined ? wayBackOf(row) : doneOf(row.backfill);
    const remark = [when, row.baseline ? "baseline" : "", far].filter((part) => part !== "").join(" ");
    return `  ${paint(colour, row.state.padEnd(stateWidth))}  ${row.revision.padEnd(width)}  ${paint("dim", remark)}`.trimEnd();
  });
  const count = (state: StatusRow["state"]) => rows.filter((row) => row.state === state).length;
  const states = ["applied", "partial", "reverting", "changed", "pending", "held", "without file"] as const;
  const counts = states.flatMap((state) => (count(state) === 0 ? [] : [`${count(state)} ${state}`]));
  return [
    `${paint("bold", database)}: ${counts.join(", ") || "no migrations"}${layout === "plain" ? "" : ` (files of ${layout})`}`,
    ...lines,
    ...imports.flatMap((each) => importLines(each, paint)),
    ...(warnings.length === 0
      ? []
      : ["", ...warnings.map((problem) => formatProblem("warning", problem, paint))]),
    ...(problems.length === 0
      ? []
      : ["", ...problems.map((problem) => formatProblem("error", problem, paint))]),
  ].join("\n");
}

/** `200 of about 2,000 rows` */
function doneOf({ rows, estimatedRows }: NonNullable<StatusRow["backfill"]>): string {
  const isKnown = estimatedRows !== null && estimatedRows >= rows;
  return `${isKnown ? `${whole(rows)} of about ${rowsOf(estimatedRows)}` : rowsOf(rows)} done`;
}

/** `under way (app-1), 400 of 2,000 rows taken back` */
function wayBackOf({ wayBack }: StatusRow): string {
  if (wayBack === undefined) return "";
  const { restored, rows, runBy } = wayBack;
  const far = (done: number) =>
    rows === null || rows < done ? rowsOf(done) : `${whole(done)} of ${rowsOf(rows)}`;
  return [
    ...(runBy === null ? [] : [`under way (${runBy})`]),
    ...(restored === null ? [] : [`${far(restored)} taken back`]),
  ].join(", ");
}

export function timeOf(date: Date): string {
  return new Date(date).toISOString().replace("T", " ").replace(/\..*/, "Z");
}
