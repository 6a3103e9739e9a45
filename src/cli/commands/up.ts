/** `godwit up` */
import { randomUUID } from "node:crypto";
import { approvalBy } from "../../assemble/forecast.ts";
import { assembleImports } from "../../assemble/imports.ts";
import { migrateOptions, remarkOnMode } from "../../assemble/options.ts";
import { switchedOff } from "../../config/switched-off.ts";
import type { MigrateOptions } from "../../run/plan.ts";
import type { Report } from "../../run/report/report.ts";
import { skippedReport } from "../../run/report/skipped.ts";
import { migrateUp } from "../../run/up.ts";
import { type AnnounceOptions, announceRun } from "../../service/announce.ts";
import { formatMoment } from "../../std/moment.ts";
import { formatDuration } from "../../std/time.ts";
import type { Answer, Invocation } from "../command.ts";
import { withFiles } from "../session.ts";

export async function run(invocation: Invocation): Promise<Answer> {
  const { flags } = invocation;
  const to = invocation.arguments[0] ?? "heads";
  if (flags.sql === true) return (await import("./offline.ts")).script(invocation, "up", to);
  if (flags.dryRun === true) return (await import("./try.ts")).tryOut(invocation, to);
  const { values, target } = await invocation.config();
  const off = switchedOff(values);
  if (off !== null) {
    invocation.say(off, { loud: true });
    const names = { target: target?.name ?? values.project ?? "database", runId: randomUUID() };
    return { json: { report: skippedReport(off, names) }, text: "Nothing was migrated.", result: false };
  }
  return withFiles(invocation, async ({ target, config, context }) => {
    const options = migrateOptions(config, "up", to);
    const remark = await remarkOnMode(config, target);
    if (remark !== null) invocation.say(remark);
    sayUntil(invocation, options);
    const imports = () => assembleImports(config);
    const approval = approvalBy({ config, target, print: invocation.say });
    const { isTriedAgain, runEnded } = invocation;
    const onEnd: AnnounceOptions["onEnd"] = async (end) =>
      runEnded?.("report" in end ? { answer: await answerOf(end.report) } : end);
    invocation.begun({ runId: context.runId, target: target.name });
    const report = await announceRun(
      { config, target, command: "up", context, isLast: true, isTriedAgain, onEnd },
      (told) => migrateUp(target, options, { context: told, imports, approval }),
    );
    return answerOf(report);
  });
}

/** Says when backfills end for now, if they do. */
export function sayUntil({ say }: Invocation, { until }: MigrateOptions): void {
  if (until !== undefined) say(`Backfills end for now at ${formatMoment(until, new Date())}.`);
}

async function answerOf(report: Report): Promise<Answer> {
  if (report.imports === undefined) return { json: { report }, text: summary(report), result: false };
  const { upSummary } = await import("./import.ts");
  const migrations = report.steps.length === 0 ? null : doneLine(report);
  const first = upSummary(migrations, { target: report.target, isAll: isAll(report) }, report.imports);
  const text = [
    first,
    ...waitingLines(report.waiting),
    ...heldLines(report.held),
    ...checkLines(report),
  ].join("\n");
  return { json: { report, imports: report.imports }, text, result: false };
}

export function summary(report: Report): string {
  const { command, target, steps, held } = report;
  const all = command === "up" && isAll(report) ? ", everything is applied" : "";
  const first = steps.length === 0 ? `${target}: nothing to do${all}` : doneLine(report);
  return [`${first}.`, ...waitingLines(report.waiting), ...heldLines(held), ...checkLines(report)].join("\n");
}

function doneLine({ command, target, steps, durationMs }: Report): string {
  const done = command === "up" ? "applied to" : "reverted in";
  return `${steps.length} ${steps.length === 1 ? "migration" : "migrations"} ${done} ${target} in ${formatDuration(durationMs)}`;
}

function checkLines({ checks = [] }: Report): readonly string[] {
  return checks.length === 0 ? [] : [`Checks passed: ${checks.join(", ")}.`];
}

/** Whether a run that had nothing to do left nothing behind, either. */
function isAll({ held, waiting = [] }: Pick<Report, "held" | "waiting">): boolean {
  return held.length === 0 && waiting.length === 0;
}

export function waitingLines(waiting: readonly string[] = []): readonly string[] {
  return waiting.length === 0
    ? []
    : [`Not applied yet, because another run is carrying out a backfill: ${waiting.join(", ")}.`];
}

export function heldLines(held: Report["held"]): readonly string[] {
  const phases = [...new Set(held.map((each) => each.phase))];
  return phases.map((phase) => {
    const names = held.filter((each) => each.phase === phase).map((each) => each.revision);
    return `Held back until phase ${phase} runs: ${names.join(", ")}.`;
  });
}
