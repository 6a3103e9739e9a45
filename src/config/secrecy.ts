/** Limits the environment that one target and the code of its migrations can see. */
import type { Config, GivenTargets } from "./config.ts";
import { OPTIONS } from "./options.ts";
import { isVariable } from "./read.ts";

/** The length from which a value identifies a secret. Shorter values, such as a port, occur in many variables. */
const TELLING_LENGTH = 8;

/**
 * The environment for one of several targets. It lacks the variables that only other targets name, and all variables
 * that repeat such a value. It lacks the secrets of imports if only other targets import.
 */
export function environmentFor(
  name: string,
  { environment, targets }: { environment: Config["environment"]; targets: GivenTargets | null },
): Config["environment"] {
  const mine = new Set(variablesIn(targets?.[name]));
  const others = Object.entries(targets ?? {}).filter(([other]) => other !== name);
  const theirs = new Set(others.flatMap(([, given]) => variablesIn(given)).filter((each) => !mine.has(each)));
  if (targets?.[name]?.imports === undefined && others.some(([, given]) => given.imports !== undefined))
    for (const variable of SECRET_VARIABLES) theirs.add(variable);
  const values = [...theirs].flatMap((variable) => environment[variable] ?? []);
  const telling = values.filter((value) => value.length >= TELLING_LENGTH);
  const kept = Object.entries(environment).filter(
    ([variable, value]) =>
      mine.has(variable) || !(theirs.has(variable) || telling.some((each) => repeats(value ?? "", each))),
  );
  return Object.fromEntries(kept);
}

const SECRET_VARIABLES: readonly string[] = OPTIONS.flatMap((option) =>
  option.kind === "secret" ? (option.variables ?? []) : [],
);

/** Whether `value` contains `secret` as a whole word. The name of one database may begin with that of another. */
function repeats(value: string, secret: string): boolean {
  const at = value.indexOf(secret);
  return at !== -1 && !/^[\w.-]/.test(value.slice(at + secret.length, at + secret.length + 1));
}

function variablesIn(value: unknown): readonly string[] {
  if (isVariable(value)) return [value.variable];
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap(variablesIn);
}
