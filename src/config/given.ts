/**
 * Checks what a program passes, before anything is done with it. Types protect TypeScript programs only: the caller
 * may be JavaScript, or pass on what it read elsewhere. `undefined` means "not set". `null` and an empty list are
 * values that somebody set, and never mean "not set".
 */
import { ConfigError } from "../errors.ts";
import { refuseUnknownKeys } from "./known.ts";

export interface Check {
  /** The expected value for people: `text`, `a function`. */
  readonly expected: string;
  readonly is: (value: unknown) => boolean;
}

export const TEXT: Check = { expected: "text", is: (value) => typeof value === "string" };
export const SWITCH: Check = { expected: "true or false", is: (value) => typeof value === "boolean" };
export const NUMBER: Check = {
  expected: "a number",
  is: (value) => typeof value === "number" && Number.isFinite(value),
};
export const COUNT: Check = {
  expected: "a whole number",
  is: (value) => Number.isInteger(value) && Number(value) >= 0,
};
export const FUNCTION: Check = { expected: "a function", is: (value) => typeof value === "function" };
export const SIGNAL: Check = {
  expected: "an AbortSignal",
  is: (value) =>
    isObject(value) && typeof value.aborted === "boolean" && typeof value.addEventListener === "function",
};
export const OBJECT: Check = { expected: "an object", is: isObject };
export const TEXTS: Check = {
  expected: "a list of texts",
  is: (value) => Array.isArray(value) && value.length > 0 && value.every((each) => typeof each === "string"),
};
/** An image, by its id or its path. */
export const FILE: Check = {
  expected: "an id or a path",
  is: (value) => typeof value === "string" || Number.isInteger(value),
};
export const FILES: Check = {
  expected: "a list of ids or paths",
  is: (value) => Array.isArray(value) && value.length > 0 && value.every(FILE.is),
};
/** A whole number, or `null`, which says that there is none. */
export const POSITION: Check = {
  expected: "a whole number from 1",
  is: (value) => value === null || (Number.isInteger(value) && Number(value) >= 1),
};
/** An option. `readValue` decides which values it may have, and whether it may be an empty list. */
export const OPTION: Check = { expected: "a value", is: (value) => value !== null };

export function oneOf(...words: readonly string[]): Check {
  return { expected: `one of ${words.join(", ")}`, is: (value) => words.includes(value as string) };
}

export interface Shape {
  /** The name for messages: `up() of a fleet`. */
  readonly name: string;
  readonly keys: Readonly<Record<string, Check>>;
  readonly required?: readonly string[];
}

/** Throws `ConfigError` `CONFIG_INVALID` for a key that is unknown, missing, empty or of another type, and names it. */
export function checkGiven(given: unknown, { name, keys, required = [] }: Shape): void {
  refuseUnknownKeys(given, Object.keys(keys), name);
  const values = given as Readonly<Record<string, unknown>>;
  for (const [key, check] of Object.entries(keys)) {
    const value = values[key];
    if (value !== undefined || required.includes(key)) checkValue(value, `${key} of ${name}`, check);
  }
}

/** The same for one value that must be given. */
export function checkValue(value: unknown, name: string, { expected, is }: Check): void {
  const isEmptyList = Array.isArray(value) && value.length === 0;
  if (value !== undefined && is(value)) return;
  const what =
    value === undefined
      ? "is missing"
      : value === null
        ? "is null"
        : isEmptyList
          ? "is an empty list"
          : `is not ${expected}`;
  throw new ConfigError({
    code: "CONFIG_INVALID",
    message: `${name} ${what}.`,
    hint:
      value === undefined || !(value === null || isEmptyList)
        ? `Give ${expected}.`
        : `Give ${expected}. To set nothing, leave it out. An empty value does not mean none.`,
  });
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
