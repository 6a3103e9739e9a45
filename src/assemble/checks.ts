/** Makes the checks after a run from a configuration. */
import type { Config } from "../config/config.ts";
import type { Check } from "../run/checks/check.ts";

/** A command gets the environment of its target alone, with the URL of its database. */
export function assembleChecks(config: Config): readonly Check[] {
  const { values, root, environment } = config;
  return values.checks.map((check): Check => {
    if (check.kind !== "command") return check;
    return { ...check, folder: root, environment: commandEnvironment(environment, values.databaseUrl) };
  });
}

/** What a command of the user's is given. A secret is in the environment, and never among the words, which others can see. */
export function commandEnvironment(
  environment: Config["environment"],
  url: Config["values"]["databaseUrl"],
): Config["environment"] {
  return url === null ? environment : { ...environment, DATABASE_URL: url.reveal() };
}
