/** A variable that begins with our name and that nobody knows is a mistake: what it was meant to say is not done. */
import { ConfigError, type Problem } from "../errors.ts";
import { nearest } from "../std/nearest.ts";
import { formerVariables } from "./former-names.ts";
import { OPTIONS, variablesOf } from "./options.ts";
import { isVariable } from "./read.ts";
import { isServiceLink } from "./service-links.ts";

const OURS = /^GODWIT_/;
/** What our own tests tell each other. */
const OF_TESTS = /^GODWIT_TEST_/;

/** Throws `ConfigError` with all of them. A configuration file may name variables of its own, and those are known. */
export function refuseUnknownVariables(
  environment: Readonly<Record<string, string | undefined>>,
  file: unknown,
): void {
  const names = Object.keys(environment).filter(
    (name) =>
      OURS.test(name) &&
      !OF_TESTS.test(name) &&
      environment[name] !== undefined &&
      !isServiceLink(name, environment[name]),
  );
  if (names.length === 0) return;
  const known = new Set([...OPTIONS.flatMap(variablesOf), ...formerVariables(), ...namedIn(file)]);
  const [first, ...others] = names.filter((name) => !known.has(name)).map((name) => unknown(name, known));
  if (first !== undefined) throw new ConfigError(first, { others });
}

function unknown(name: string, known: ReadonlySet<string>): Problem & { readonly code: "CONFIG_INVALID" } {
  const meant = nearest(name, [...known]);
  return {
    code: "CONFIG_INVALID",
    message: `There is no variable ${name}, and nobody reads it.`,
    hint:
      meant === undefined
        ? "Unset it. docs/reference/config.md lists all variables; those that begin with GODWIT_ are Godwit's own."
        : `Did you mean ${meant}?`,
    details: { variable: name },
  };
}

function namedIn(value: unknown): readonly string[] {
  if (isVariable(value)) return [value.variable];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(namedIn) : [];
}
