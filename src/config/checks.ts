/** Reads `checks` of the configuration. Each is one of `sql`, `command` and `url`. */
import { splitStatements } from "../core/sql/statements.ts";
import { parseDurationMs } from "../std/duration.ts";
import { nearest } from "../std/nearest.ts";

/** A check as it is configured. Times in milliseconds. */
export type CheckConfig = {
  readonly name: string;
  readonly when: (typeof MOMENTS)[number];
  readonly timeoutMs: number;
} & (
  | { readonly kind: "sql"; readonly sql: string }
  | { readonly kind: "command"; readonly command: readonly string[] }
  | { readonly kind: "url"; readonly url: string }
);

const KINDS = ["sql", "command", "url"] as const;
const MOMENTS = ["before", "after"] as const;
const KEYS = [...KINDS, "name", "when", "timeout"];
const TIMEOUT_MS = 30_000;

/** The checks, or what is wrong with them: the end of a sentence that begins with the name of the option. */
export function parseChecks(
  given: unknown,
): { readonly checks: readonly CheckConfig[] } | { readonly wrong: string } {
  if (!Array.isArray(given)) return { wrong: 'is not a list. Write checks: [{ sql: "select …" }]' };
  const checks: CheckConfig[] = [];
  for (const [index, each] of given.entries()) {
    const read = parseCheck(each, index + 1);
    if (typeof read === "string") return { wrong: `has a check ${index + 1} that ${read}` };
    if (checks.some(({ name }) => name === read.name))
      return { wrong: `has two checks with the name "${read.name}"` };
    checks.push(read);
  }
  return { checks };
}

function parseCheck(given: unknown, number: number): CheckConfig | string {
  if (typeof given !== "object" || given === null || Array.isArray(given)) return "is not an object";
  const written = given as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(written).find((key) => !KEYS.includes(key));
  if (unknown !== undefined) {
    const meant = nearest(unknown, KEYS);
    return `has an unknown key "${unknown}"${meant === undefined ? "" : ` (did you mean ${meant}?)`}`;
  }
  const kinds = KINDS.filter((key) => written[key] !== undefined);
  const [kind] = kinds;
  if (kind === undefined || kinds.length > 1) return "needs exactly one of sql, command and url";
  const { name = `${number} (${kind})`, timeout = TIMEOUT_MS / 1000 } = written;
  if (typeof name !== "string" || name.trim() === "") return "has a name that is not text";
  const timeoutMs = ["string", "number"].includes(typeof timeout) ? parseDurationMs(String(timeout)) : null;
  if (timeoutMs === null || timeoutMs === 0)
    return "has a timeout that is no duration, such as 30s: a check without an end could hold up the run for ever";
  const { when: moment = "after" } = written;
  const when = MOMENTS.find((one) => one === moment);
  if (when === undefined) return 'has a when that is neither "before" nor "after"';
  const value = written[kind];
  switch (kind) {
    case "sql": {
      if (typeof value !== "string") return "has sql that is not text";
      const statements = splitStatements(value).length;
      return statements === 1
        ? { name, when, timeoutMs, kind, sql: value.trim().replace(/;$/, "") }
        : `has ${statements} statements in its sql: write one`;
    }
    case "command":
      return isWords(value)
        ? { name, when, timeoutMs, kind, command: value }
        : 'has a command that is not a list of words, such as ["node", "smoke.js"]';
    case "url":
      return typeof value === "string" && isHttp(value)
        ? { name, when, timeoutMs, kind, url: value }
        : "has a url that is not one of http:// or https://";
  }
}

export function isWords(value: unknown): value is readonly string[] {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((word) => typeof word === "string" && !word.includes("\0")) &&
    value[0].trim() !== ""
  );
}

function isHttp(value: string): boolean {
  return URL.canParse(value) && ["http:", "https:"].includes(new URL(value).protocol);
}
