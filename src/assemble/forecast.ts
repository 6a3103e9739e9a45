/** A plan that is rehearsed, and then looked at on the target; and the judge of `up --max-risk`, who asks for that. */
import type { Config } from "../config/config.ts";
import type { Forecast } from "../run/forecast.ts";
import type { Approval } from "../run/max-risk.ts";
import type { MigrateOptions } from "../run/plan.ts";
import type { RunContext, Target } from "../run/session/target.ts";

interface Place {
  readonly config: Config;
  readonly target: Target;
  readonly print: (line: string) => void;
}

/** Throws as `up` would before its first step. The target is only read. */
export async function forecast(
  { config, target, print }: Place,
  options: MigrateOptions,
  context: RunContext,
): Promise<Forecast> {
  const [{ rehearse }, { rehearsalParts }, { withLiveFacts }] = await Promise.all([
    import("../run/rehearse.ts"),
    import("./rehearsal.ts"),
    import("../run/forecast.ts"),
  ]);
  const report = await rehearse(target, { ...options, ...rehearsalParts(config, target, print) }, context);
  return withLiveFacts(target, report, context);
}

/** Of this it is loaded only what is asked for: a run without `maxRisk` needs none of it. */
export function approvalBy(place: Place): Approval {
  return async (options, context) => {
    const [{ preview }, { approved }] = await Promise.all([
      import("../run/status.ts"),
      import("../run/max-risk.ts"),
    ]);
    const decided = await preview(place.target, options, context);
    return approved(options, { decided, report: await forecast(place, options, context) });
  };
}
