/** `godwit backfill` */
import { migrateOptions } from "../../assemble/options.ts";
import { ConfigError } from "../../errors.ts";
import { forgetOldValues, undoBackfill } from "../../run/backfill-undo.ts";
import { announceRun } from "../../service/announce.ts";
import type { Answer, Invocation } from "../command.ts";
import { withSession } from "../session.ts";
import { summary } from "./up.ts";

const ACTIONS = ["undo", "forget"] as const;

export async function run(invocation: Invocation): Promise<Answer> {
  const [given = "", revision = ""] = invocation.arguments;
  const action = ACTIONS.find((one) => one === given);
  if (action === undefined)
    throw new ConfigError({
      code: "CONFIG_INVALID",
      message: `\`godwit backfill ${given}\` is none of ${ACTIONS.join(", ")}.`,
      hint: "`godwit help backfill` says what each does.",
      details: { from: "argument" },
    });
  return withSession(invocation, async ({ target, config, context }) => {
    if (action === "forget") {
      const forgotten = await forgetOldValues(target, revision, context);
      const text = `Dropped the old values of ${forgotten.table} that ${forgotten.revision} had kept.`;
      return { json: { ...forgotten }, text, result: false };
    }
    const options = migrateOptions(config, "down", revision);
    const report = await announceRun({ config, target, command: "down", context, isLast: true }, (told) =>
      undoBackfill(target, options, told),
    );
    return { json: { report }, text: summary(report), result: false };
  });
}
