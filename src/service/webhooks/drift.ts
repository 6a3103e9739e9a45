/** Tells webhooks what `godwit drift` has found, so that a schedule of it is a watch. */
import type { Config } from "../../config/config.ts";
import type { DriftReport } from "../../run/drift.ts";
import type { RunContext, Target } from "../../run/session/target.ts";
import { identity } from "../../schema/snapshot.ts";
import { patienceOf } from "../patience.ts";
import { driftOf, messageOf } from "./message.ts";
import { createSender } from "./sender.ts";
import { closeSender, factsOf } from "./tell.ts";

export interface DriftTelling {
  readonly config: Config;
  readonly target: Target;
  readonly context: RunContext;
}

/** What could not be delivered is a warning. */
export async function tellDrift(
  { config, target, context }: DriftTelling,
  { differences, drifted }: DriftReport,
): Promise<void> {
  if (!drifted) return;
  const sender = createSender(config.webhooks);
  const { runId, host } = context;
  const facts = factsOf(config, { target: target.name, command: "drift", runId, host });
  sender.send(messageOf("drift.found", driftOf(facts, differences.map(identity)), new Date()));
  const patienceMs = patienceOf(context.signal, { parts: 2 });
  const problem = await closeSender(sender, { target, context, patienceMs });
  if (problem !== null) context.observe({ kind: "warning", problem });
}
