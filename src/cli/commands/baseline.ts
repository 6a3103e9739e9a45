/** `godwit baseline` */
import { baseline } from "../../run/baseline.ts";
import type { Answer, Invocation } from "../command.ts";
import { withSession } from "../session.ts";

export async function run(invocation: Invocation): Promise<Answer> {
  return withSession(invocation, async ({ target, context }) => {
    const { confirm } = invocation.flags;
    const options = typeof confirm === "string" ? { confirm } : {};
    const report = await baseline(target, invocation.arguments[0] ?? "", context, options);
    const { declared, already, replaced, told } = report;
    const lines = [
      declared.length === 0 ? "Nothing to declare." : `Declared as present: ${declared.join(", ")}.`,
      ...(told === null ? [] : [`Written into the history of ${told} as well.`]),
      ...(replaced.length === 0 ? [] : [`Replaced, and not in the ledger any more: ${replaced.join(", ")}.`]),
      ...(already.length === 0 ? [] : [`Were in the ledger already: ${already.join(", ")}.`]),
    ];
    return { json: { report }, text: lines.join("\n"), result: false };
  });
}
