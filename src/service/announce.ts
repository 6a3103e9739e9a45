/**
 * Tells others about one run of `up` or `down`: webhooks, and OpenTelemetry where a program has registered it. The command
 * and the library run through here. What goes wrong while telling never changes how the run ends.
 */
import type { Config } from "../config/config.ts";
import { GodwitError, type Problem } from "../errors.ts";
import type { RunEvent } from "../run/report/events.ts";
import type { Report } from "../run/report/report.ts";
import type { RunContext, Target } from "../run/session/target.ts";
import { tolerant } from "../std/tolerant.ts";
import { isTelemetryRegistered } from "./telemetry/registered.ts";
import type { RunTeller } from "./teller.ts";

export interface AnnounceOptions {
  readonly config: Config;
  readonly target: Target;
  readonly command: Report["command"];
  readonly context: RunContext;
  /** The process ends with the run, so what was measured must be out before. */
  readonly isLast: boolean;
  /** The run has ended, and whoever is told of it is still waited for. Not called where nobody is told. */
  readonly onEnd?:
    | ((end: { readonly report: Report } | { readonly error: unknown }) => Promise<void>)
    | undefined;
  readonly isTriedAgain?: ((problems: readonly Problem[]) => boolean) | undefined;
}

/** Settles like `work`. */
export async function announceRun(
  options: AnnounceOptions,
  work: (context: RunContext) => Promise<Report>,
): Promise<Report> {
  const { context } = options;
  const tellers = await tellersOf(options);
  if (tellers.length === 0) return work(context);
  const told = tellers.map(({ observe }) => tolerant(observe, () => {}));
  const observe = (event: RunEvent) => {
    for (const each of told) each(event);
    context.observe(event);
  };
  const end = async (how: (teller: RunTeller) => Promise<Problem | null>) => {
    const ended = await Promise.all(tellers.map(async (teller) => how(teller)).map(orNothing));
    const problems = ended.filter((problem) => problem !== null);
    for (const problem of problems) context.observe({ kind: "warning", problem });
    return problems;
  };
  let report: Report;
  try {
    report = await work({ ...context, observe });
  } catch (error) {
    await options.onEnd?.({ error });
    const known = error instanceof GodwitError ? reportIn(error) : null;
    const warnings = await end((teller) => teller.failed(error, known));
    if (known !== null && error instanceof GodwitError) error.report = withWarnings(known, warnings);
    throw error;
  }
  await options.onEnd?.({ report });
  return withWarnings(report, await end((teller) => teller.completed(report)));
}

/** The code is loaded where it has somebody to tell. */
async function tellersOf(options: AnnounceOptions): Promise<readonly RunTeller[]> {
  const { config, isTriedAgain = () => false } = options;
  const webhooks = async () => {
    if (config.webhooks.length === 0) return null;
    return (await import("./webhooks/tell.ts")).tellWebhooks({ ...options, isTriedAgain });
  };
  const telemetry = async () => {
    if (!isTelemetryRegistered(config.environment)) return null;
    return (await import("./telemetry/tell.ts")).tellTelemetry(options);
  };
  const tellers = await Promise.all([webhooks(), telemetry()].map(orNothing));
  return tellers.filter((teller) => teller !== null);
}

/** What others have registered may throw anywhere, and a run does not depend on it. */
function orNothing<T>(promise: Promise<T>): Promise<T | null> {
  return promise.catch(() => null);
}

function reportIn({ report }: GodwitError): Report | null {
  return report !== undefined && "steps" in report ? (report as Report) : null;
}

function withWarnings(report: Report, warnings: readonly Problem[]): Report {
  return warnings.length === 0 ? report : { ...report, warnings: [...report.warnings, ...warnings] };
}
