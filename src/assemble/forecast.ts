/** A plan that is rehearsed, and then looked at on the target; and the judge of `up --max-risk`, who asks for that. */
import type { Config } from "../config/config.ts";
import type { Scratch } from "../database/embedded/scratch.ts";
import { PlanRefused } from "../errors.ts";
import type { Forecast } from "../run/forecast.ts";
import type { Approval } from "../run/max-risk.ts";
import type { MigrateOptions } from "../run/plan.ts";
import type { RunContext, Target } from "../run/session/target.ts";

interface ForecastCall {
  readonly config: Config;
  readonly target: Target;
  readonly print: (line: string) => void;
}

/** Throws as `up` would before its first step. The target is only read. */
export async function forecast(
  { config, target, print }: ForecastCall,
  options: MigrateOptions,
  context: RunContext,
): Promise<Forecast> {
  const [{ rehearse }, { rehearsalParts }, { forecastOf }] = await Promise.all([
    import("../run/rehearse.ts"),
    import("./rehearsal.ts"),
    import("../run/forecast.ts"),
  ]);
  const { openScratch, openSource } = rehearsalParts(config, target, print);
  let scratch: Scratch | undefined;
  // The rehearsal ends with its server, which the prediction still needs.
  const keep: typeof openScratch = async (wanted) => {
    scratch = await openScratch(wanted);
    return { ...scratch, close: async () => {}, [Symbol.asyncDispose]: async () => {} };
  };
  try {
    const report = await rehearse(target, { ...options, openScratch: keep, openSource }, context);
    return await forecastOf(target, { report, scratch }, context);
  } finally {
    await scratch?.close();
  }
}

/** Of this it is loaded only what is asked for: a run without `maxRisk` needs none of it. */
export function approvalBy(place: ForecastCall): Approval {
  return async (options, context) => {
    const [{ preview }, { approved, withDrift }] = await Promise.all([
      import("../run/status.ts"),
      import("../run/max-risk.ts"),
    ]);
    const decided = await preview(place.target, options, context);
    const report = await forecast(place, options, context);
    try {
      return approved(options, { decided, report });
    } catch (error) {
      if (!(error instanceof PlanRefused)) throw error;
      throw await withDrift(error, { target: place.target, options, context });
    }
  };
}
