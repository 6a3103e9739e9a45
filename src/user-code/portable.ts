/** Parameters on their way to the process that has the connection. */

/**
 * What survives the way goes as it is: primitives, dates, bytes, lists of them. Anything else becomes the text that the
 * driver would have made of it, since its methods stay behind.
 */
export function portable(value: unknown): unknown {
  if (typeof value === "function") return String(value);
  if (typeof value !== "object" || value === null || isPortable(value)) return value;
  if (Array.isArray(value)) return value.map(element);
  return asText(value);
}

function element(value: unknown): unknown {
  if (typeof value !== "object" || value === null || isPortable(value) || Array.isArray(value))
    return portable(value);
  // In a list it may become part of JSON or of an array: both are made later, and want it as data.
  const text = asText(value);
  return typeof text === "string" && !hasOwnText(value) ? (JSON.parse(text) as unknown) : text;
}

function isPortable(value: object): boolean {
  return value instanceof Date || ArrayBuffer.isView(value) || value instanceof ArrayBuffer;
}

function hasOwnText(value: object): value is { toPostgres(prepare: (value: unknown) => unknown): unknown } {
  return "toPostgres" in value && typeof value.toPostgres === "function";
}

function asText(value: object): unknown {
  return hasOwnText(value) ? portable(value.toPostgres(portable)) : JSON.stringify(value);
}
