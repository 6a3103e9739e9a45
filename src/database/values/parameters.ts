/**
 * From the values of a migration to what is sent: each arrives as what it is, or is refused by name. Nothing
 * becomes NULL that is not null, nothing becomes a text that nobody meant.
 */
import { writeArray } from "./arrays.ts";
import { writeJson } from "./json.ts";
import { describe, isPlainObject, ParameterRefused, writeDate } from "./refused.ts";

/** Goes over the wire, and through a clone, as it is. */
export type Encoded = string | Buffer | null;

/** What the statement takes at a place, as far as it matters for arrays. */
export type ParameterKind = "json" | "array" | "json-array" | "other";

/** The protocol counts them in two bytes. */
const MOST_PARAMETERS = 65_535;

/** An array is one thing as JSON and another as an array: only the statement says which. */
export function needKinds(values: readonly unknown[]): boolean {
  return values.some((value) => Array.isArray(value));
}

/** `kinds` may be left out where `needKinds` says so. Throws `ParameterRefused`. */
export function encodeParameters(
  values: readonly unknown[],
  kinds: readonly (ParameterKind | undefined)[] = [],
): Encoded[] {
  if (values.length > MOST_PARAMETERS)
    throw new ParameterRefused(
      `the statement has ${values.length} parameters, and PostgreSQL takes ${MOST_PARAMETERS} at most`,
      "Hand over a column as one array: insert into t (id) select unnest($1::int[]).",
    );
  return Array.from(values, (value, index) => encode(value, `parameter ${index + 1}`, kinds[index]));
}

function encode(value: unknown, path: string, kind: ParameterKind | undefined): Encoded {
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return bytesOf(value);
  if (!Array.isArray(value)) return encodeText(value, path);
  switch (kind) {
    case "json":
      return writeJson(value, path);
    case "array":
    case "json-array":
      return writeArray(value, (each, indexes) => {
        const here = `${path}${indexes.map((index) => `[${index}]`).join("")}`;
        if (ArrayBuffer.isView(each) || each instanceof ArrayBuffer)
          return `\\x${bytesOf(each).toString("hex")}`;
        return encodeText(each, here);
      });
    default:
      throw new ParameterRefused(
        `${path} is an array, and the statement takes neither an array nor JSON there`,
        "Say what is meant: $1::int[] for an array, $1::jsonb for JSON.",
      );
  }
}

function encodeText(value: unknown, path: string): string | null {
  switch (typeof value) {
    case "string":
      if (LONE_SURROGATE.test(value))
        throw new ParameterRefused(
          `${path} contains half of a surrogate pair, which no encoding can write`,
          "The text was cut inside of a character: cut it with Array.from(text), not with slice.",
        );
      return value;
    case "boolean":
    case "bigint":
      return String(value);
    case "number":
      return Object.is(value, -0) ? "-0" : String(value);
    case "undefined":
      throw new ParameterRefused(
        `${path} is undefined`,
        "A misspelt property? Where NULL is meant, write null.",
      );
    case "object":
      break;
    default:
      throw new ParameterRefused(`${path} is ${describe(value)}`, "Hand over a value.");
  }
  if (value === null) return null;
  if (value instanceof Date) return writeDate(value, path);
  const own = (value as { toPostgres?: unknown }).toPostgres;
  if (typeof own === "function") return encodeText(own.call(value, String), path);
  if (isPlainObject(value)) return writeJson(value, path);
  throw new ParameterRefused(
    `${path} is ${describe(value)}`,
    describe(value) === "a promise" ? "Await it first." : "Hand over its text, or a plain object for JSON.",
  );
}

const LONE_SURROGATE = /\p{Surrogate}/u;

function bytesOf(value: ArrayBufferView | ArrayBuffer): Buffer {
  return value instanceof ArrayBuffer
    ? Buffer.from(value)
    : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}
