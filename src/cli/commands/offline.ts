/** `--sql`: a script for somebody else to run. */
import { randomUUID } from "node:crypto";
import { assembleOffline, createContext } from "../../assemble/assemble.ts";
import { assembleImports } from "../../assemble/imports.ts";
import { includesImports } from "../../run/plan.ts";
import { renderScript } from "../../run/sql-script.ts";
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
  const imports = includesImports(options.goal) ? await assembleImports(config) : [];
  const notImported = imports.map(({ name }) => name);
  const text = await renderScript(
    assembled.target,
    { ...options, notImported },
    {
      ...createContext(config, invocation),
      runId: randomUUID(),
    },
  );
  return { json: { sql: text, notImported }, text, result: true, whole: true, verbatim: true };
}
