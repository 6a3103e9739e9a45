/** Reads `lint` of the configuration. */
import { LEVELS, type Level } from "../analysis/finding.ts";
import { nearest } from "../std/nearest.ts";

export interface LintConfig {
  /** Levels that differ from those of the tables, by the id of the rule. */
  readonly rules: Readonly<Record<string, Level | "off">>;
  /** The level from which a finding fails. */
  readonly level: Level;
  /** The major version of the servers. `null`: that of the target counts. */
  readonly postgresVersion: number | null;
}

export const NO_LINT: LintConfig = { rules: {}, level: "warning", postgresVersion: null };

const KEYS = ["rules", "level", "postgresVersion"];
const RULE_LEVELS = [...LEVELS, "off"] as const;

/** The settings, or what is wrong with them: the end of a sentence that begins with the name of the option. */
export function parseLint(given: unknown): { readonly lint: LintConfig } | { readonly wrong: string } {
  if (!isObject(given)) return { wrong: "is not an object" };
  const unknown = Object.keys(given).find((key) => !KEYS.includes(key));
  if (unknown !== undefined) {
    const meant = nearest(unknown, KEYS);
    return {
      wrong: `has an unknown key "${unknown}"${meant === undefined ? "" : ` (did you mean ${meant}?)`}`,
    };
  }
  const { rules = {}, level = NO_LINT.level, postgresVersion = null } = given;
  if (!isObject(rules)) return { wrong: "has rules that are not an object of rules and levels" };
  const odd = Object.entries(rules).find(([, value]) => !RULE_LEVELS.includes(value as Level | "off"));
  if (odd !== undefined)
    return { wrong: `gives the rule ${odd[0]} a level that is not one of ${RULE_LEVELS.join(", ")}` };
  if (!LEVELS.includes(level as Level))
    return { wrong: `has a level that is not one of ${LEVELS.join(", ")}` };
  const version = postgresVersion === null ? null : majorVersion(String(postgresVersion));
  if (postgresVersion !== null && version === null)
    return { wrong: "has a postgresVersion that is no version of PostgreSQL, such as 17" };
  return {
    lint: {
      rules: rules as LintConfig["rules"],
      level: level as Level,
      postgresVersion: version,
    },
  };
}

/** `17` and `17.4` are 17. `null`: that is no version. */
export function majorVersion(word: string): number | null {
  const [, major] = /^(\d{2})(?:\.\d{1,2})?$/.exec(word.trim()) ?? [];
  return major === undefined ? null : Number(major);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
