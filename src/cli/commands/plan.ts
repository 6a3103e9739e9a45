/** `godwit plan` */
import { assembleImports } from "../../assemble/imports.ts";
import { migrateOptions } from "../../assemble/options.ts";
import type { Plan } from "../../core/plan.ts";
import type { BackfillOutlook, BackfillSample } from "../../core/step.ts";
import { ConfigError } from "../../errors.ts";
import { directionOf, includesImports } from "../../run/plan.ts";
import { preview } from "../../run/status.ts";
import { rowsOf, whole } from "../../std/number.ts";
import { formatDuration } from "../../std/time.ts";
import type { Answer, Invocation } from "../command.ts";
import { OF_UP, refuseFlags } from "../given.ts";
import { bytes } from "../output/bytes.ts";
import { forecastText } from "../output/forecast.ts";
import { markdownOf } from "../output/forecast-markdown.ts";
import { formatProblem, type Paint } from "../output/problems.ts";
import { withFiles } from "../session.ts";
import { heldLines, waitingLines } from "./up.ts";

export async function run(invocation: Invocation): Promise<Answer> {
  const to = invocation.arguments[0] ?? "heads";
  if (invocation.flags.calibration === true) {
    if (invocation.arguments.length > 0) throw calibrationOfOne(to);
    return calibrated(invocation);
  }
  const direction = directionOf(to);
  if (direction === "down") refuseFlags(`godwit plan ${to}`, invocation.flags, OF_UP);
  return withFiles(invocation, async (session) => {
    const { target, config, context } = session;
    const options = migrateOptions(config, direction, to);
    const sample = invocation.flags.sample === true;
    const decided = await preview(target, { ...options, sample }, context);
    const wanted = includesImports(options.goal) ? await assembleImports(config) : [];
    const imports = wanted.map(({ name }) => name);
    const rehearsal =
      invocation.flags.rehearse === true
        ? await (await import("./rehearse.ts")).forecastOf(invocation, session, to)
        : null;
    const { paint } = invocation.terminal;
    const json = { target: target.name, plan: decided, imports };
    if (rehearsal === null) {
      // Warnings stand above what is pending.
      const wholeOfSchema = decided.warnings.length > 0;
      return { json, text: textOf(decided, imports, paint), result: true, wholeOfSchema };
    }
    const asMarkdown = invocation.flags.markdown === true;
    return {
      json: { ...json, rehearsal },
      text: asMarkdown
        ? markdownOf(rehearsal, decided.held)
        : `${textOf(decided, imports, paint)}\n${forecastText(rehearsal, paint)}`,
      result: true,
      wholeOfSchema: true,
      exitCode: rehearsal.counts.failed > 0 ? 1 : 0,
    };
  });
}

function calibrationOfOne(revision: string): ConfigError {
  return new ConfigError({
    code: "CONFIG_INVALID",
    message: `godwit plan --calibration is about all earlier runs, and not about ${revision}.`,
    hint: "Leave the revision out.",
    details: { from: "flag" },
  });
}

async function calibrated(invocation: Invocation): Promise<Answer> {
  const { calibrationOf } = await import("../../run/calibration.ts");
  return withFiles(invocation, async ({ target, context }) => {
    const graded = await calibrationOf(target, context);
    const { steps, ratio, within30Percent } = graded;
    const width = Math.max(0, ...steps.map(({ revision }) => revision.length));
    const lines = steps.map(
      ({ revision, predictedMs, measuredMs }) =>
        `  ${revision.padEnd(width)}  predicted ${formatDuration(predictedMs)}, took ${formatDuration(measuredMs)} (× ${(measuredMs / Math.max(1, predictedMs)).toFixed(2)})`,
    );
    const text =
      ratio === null || within30Percent === null
        ? "No run was predicted yet: `godwit up --max-risk rewrites` predicts, and keeps what it said."
        : [
            ...lines,
            `${steps.length} predicted: half took more than ${ratio.toFixed(2)} of what was said, and ${Math.round(within30Percent * 100)} % were within 30 %.`,
          ].join("\n");
    return { json: { ...graded }, text, result: true, wholeOfSchema: true };
  });
}

function textOf(
  { direction, steps, held, waiting, warnings, adopts, backfills, checks = [] }: Plan,
  ...[imports, paint]: [imports: readonly string[], paint: Paint]
): string {
  const verb = direction === "up" ? "apply" : "revert";
  const width = Math.max(0, ...steps.map((step) => step.revision.length));
  const lines = steps.map((step) => {
    const remarks = [
      step.phase,
      ...(["pending", "asked"].includes(step.reason) ? [] : [step.reason]),
      ...(step.background === true ? ["in the background"] : []),
      ...(step.requires === undefined ? [] : [`requires ${step.requires.join(", ")}`]),
    ];
    return `  ${verb} ${step.revision.padEnd(width)}  ${paint("dim", `${step.file} (${remarks.join(", ")})`)}`;
  });
  const count = `${steps.length} ${steps.length === 1 ? "migration" : "migrations"}`;
  return [
    ...warnings.map((problem) => formatProblem("warning", problem, paint)),
    ...(adopts === undefined ? [] : [adoptedLine(adopts)]),
    steps.length === 0
      ? `Nothing to ${imports.length === 0 && adopts === undefined ? "do" : verb}.`
      : `${count} to ${verb}:`,
    ...lines,
    ...(backfills ?? []).flatMap(outlookLines),
    ...(backfills?.some(({ sample, byFunction }) => sample === undefined && !byFunction) === true
      ? ["`godwit plan --sample` tries a window, rolls it back, and estimates duration and WAL."]
      : []),
    ...(imports.length === 0 ? [] : [`Imports that also run: ${imports.join(", ")}.`]),
    ...waitingLines(waiting),
    ...heldLines(held),
    ...(["before", "after"] as const).flatMap((when) => {
      const names = checks.filter((check) => check.when === when).map(({ name }) => name);
      return names.length === 0 ? [] : [`Checks ${when} the run: ${names.join(", ")}.`];
    }),
  ].join("\n");
}

function outlookLines(outlook: BackfillOutlook): readonly string[] {
  const { revision, waitsFor, refused, indexes, indexed, fillfactor, sample, unsampled } = outlook;
  const entries = `an entry in ${indexes === 1 ? "its index" : `each of its ${indexes} indexes`}`;
  const cost =
    indexed.length > 0
      ? [`  Each changed row writes ${entries}: it sets ${indexed.join(", ")}.`]
      : fillfactor >= 100 && indexes > 0
        ? [`  Its pages have no room set aside (fillfactor 100), so that a changed row may write ${entries}.`]
        : [];
  return [
    `${revision} ${wayOf(outlook)}.`,
    ...(waitsFor === "approve" ? [`  It waits for \`godwit backfill approve ${revision}\`.`] : []),
    ...(waitsFor === "resume"
      ? [`  It is paused, and waits for \`godwit backfill resume ${revision}\`.`]
      : []),
    ...(refused === 0 ? [] : [`  PostgreSQL has refused ${rowsOf(refused)}, which it tries again first.`]),
    ...cost,
    ...sampleLines(sample, unsampled),
  ];
}

/** Half a sentence. */
function wayOf({ table, key, rows, done, left }: BackfillOutlook): string {
  const by = `${table} by ${key.join(", ")}`;
  if (done === 0)
    return `goes through ${by}, ${rows === null ? "rows that nobody has counted yet (ANALYZE does)" : `about ${rowsOf(rows)}`}`;
  const far = `goes on in ${by}: ${rowsOf(done)} ${done === 1 ? "is" : "are"} done`;
  return left === null
    ? `${far}, and nobody has counted the others yet (ANALYZE does)`
    : `${far}, and about ${whole(left)} ${left === 1 ? "is" : "are"} left`;
}

function sampleLines(
  sample: BackfillSample | null | undefined,
  unsampled?: string | null,
): readonly string[] {
  if (sample == null)
    return unsampled == null ? [] : [`  There is no sample of it: ${unsampled.replace(/\.$/, "")}.`];
  const { rows, changed, rowsPerSecond, walBytes, durationMs, totalWalBytes, triggers, sequences } = sample;
  const all =
    durationMs === null || totalWalBytes === null
      ? `${bytes(walBytes)} of WAL in its window`
      : `about ${formatDuration(durationMs)} and ${bytes(totalWalBytes)} of WAL for all that is left`;
  return [
    `  A sample of ${rowsOf(rows)} was rolled back (${whole(changed)} changed): ${whole(rowsPerSecond)} rows/s, ${all}.`,
    ...(sample.withoutOldValues
      ? ["  It kept no old values, which the backfill does: that costs about as much again."]
      : []),
    ...(triggers.length === 0
      ? []
      : [`  Triggers ran in it (${triggers.join(", ")}): what they did outside of the database stays.`]),
    ...(sequences.length === 0 ? [] : [`  Numbers of ${sequences.join(", ")} were used up.`]),
    ...(unsampled == null ? [] : [`  A larger sample, ${unsampled.replace(/\.$/, "")}.`]),
  ];
}

function adoptedLine({ title, table, revisions }: NonNullable<Plan["adopts"]>): string {
  const [first, ...others] = revisions;
  const what = others.length === 0 ? first : `${revisions.length} migrations`;
  return `${title} has applied ${what} (${table}): \`godwit up\` adopts ${others.length === 0 ? "it" : "them"} and does not run ${others.length === 0 ? "it" : "them"}.`;
}
