/** What the code of one target's migrations may find in its environment. */
import type { Config } from "./config.ts";
import { OPTIONS } from "./options.ts";
import { isVariable } from "./read.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Shorter values are words that many variables hold, such as a port. */
const TELLING_LENGTH = 8;

/**
 * With one database, everything. Of several targets each finds all but the variables that only the others name, and
 * variables that repeat the value of such a one.
 */
export function environmentOf(config: Config): Environment {
  const { targets, target, environment } = config;
  if (targets === null || target === null) return environment;
  const own = target.schema === null ? target.name : target.name.slice(0, target.name.indexOf("/"));
  const mine = new Set(variablesIn(targets[own]));
  const others = Object.entries(targets).filter(([name]) => name !== own);
  const theirs = new Set(others.flatMap(([, given]) => variablesIn(given)).filter((name) => !mine.has(name)));
  if (targets[own]?.imports === undefined && others.some(([, given]) => given.imports !== undefined))
    for (const name of SECRET_VARIABLES) theirs.add(name);
  const values = [...theirs].flatMap((name) => environment[name] ?? []);
  const telling = values.filter((value) => value.length >= TELLING_LENGTH);
  const kept = Object.entries(environment).filter(
    ([name, value]) => mine.has(name) || !(theirs.has(name) || telling.some((each) => value?.includes(each))),
  );
  return Object.fromEntries(kept);
}

/** Of options that belong to imports and are never shown. */
const SECRET_VARIABLES: readonly string[] = OPTIONS.flatMap((option) =>
  option.kind === "secret" ? (option.variables ?? []) : [],
);

function variablesIn(value: unknown): readonly string[] {
  if (isVariable(value)) return [value.variable];
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap(variablesIn);
}
