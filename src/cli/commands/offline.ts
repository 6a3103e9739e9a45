/** `--sql`: a script for somebody else to run. */
import { randomUUID } from "node:crypto";
import { assembleOffline, createContext } from "../../assemble.ts";
import { renderScript } from "../../run/offline.ts";
import type { Answer, Invocation } from "../command.ts";
import { migrateOptions } from "../session.ts";

export async function script(invocation: Invocation, direction: "up" | "down", to: string): Promise<Answer> {
  const config = await invocation.config();
  const { say: print, signal } = invocation;
  await using assembled = await assembleOffline(config, { print, signal });
  const from = invocation.flags.from;
  const preset = direction === "up" ? "base" : "heads";
  const options = {
    ...migrateOptions(config, direction, to),
    from: typeof from === "string" ? from : preset,
  };
  const text = await renderScript(assembled.target, options, {
    ...createContext(config, invocation),
    runId: randomUUID(),
  });
  return { json: { sql: text }, text, result: true };
}
