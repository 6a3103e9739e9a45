/**
 * From the values of a migration to what is sent: each arrives as what it is, or is refused by name. Nothing
 * becomes NULL that is not null, nothing becomes a text that nobody meant.
 */
import { types } from "node:util";
import { writeArray } from "./arrays.ts";
import { writeJson } from "./json.ts";
import { describe, isPlainObject, ParameterRefused, writeDate } from "./refused.ts";

const { isAnyArrayBuffer, isDataView, isTypedArray, isUint8Array } = types;

/** Goes over the wire, and through a clone, as it is. */
export type Encoded = string | Buffer | null;

/** What the statement takes at a place, as far as it matters for arrays and bytes. */
export type ParameterKind = "json" | "bytes" | "array" | "json-array" | "bytes-array" | "other";

/** The protocol counts them in two bytes. */
const MOST_PARAMETERS = 65_535;

/**
 * An array is one thing as JSON and another as an array: only the statement says which. Bytes are sent as they are,
 * and any type would take them for its own; `{}` is an empty array too.
 */
export function needKinds(values: readonly unknown[]): boolean {
  return values.some((value) => Array.isArray(value) || isBinary(value) || isEmptyObject(value));
}

function isEmptyObject(value: unknown): boolean {
  return (
    typeof value === "object" && value !== null && isPlainObject(value) && Object.keys(value).length === 0
  );
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
  if (isBytes(value)) {
    // Without a server, the literal says what it is.
    if (kind === "bytes" || kind === undefined) return bytesOf(value);
    throw bytesRefused(path, "bytea");
  }
  if (isBinary(value)) return encode(numbersOf(value, path), path, kind);
  if (!Array.isArray(value)) {
    if ((kind === "array" || kind === "json-array" || kind === "bytes-array") && isEmptyObject(value))
      throw new ParameterRefused(
        `${path} is an object, and the statement takes an array there`,
        "Hand over an array: [] is the empty one.",
      );
    return encodeText(value, path);
  }
  switch (kind) {
    case "json":
      return writeJson(value, path);
    case "array":
    case "json-array":
    case "bytes-array":
      return writeArray(value, (each, indexes) => {
        const here = `${path}${indexes.map((index) => `[${index}]`).join("")}`;
        if (isBytes(each)) {
          if (kind !== "bytes-array") throw bytesRefused(here, "bytea[]");
          return `\\x${bytesOf(each).toString("hex")}`;
        }
        return encodeText(each, here);
      });
    default:
      throw new ParameterRefused(
        `${path} is an array, and the statement takes neither an array nor JSON there`,
        "Name the type: $1::int[] for an array, $1::jsonb for JSON.",
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
      throw new ParameterRefused(`${path} is undefined`, "A misspelt property? For NULL, write null.");
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

type Bytes = Uint8Array | ArrayBuffer | DataView;

function isBinary(value: unknown): value is ArrayBufferView | ArrayBufferLike {
  return ArrayBuffer.isView(value) || isAnyArrayBuffer(value);
}

/** All others are arrays of numbers, whose bytes depend on the machine. */
function isBytes(value: unknown): value is Bytes {
  return isUint8Array(value) || isAnyArrayBuffer(value) || isDataView(value);
}

function bytesOf(value: Bytes): Buffer {
  return ArrayBuffer.isView(value)
    ? Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    : Buffer.from(value);
}

function numbersOf(value: ArrayBufferView | ArrayBufferLike, path: string): unknown[] {
  if (isTypedArray(value)) return Array.from(value as Iterable<unknown>);
  throw new ParameterRefused(`${path} is ${describe(value)}`, "Hand over a Buffer for bytea, or an array.");
}

function bytesRefused(path: string, type: "bytea" | "bytea[]"): ParameterRefused {
  return new ParameterRefused(
    `${path} is bytes, and the statement does not take ${type} there`,
    `For bytes, write $1::${type}. For a text: bytes.toString("utf8").`,
  );
}
