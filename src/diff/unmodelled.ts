/**
 * Kinds of objects that pg-delta does not know. What goes is dropped before pg-delta is asked, because it may stand in the
 * way. What comes is made afterwards, because it may need what pg-delta makes. A definition that cannot be altered goes and comes.
 */
import { changed, columnOf, type Rule, texts } from "./change.ts";

const DROPPED: Readonly<Record<string, (name: string) => string>> = {
  statistics: (name) => `DROP STATISTICS ${name}`,
  cast: (name) => `DROP CAST (${name})`,
  "text search configuration": (name) => `DROP TEXT SEARCH CONFIGURATION ${name}`,
  "text search dictionary": (name) => `DROP TEXT SEARCH DICTIONARY ${name}`,
};

/** Attributes that no statement alters. */
const FIXED: Readonly<Record<string, readonly string[]>> = {
  statistics: ["definition"],
  cast: ["function", "context", "method"],
};

export const drops: Rule = ({ kind, change, name, attributes }) => {
  const isOther = attributes.some(({ attribute }) => FIXED[kind]?.includes(attribute) === true);
  return change === "removed" || isOther ? [DROPPED[kind]?.(name) ?? []].flat() : null;
};

const statistics: Rule = (one) => {
  const { kind, change, name, after } = one;
  const target = (value: unknown) => `ALTER STATISTICS ${name} SET STATISTICS ${value ?? -1}`;
  const found = changed(one, "statistics", "target");
  if (found !== undefined) return [target(found.to)];
  if (kind !== "statistics" || change !== "added") return null;
  const wanted = after?.attributes.target;
  return [String(after?.attributes.definition), ...(wanted == null ? [] : [target(wanted)])];
};

const cast: Rule = ({ kind, change, name, after }) => {
  if (kind !== "cast" || change !== "added") return null;
  const { function: by, context, method } = after?.attributes ?? {};
  const how = by != null ? `WITH FUNCTION ${by}` : method === "inout" ? "WITH INOUT" : "WITHOUT FUNCTION";
  return [`CREATE CAST (${name}) ${how}${context == null ? "" : ` AS ${String(context).toUpperCase()}`}`];
};

/** A view's column is named only where something is said of it. */
const viewDefault: Rule = ({ kind, change, name, before, after }) => {
  const object = after ?? before;
  const ofView = object?.parents.some((parent) => /^(?:materialized )?view /.test(parent)) === true;
  if (kind !== "column" || change === "changed" || !ofView) return null;
  const { table, column } = columnOf(name, object);
  const value = after?.attributes.default;
  if (value === undefined && before?.attributes.default === undefined) return null;
  return [
    `ALTER VIEW ${table} ALTER COLUMN ${column} ${value == null ? "DROP DEFAULT" : `SET DEFAULT ${value}`}`,
  ];
};

const configuration: Rule = ({ kind, change, name, before, after }) => {
  if (kind !== "text search configuration" || change === "removed") return null;
  const [from, to] = [before, after].map(
    (object) => new Map(texts(object?.attributes.mappings ?? null).map(mapping)),
  );
  const alter = `ALTER TEXT SEARCH CONFIGURATION ${name}`;
  const made =
    change === "added"
      ? [`CREATE TEXT SEARCH CONFIGURATION ${name} (PARSER = ${after?.attributes.parser})`]
      : [];
  const gone = [...(from?.keys() ?? [])].filter((token) => to?.has(token) !== true);
  const mapped = [...(to ?? [])].flatMap(([token, dictionaries]) => {
    if (from?.get(token) === dictionaries) return [];
    return [
      `${alter} ${from?.has(token) === true ? "ALTER" : "ADD"} MAPPING FOR ${token} WITH ${dictionaries}`,
    ];
  });
  return [...made, ...gone.map((token) => `${alter} DROP MAPPING FOR ${token}`), ...mapped];
};

function mapping(text: string): readonly [token: string, dictionaries: string] {
  const at = text.indexOf(": ");
  return [text.slice(0, at), text.slice(at + 2)];
}

const dictionary: Rule = ({ kind, change, name, before, after }) => {
  if (kind !== "text search dictionary" || change === "removed") return null;
  const options = String(after?.attributes.options ?? "");
  if (change === "added") {
    const all = [`TEMPLATE = ${after?.attributes.template}`, ...(options === "" ? [] : [options])];
    return [`CREATE TEXT SEARCH DICTIONARY ${name} (${all.join(", ")})`];
  }
  const kept = new Set(optionNames(options));
  const gone = optionNames(String(before?.attributes.options ?? "")).filter((one) => !kept.has(one));
  const all = [...gone, ...(options === "" ? [] : [options])];
  return all.length === 0 ? null : [`ALTER TEXT SEARCH DICTIONARY ${name} (${all.join(", ")})`];
};

/** Of `accept = 'false', stopwords = 'english'`. */
function optionNames(options: string): readonly string[] {
  return [...options.matchAll(/(?:^|, )("(?:[^"]|"")+"|[\w$]+) = /g)].map(([, name = ""]) => name);
}

export const UNMODELLED: readonly Rule[] = [statistics, cast, viewDefault, dictionary, configuration];
