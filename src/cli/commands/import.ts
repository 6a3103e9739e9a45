/** `godwit import` */
import { assembleImports, chooseImports } from "../../assemble/imports.ts";
import type { Config } from "../../config/config.ts";
import { ConfigError } from "../../errors.ts";
import { type ImportRun, problemOf } from "../../images/runs.ts";
import type { Figures } from "../../import/figures.ts";
import type { ImportReport } from "../../import/report.ts";
import { importRuns, isSilent, runImports } from "../../run/import.ts";
import { whole } from "../../std/number.ts";
import { formatSize } from "../../std/size.ts";
import { formatDuration } from "../../std/time.ts";
import { visible } from "../../std/visible.ts";
import type { Answer, Invocation } from "../command.ts";
import { progressLine, workerLine } from "../output/import-progress.ts";
import { type OpenTarget, withSession } from "../session.ts";

export async function run(invocation: Invocation): Promise<Answer> {
  if (invocation.flags.status === true)
    return withSession(invocation, (session) => status(session, invocation.arguments[0]));
  const config = await withOrigin(await invocation.config(), invocation, { takesHostKey: true });
  const { flags } = invocation;
  const wanted = chooseImports(await assembleImports(config), invocation.arguments[0]);
  return withSession(invocation, async ({ target, context }) => {
    const reports = await runImports(target, wanted, { context, colours: flags.colours === true });
    return { json: { imports: reports }, text: reports.map(importSummary).join("\n"), result: false };
  });
}

/** `--from` is an import of its own; the other flags say more about it. */
export async function withOrigin(
  config: Config,
  { flags, arguments: [name] }: Invocation,
  { takesHostKey }: { readonly takesHostKey: boolean },
): Promise<Config> {
  const { from } = flags;
  const options = Object.fromEntries(
    [
      ["pattern", flags.pattern],
      ["table", flags.table],
      ["hostKey", flags.hostKey],
      ["trustOnFirstUse", flags.trustOnFirstUse],
      ["workers", flags.workers === undefined ? undefined : Number(flags.workers)],
    ].filter(([, value]) => value !== undefined),
  );
  if (typeof from === "string") {
    const { withOwnImport } = await import("../../config/imports/own.ts");
    return withOwnImport(config, { from, name, options, takesHostKey });
  }
  const [first] = Object.keys(options);
  if (first === undefined) return config;
  throw new ConfigError({
    code: "CONFIG_INVALID",
    message: `--${first.replace(/[A-Z]/g, "-$&").toLowerCase()} belongs to --from.`,
    hint: "For a configured import it is an option of imports.<name>: see docs/reference/config.md.",
    details: { from: "flag" },
  });
}

const STATES = [
  ["quarantined", "in quarantine"],
  ["unsupported", "of kinds that cannot be hashed"],
  ["failed", "that could not be read"],
  ["changing", "still being written"],
  ["missing", "gone"],
  ["excluded", "excluded"],
] as const;

export function importSummary(report: ImportReport): string {
  const { import: name, outcome } = report;
  if (outcome === "skipped") return `Import ${name} was skipped.`;
  const done = importDone(report);
  const first = done === null ? `nothing new, ${storedOf(report)}` : `${done}; ${countOf(report)} in all`;
  return [`Import ${name}: ${first}.`, ...importTroubles(report)].join("\n");
}

/**
 * The answer of an `up` with imports: one sentence about migrations and files, then what a person must look at. `isAll`: no
 * migration is held back or waits for a backfill of another run.
 */
export function upSummary(
  migrations: string | null,
  { target, isAll }: { readonly target: string; readonly isAll: boolean },
  imports: readonly ImportReport[],
): string {
  const [only, ...others] = imports;
  const ran = imports.filter(({ outcome }) => outcome !== "skipped");
  const skipped = imports.filter((each) => !ran.includes(each)).map(importSummary);
  const troubles = ran.flatMap(importTroubles);
  const news = ran.filter((report) => importDone(report) !== null);
  const rest = [...troubles, ...skipped].map((line) => `\n${line}`).join("");
  if (news.length === 0) {
    const stored = ran.map((each) => `${storedOf(each)} by import ${each.import}`).join(", ");
    if (migrations !== null)
      return `${migrations}${stored === "" ? "" : `; nothing new to import: ${stored}`}.${rest}`;
    const idle = `${target}: nothing to do`;
    const [all, also] = isAll ? [", everything is applied", " and imported; "] : ["", "; "];
    return `${idle}${all}${stored === "" ? "" : `${also}${stored}`}.${rest}`;
  }
  const first = migrations ?? `${target}: no migration ${isAll ? "was pending" : "to apply now"}`;
  if (only !== undefined && others.length === 0)
    return `${first}; import ${only.import}: ${importDone(only)}, ${countOf(only)} in all.${rest}`;
  return `${first}; ${imports.length} imports:\n${imports.map(importSummary).join("\n")}`;
}

/** What an import has done, in a few words. `null`: nothing. */
function importDone({ stored, moved, restored, bytesRead, durationMs }: ImportReport): string | null {
  const done = [
    ...(stored > 0
      ? [`${whole(stored)} ${stored === 1 ? "image" : "images"} stored (${formatSize(bytesRead)})`]
      : []),
    ...(moved > 0 ? [`${whole(moved)} of them moved`] : []),
    ...(restored > 0 ? [`${whole(restored)} rows restored`] : []),
  ];
  return done.length === 0 ? null : `${done.join(", ")} in ${formatDuration(durationMs)}`;
}

function countOf({ files }: ImportReport): string {
  return whole(files.stored ?? 0);
}

function storedOf(report: ImportReport): string {
  return `${countOf(report)} ${report.files.stored === 1 ? "image is" : "images are"} stored`;
}

function importTroubles({ files, troubles }: ImportReport): readonly string[] {
  const others = STATES.flatMap(([state, words]) =>
    (files[state] ?? 0) > 0 ? [`${whole(files[state] ?? 0)} ${words}`] : [],
  );
  const shown = troubles.slice(0, 10);
  return [
    ...(others.length === 0 ? [] : [`Without a row: ${others.join(", ")}.`]),
    ...shown.map((each) => `  ${visible(each.path)}: ${visible(each.reason)} [${each.code}]`),
    ...(troubles.length > shown.length ? ["  …"] : []),
  ];
}

async function status({ target, context }: OpenTarget, name: string | undefined): Promise<Answer> {
  const runs = await importRuns(target, name, context);
  const text =
    runs.length === 0
      ? `Nothing has been imported into this database yet${name === undefined ? "" : ` by import ${name}`}.`
      : runs.map((each) => describe(each)).join("\n");
  return { json: { imports: runs }, text, result: true };
}

function describe(run: ImportRun): string {
  const figures = run.figures as unknown as Partial<Figures>;
  const where = `process ${run.pid} on ${run.host}`;
  if (run.finishedAt !== null) {
    const took = formatDuration(run.finishedAt.getTime() - run.startedAt.getTime());
    return `${run.import}: ${run.state} at ${run.finishedAt.toISOString()} after ${took}, ${whole(figures.stored ?? 0)} images stored${reasonOf(run)}`;
  }
  const silent = isSilent(run) ? `, silent for ${formatDuration(run.silentForMs)}: killed?` : "";
  if (figures.files === undefined) return `${run.import}: scanning, ${where}${silent}`;
  return [
    `${run.import}: ${progressLine(figures as Figures)}, ${where}${silent}`,
    ...(figures.workers ?? []).map(workerLine),
  ].join("\n");
}

function reasonOf(run: ImportRun): string {
  const problem = problemOf(run);
  return problem === null ? "" : `: ${visible(problem.message)} [${problem.code}]`;
}
