/** `godwit baseline` */
import { baseline } from "../../run/baseline.ts";
import type { Answer, Invocation } from "../command.ts";
import { withFiles } from "../session.ts";

export async function run(invocation: Invocation): Promise<Answer> {
  return withFiles(invocation, async ({ target, context }) => {
    const { confirm } = invocation.flags;
    const options = typeof confirm === "string" ? { confirm } : {};
    const report = await baseline(target, invocation.arguments[0] ?? "", context, options);
    const { declared, already, replaced, told } = report;
    const lines = [
      ...(declared.length > 0 ? [`Declared as present: ${declared.join(", ")}.`] : []),
      ...(declared.length === 0 && told === null ? ["Nothing to declare."] : []),
      ...(told === null
        ? []
        : [`${declared.length > 0 ? "Also written" : "Written"} to the history of ${told}.`]),
      ...(replaced.length === 0 ? [] : [`Replaced, and no longer in the ledger: ${replaced.join(", ")}.`]),
      ...(already.length === 0 ? [] : [`Already in the ledger: ${already.join(", ")}.`]),
    ];
    return { json: { report }, text: lines.join("\n"), result: false };
  });
}
