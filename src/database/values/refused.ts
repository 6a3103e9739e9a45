/** Why a value cannot be a parameter, and what all that write values share. */

/** A value that a statement was given would not arrive as what it is. `message` is a part of a sentence. */
export class ParameterRefused extends Error {
  override readonly name = "ParameterRefused";
  readonly hint: string;
  constructor(message: string, hint: string, options?: { cause?: unknown }) {
    super(message, options);
    this.hint = hint;
  }
}

/** For people: what kind of value it is, without the value. */
export function describe(value: unknown): string {
  if (value === undefined) return "undefined";
  if (value === null) return "null";
  if (typeof value !== "object") return `a ${typeof value}`;
  if (Array.isArray(value)) return "an array";
  if (typeof (value as { then?: unknown }).then === "function") return "a promise";
  const name = (value as { constructor?: { name?: string } }).constructor?.name;
  return name === undefined || name === "Object" ? "an object" : `an object of class ${name}`;
}

/** Of this realm or of another. */
export function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === null) return true;
  const isRoot =
    Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, "hasOwnProperty");
  return isRoot && !("then" in value);
}

/** As PostgreSQL reads it: a year has four digits or more, and none is negative. In UTC, on every machine. */
export function writeDate(date: Date, path: string): string {
  if (Number.isNaN(date.getTime()))
    throw new ParameterRefused(`${path} is an invalid date`, "Look where it is made; null is written null.");
  const year = date.getUTCFullYear();
  const rest = date.toISOString().replace(/^[+-]?\d+/, "");
  return `${String(year > 0 ? year : 1 - year).padStart(4, "0")}${rest}${year > 0 ? "" : " BC"}`;
}
