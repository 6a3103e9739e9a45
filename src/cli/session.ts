/** Opens the target of an invocation and closes it in every case. */
import { type Assembled, type AssembleOptions, assemble, createContext } from "../assemble/assemble.ts";
import type { Config } from "../config/config.ts";
import { ConfigError } from "../errors.ts";
import type { RunContext } from "../run/session/target.ts";
import type { Invocation } from "./command.ts";

export interface OpenTarget extends Assembled {
  readonly config: Config;
  readonly context: RunContext;
}

/** For commands that read the migrations. */
export function withFiles<T>(invocation: Invocation, use: (session: OpenTarget) => Promise<T>): Promise<T> {
  return withSession(invocation, use, { needsFiles: true });
}

export async function withSession<T>(
  invocation: Invocation,
  use: (session: OpenTarget) => Promise<T>,
  { needsFiles }: Pick<AssembleOptions, "needsFiles"> = {},
): Promise<T> {
  const config = await invocation.config();
  if (config.target?.schemas != null) throw oneSchema(config.target.name);
  const { say, source, signal, observe } = invocation;
  await using assembled = await assemble(config, { say, source, signal, observe, needsFiles });
  const soFar = invocation.underWay.reportsOf(config.target?.name);
  const context = createContext(config, { observe, signal, soFar });
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
