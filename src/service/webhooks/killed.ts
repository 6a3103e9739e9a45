/** Tells webhooks of migrations beside an app whose process was killed. Such a process can tell nothing itself. */
import { assemble, createContext, isAddressed } from "../../assemble/assemble.ts";
import type { Config } from "../../config/config.ts";
import type { Problem } from "../../errors.ts";
import { patienceOf, patientLimit } from "../patience.ts";
import type { CutRun } from "../supervise/runs.ts";
import { cutOf, messageOf } from "./message.ts";
import { createSender } from "./sender.ts";
import { closeSender, factsOf } from "./tell.ts";

/** Says that the process could not say it. */
export function isOfKilled({ code, details }: Problem): boolean {
  return code === "MIGRATIONS_MEMORY" || code === "MIGRATIONS_ENDED" || details?.killed === true;
}

export interface KilledOptions {
  readonly problems: readonly Problem[];
  readonly signal: AbortSignal;
}

/** Resolves within some seconds, with what there is to warn of. */
export async function tellOfKilled(
  config: Config,
  { problems, signal }: KilledOptions,
): Promise<Problem | null> {
  const patienceMs = patienceOf(signal, { parts: 2 });
  using limit = patientLimit(signal, patienceMs);
  const context = createContext(config, { observe: () => {}, signal });
  // An embedded server ends with the process that has started it, and is not started again for this.
  await using assembled =
    config.targets === null && isAddressed(config)
      ? await assemble(config, { say: () => {}, signal: limit.signal })
      : null;
  const target = assembled?.target ?? null;
  const sender = createSender(config.webhooks);
  const { runId, host } = context;
  const unnamed: CutRun = { runId, target: target?.name ?? config.values.project ?? "migrations" };
  const cut = problems.flatMap(({ details }) => (details?.runs ?? []) as readonly CutRun[]);
  for (const run of cut.length === 0 ? [unnamed] : cut) {
    const facts = factsOf(config, { runId: run.runId, target: run.target, command: "up", host });
    sender.send(messageOf("run.failed", cutOf(facts, problems, run), new Date()));
  }
  return await closeSender(sender, { target, context, patienceMs });
}
