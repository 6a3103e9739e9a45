/** A value as JSON, without what `JSON.stringify` loses in silence. */
import { describe, isPlainObject, ParameterRefused, writeDate } from "./refused.ts";

/** Throws `ParameterRefused`, which names the place in the value. */
export function writeJson(value: unknown, path: string, above: readonly object[] = []): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value);
    case "boolean":
    case "bigint":
      return String(value);
    case "number":
      if (!Number.isFinite(value))
        throw new ParameterRefused(
          `${path} is ${value}, which JSON does not have`,
          "Hand over null or a text.",
        );
      return Object.is(value, -0) ? "-0" : JSON.stringify(value);
    case "object":
      break;
    default:
      throw new ParameterRefused(`${path} is ${describe(value)}, which JSON does not have`, MISSING_HINT);
  }
  if (value === null) return "null";
  if (above.includes(value))
    throw new ParameterRefused(
      `${path} contains itself`,
      "JSON has no references. Pass an object without a cycle.",
    );
  const inside = [...above, value];
  if (value instanceof Date) return JSON.stringify(writeDate(value, path));
  if (Array.isArray(value))
    return `[${Array.from(value, (each, index) => writeJson(each, `${path}[${index}]`, inside)).join(",")}]`;
  if (!isPlainObject(value))
    throw new ParameterRefused(
      `${path} is ${describe(value)}, whose JSON is not known`,
      "Hand over a plain object, an array or a text.",
    );
  const entries = Object.entries(value).map(
    ([key, each]) => `${JSON.stringify(key)}:${writeJson(each, `${path}.${key}`, inside)}`,
  );
  return `{${entries.join(",")}}`;
}

const MISSING_HINT = "Write null, or leave the property out.";
