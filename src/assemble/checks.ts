/** Makes the checks before and after a run from a configuration. */
import type { Config } from "../config/config.ts";
import type { Check } from "../run/checks/check.ts";
import { commandEnvironment } from "./source.ts";

/** A command gets the environment of its target alone, with the URL of its database. */
export function assembleChecks(config: Config): readonly Check[] {
  const { values, root, environment } = config;
  return values.checks.map((check): Check => {
    if (check.kind !== "command") return check;
    return { ...check, folder: root, environment: commandEnvironment(environment, values.databaseUrl) };
  });
}
