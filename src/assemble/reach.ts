/** Whether a target can be reached, which several targets are asked before the first of them is changed. */
import type { Config } from "../config/config.ts";
import { withConnection } from "../run/session/connect.ts";
import type { RunContext } from "../run/session/target.ts";
import { assemble } from "./assemble.ts";
import type { Say } from "./embedded.ts";
import { assembleImports } from "./imports.ts";

/**
 * Connects once, as a run does, and changes nothing. Returns `undefined` where targets that can be reached are to go on without
 * the others: somebody has chosen `continue` for them.
 */
export function reachOf(config: Config, { context, say }: { context: RunContext; say: Say }) {
  const { values, provenances } = config;
  if (values.onTargetFailure === "continue" && provenances.onTargetFailure.kind !== "default")
    return undefined;
  // A schema that is missing is found out, and said, in another place.
  const plain = { ...config, values: { ...values, searchPath: null } };
  return async () => {
    // A wrong option is found here. The origin is not asked: an import that fails goes on in the next run.
    await assembleImports(config);
    await using assembled = await assemble(plain, { say });
    await withConnection(assembled.target, context, async () => {});
  };
}
