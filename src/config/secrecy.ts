/** What one target, and the code of its migrations, may find in the environment. */
import type { Config, GivenTargets } from "./config.ts";
import { OPTIONS } from "./options.ts";
import { isVariable } from "./read.ts";

/** Shorter values are words that many variables hold, such as a port. */
const TELLING_LENGTH = 8;

/**
 * Of several targets each finds everything but the variables that only others name, and those that repeat the value of
 * such a one. The secrets of imports are left out where only others import.
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

/** Of two names of databases one may begin with the other. */
function repeats(value: string, secret: string): boolean {
  const at = value.indexOf(secret);
  return at !== -1 && !/^[\w.-]/.test(value.slice(at + secret.length, at + secret.length + 1));
}

function variablesIn(value: unknown): readonly string[] {
  if (isVariable(value)) return [value.variable];
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap(variablesIn);
}
