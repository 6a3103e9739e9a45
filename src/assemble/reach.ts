/** Checks that a target can be reached. With several targets, each is checked before the first one is changed. */
import type { Config } from "../config/config.ts";
import { withConnection } from "../run/session/connect.ts";
import type { RunContext } from "../run/session/target.ts";
import { assemble } from "./assemble.ts";
import type { Say } from "./embedded.ts";
import { assembleImports } from "./imports.ts";

/**
 * A function that connects once, as a run does, and changes nothing. `undefined`: `onTargetFailure` was set to `continue`, so
 * targets that can be reached are migrated without the others.
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
