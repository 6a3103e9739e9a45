/** `godwit webhooks` */
import { type UndeliveredMessage, undelivered } from "../../service/webhooks/undelivered.ts";
import type { Answer, Invocation } from "../command.ts";
import { withSession } from "../session.ts";
import { timeOf } from "./status.ts";

export async function run(invocation: Invocation): Promise<Answer> {
  const { flags } = invocation;
  const action = flags.retry === true ? "retry" : flags.forget === true ? "forget" : "list";
  return withSession(invocation, async ({ target, config, context }) => {
    const found = await undelivered(target, { action, webhooks: config.webhooks }, context);
    const { delivered, forgotten, undelivered: left } = found;
    const lines = [
      ...(action === "retry" ? [`${messages(delivered)} delivered.`] : []),
      ...(action === "forget" ? [`${messages(forgotten)} forgotten.`] : []),
      ...left.map(lineOf),
      ...(action === "list" && left.length === 0 ? ["Every message was delivered."] : []),
      ...(action === "list" && left.length > 0 ? ["`godwit webhooks --retry` sends them again."] : []),
    ];
    return {
      json: { ...found },
      text: lines.join("\n"),
      result: true,
      // The messages, or what came of them, are in all lines.
      wholeOfSchema: left.length > 0,
      ...(action === "retry" && left.length > 0 ? { exitCode: 1 } : {}),
    };
  });
}

function lineOf({ createdAt, type, target, webhook, attempts, reason }: UndeliveredMessage): string {
  const tries = attempts === 1 ? "1 attempt" : `${attempts} attempts`;
  return `${timeOf(createdAt)}  ${type} of ${target}: ${webhook} ${reason}, after ${tries}`;
}

function messages(count: number): string {
  return `${count} ${count === 1 ? "message" : "messages"}`;
}
