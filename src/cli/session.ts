/** Opens the target of an invocation and closes it in every case. */
import { type Assembled, assemble, createContext } from "../assemble/assemble.ts";
import type { Config } from "../config/config.ts";
import { PHASES } from "../core/migration.ts";
import { ConfigError } from "../errors.ts";
import type { MigrateOptions } from "../run/plan.ts";
import type { RunContext } from "../run/session/target.ts";
import type { Invocation } from "./command.ts";

export interface Session extends Assembled {
  readonly config: Config;
  readonly context: RunContext;
}

export async function withSession<T>(
  invocation: Invocation,
  use: (session: Session) => Promise<T>,
): Promise<T> {
  const config = await invocation.config();
  if (config.target?.schemas != null) throw oneSchema(config.target.name);
  const { say, source, signal } = invocation;
  await using assembled = await assemble(config, { say, source, signal });
  const context = createContext(config, { observe: invocation.observe, signal: invocation.signal });
  for (const warning of assembled.address?.warnings ?? [])
    invocation.observe({ kind: "warning", problem: warning });
  return await use({ ...assembled, config, context });
}

function oneSchema(name: string): ConfigError {
  return new ConfigError({
    code: "CONFIG_INVALID",
    message: `Target ${name} has several schemas, but this command is about one.`,
    hint: `Name one: --target ${name}/<schema>`,
    details: { from: "flag" },
  });
}

export function migrateOptions(config: Config, direction: "up" | "down", to: string): MigrateOptions {
  const { onFailure, outOfOrder } = config.values;
  // A phase says when a revision is applied. It can be reverted in any phase.
  const phases = direction === "up" ? config.phases : PHASES;
  return { goal: { direction, to, phases }, failure: onFailure, outOfOrder };
}
