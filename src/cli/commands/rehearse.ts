/** `godwit rehearse` */
import { forecast } from "../../assemble/forecast.ts";
import { migrateOptions } from "../../assemble/options.ts";
import type { Forecast } from "../../run/forecast.ts";
import { directionOf } from "../../run/plan.ts";
import type { Answer, Invocation } from "../command.ts";
import { OF_UP, refuseFlags } from "../given.ts";
import { forecastText } from "../output/forecast.ts";
import { type OpenTarget, withFiles } from "../session.ts";

export async function run(invocation: Invocation): Promise<Answer> {
  const to = invocation.arguments[0] ?? "heads";
  if (directionOf(to) === "down") refuseFlags(`godwit rehearse ${to}`, invocation.flags, OF_UP);
  return withFiles(invocation, async (opened) => {
    const report = await forecastOf(invocation, opened, to);
    return {
      json: { ...report },
      text: forecastText(report, invocation.terminal.paint),
      result: true,
      wholeOfSchema: true,
      exitCode: report.counts.failed > 0 ? 1 : 0,
    };
  });
}

export function forecastOf(
  { say: print }: Invocation,
  { target, config, context }: OpenTarget,
  to: string,
): Promise<Forecast> {
  const options = migrateOptions(config, directionOf(to), to);
  return forecast({ config, target, print }, options, context);
}
