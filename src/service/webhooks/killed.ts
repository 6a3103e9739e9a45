/** Tells webhooks of migrations beside an app whose process was killed. Such a process can tell nothing itself. */
import { assemble, createContext, isAddressed } from "../../assemble/assemble.ts";
import type { Config } from "../../config/config.ts";
import type { Problem } from "../../errors.ts";
import { patienceOf, patientLimit } from "../patience.ts";
import { failedOf, messageOf } from "./message.ts";
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
  const facts = factsOf(config, {
    ...{ target: target?.name ?? config.values.project ?? "migrations", command: "up", runId, host },
  });
  sender.send(
    messageOf("run.failed", failedOf(facts, { outcome: "failed", problems, report: null }), new Date()),
  );
  return closeSender(sender, { target, context, patienceMs });
}
