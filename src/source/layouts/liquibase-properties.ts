/**
 * The value of `${name}` in a changelog. Of several values, the first one for PostgreSQL counts. The order is: the
 * configuration, properties of the database, properties of all files in the order in which they are read, and last the
 * properties of the file alone. A name without a value stays as written.
 *
 * A changeset sees what was declared before it, never what comes later. This file is pure.
 */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is how Liquibase writes properties

export interface Property {
  readonly name: string;
  readonly value: string;
}

/** The properties declared up to one place of the changelog. */
export interface Scope {
  readonly global: readonly Property[];
  /** The properties of this file alone. The last one counts. */
  readonly local: readonly Property[];
}

export interface Outside {
  /** Values from our configuration. */
  readonly given: Readonly<Record<string, string>>;
  /** Liquibase prefers an environment variable to every property of that name. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export interface Expanded {
  readonly text: string;
  /** Names whose value depends on the connection, the machine or the environment, and which of them. */
  readonly unknown: readonly { readonly name: string; readonly from: string }[];
}

export function expand(text: string, scope: Scope, outside: Outside): Expanded {
  if (!text.includes("${")) return { text, unknown: [] };
  const unknown: { name: string; from: string }[] = [];
  const find = (name: string): string | undefined => {
    const given = named(Object.entries(outside.given), name);
    if (given !== undefined) return given;
    const from = decidedElsewhere(name, outside.environment);
    if (from === undefined) return declared(name, scope);
    if (!unknown.some((other) => other.name === name)) unknown.push({ name, from });
    return undefined;
  };
  return { text: expandWith(text, find, 0), unknown };
}

const DATABASE: ReadonlyMap<string, string> = new Map([
  ["database.typename", "postgresql"],
  ["database.databaseproductname", "PostgreSQL"],
  ["database.currentdatetimefunction", "NOW()"],
  ["database.linecomment", "--"],
]);

function declared(name: string, { global, local }: Scope): string | undefined {
  const same = (property: Property) => property.name.toLowerCase() === name.toLowerCase();
  return (
    DATABASE.get(name.toLowerCase()) ?? global.find(same)?.value ?? [...local].reverse().find(same)?.value
  );
}

const OF_JAVA = /^(?:java|jdk|sun|os|user|file|path|line)\.[a-z][a-z.]*$/i;

function decidedElsewhere(name: string, environment: Outside["environment"]): string | undefined {
  if (named(Object.entries(environment), name) !== undefined) return "the environment";
  if (/^liquibase_execution_/i.test(name)) return "the run";
  if (OF_JAVA.test(name)) return "the properties of Java";
  return /^database\./i.test(name) && !DATABASE.has(name.toLowerCase()) ? "the connection" : undefined;
}

function named(
  entries: readonly (readonly [string, string | undefined])[],
  name: string,
): string | undefined {
  return entries.find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1];
}

/** Values that refer to each other in a cycle stay as written. */
const DEEPEST = 20;

type Find = (name: string) => string | undefined;

function expandWith(text: string, find: Find, depth: number): string {
  let copied = 0;
  let out = "";
  for (let at = text.indexOf("${"); at !== -1; at = text.indexOf("${", copied)) {
    const end = endOf(text, at + 2);
    if (end === -1) break;
    const written = text.slice(at, end + 1);
    const inner = text.slice(at + 2, end);
    const name = inner.includes("${") ? expandWith(inner, find, depth + 1) : inner;
    out += text.slice(copied, at) + replaced(written, name, find, depth);
    copied = end + 1;
  }
  return out + text.slice(copied);
}

function replaced(written: string, name: string, find: Find, depth: number): string {
  if (name.startsWith(":")) return `\${${name.slice(1).trim()}}`;
  const value = name.startsWith("${") ? undefined : find(name.trim());
  if (value === undefined) return written;
  return value.includes("${") && depth < DEEPEST ? expandWith(value, find, depth + 1) : value;
}

/** The offset of the closing brace. One name may contain another. */
function endOf(text: string, from: number): number {
  let open = 1;
  for (let at = from; at < text.length; at++) {
    if (text.startsWith("${", at)) open++;
    else if (text[at] === "}" && --open === 0) return at;
  }
  return -1;
}
