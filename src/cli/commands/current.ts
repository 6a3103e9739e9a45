/** `godwit current` */
import { currentOf, headsOf } from "../../core/heads.ts";
import { viewOf } from "../../run/status.ts";
import type { Answer, Invocation } from "../command.ts";
import { withFiles } from "../session.ts";

export async function run(invocation: Invocation): Promise<Answer> {
  return withFiles(invocation, async ({ target, context }) => {
    const { files, history, database } = await viewOf(target, context);
    const current = currentOf(files.migrations, history, target.settings.order);
    const heads = new Set(headsOf(files.migrations, target.settings.order));
    return {
      json: { target: target.name, database, current, heads: [...heads] },
      text:
        current.length === 0
          ? "base: nothing is applied"
          : current.map((id) => (heads.has(id) ? `${id} (head)` : id)).join("\n"),
      result: true,
      wholeOfSchema: current.length > 1,
    };
  });
}
