/** `godwit down` */
import { migrateOptions } from "../../assemble/options.ts";
import { migrate } from "../../run/migrate.ts";
import { announceRun } from "../../service/announce.ts";
import type { Answer, Invocation } from "../command.ts";
import { withFiles } from "../session.ts";
import { sayUntil, summary } from "./up.ts";

export async function run(invocation: Invocation): Promise<Answer> {
  const to = invocation.arguments[0] ?? "";
  if (invocation.flags.sql === true) return (await import("./offline.ts")).script(invocation, "down", to);
  return withFiles(invocation, async ({ target, config, context }) => {
    const options = migrateOptions(config, "down", to);
    sayUntil(invocation, options);
    const report = await announceRun({ config, target, command: "down", context, isLast: true }, (told) =>
      migrate(target, options, told),
    );
    return { json: { report }, text: summary(report), result: false };
  });
}
