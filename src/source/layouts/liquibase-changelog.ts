/**
 * Changelogs of Liquibase in XML, YAML and JSON, as far as they are lists: of files, folders and properties. Changesets
 * in them are known by name alone, because what they say is the tool's own language. Pure.
 */

import { parse } from "yaml";

export type ChangelogItem =
  | {
      readonly kind: "include";
      readonly path: string;
      readonly relative: boolean;
      /** Nothing is wrong where it is not there. */
      readonly optional: boolean;
    }
  | {
      readonly kind: "includeAll";
      readonly path: string;
      readonly relative: boolean;
      readonly optional: boolean;
      readonly endsWith: string;
      /** Files right in the folder are at depth 1. */
      readonly minDepth: number;
      readonly maxDepth: number;
    }
  | {
      readonly kind: "property";
      readonly name: string;
      readonly value: string;
      readonly dbms: string | undefined;
      readonly global: boolean;
    }
  | {
      readonly kind: "changeset";
      readonly id: string;
      readonly author: string;
      readonly dbms: string | undefined;
      readonly ignored: boolean;
      readonly logicalFilePath: string | undefined;
    }
  | { readonly kind: "logicalFilePath"; readonly path: string }
  /** Something that is not followed, as it is called there. */
  | { readonly kind: "other"; readonly what: string };

/** `null`: it is no changelog. */
export function parseChangelog(text: string, file: string): readonly RawItem[] | null {
  return /\.xml$/i.test(file) ? parseXml(text) : parseYaml(text);
}

/** A value that is no text is `null`. */
type Values = Readonly<Record<string, string | null | undefined>>;

export interface RawItem {
  readonly name: string;
  readonly values: Values;
}

const CONDITIONS = ["context", "contextFilter", "labels"];
const FLAG = /^(?:true|false)$/i;
const NUMBER = /^\d{1,9}$/;

/** What each may say that is done here, and how its value is written. */
const KNOWN: Readonly<Record<string, Readonly<Record<string, RegExp | null>>>> = {
  include: { file: null, relativeToChangelogFile: FLAG, errorIfMissing: FLAG, ignore: /^false$/i },
  includeAll: {
    ...{ path: null, relativeToChangelogFile: FLAG, errorIfMissingOrEmpty: FLAG, endsWithFilter: null },
    ...{ minDepth: NUMBER, maxDepth: NUMBER, ignore: /^false$/i },
  },
  property: { name: null, value: null, dbms: null, global: FLAG },
};

/** `fill`: properties as they are at this place. */
export function itemOf({ name, values }: RawItem, fill: (text: string) => string): ChangelogItem {
  const own = Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key, typeof value === "string" ? fill(value) : value]),
  );
  const text = (key: string) => own[key] ?? undefined;
  const isOn = (key: string, fallback: boolean) => (text(key) ?? `${fallback}`).toLowerCase() === "true";
  const odd = oddIn(name, own);
  if (odd !== undefined) return { kind: "other", what: `${name} with ${odd}` };
  const [file, path, value, key] = ["file", "path", "value", "name"].map(text);
  const relative = isOn("relativeToChangelogFile", false);
  if (name === "include" && file !== undefined)
    return { kind: name, path: file, relative, optional: !isOn("errorIfMissing", true) };
  if (name === "includeAll" && path !== undefined) {
    const [minDepth, maxDepth] = [Number(text("minDepth") ?? 1), Number(text("maxDepth") ?? Infinity)];
    if (maxDepth < minDepth) return { kind: "other", what: "includeAll with a maxDepth below its minDepth" };
    const optional = !isOn("errorIfMissingOrEmpty", true);
    return {
      kind: name,
      path,
      relative,
      optional,
      endsWith: text("endsWithFilter") ?? "",
      minDepth,
      maxDepth,
    };
  }
  if (name === "property" && key !== undefined && value !== undefined)
    return { kind: name, name: key, value, dbms: text("dbms"), global: isOn("global", true) };
  if (name === "changeSet")
    return {
      ...{ kind: "changeset", id: text("id") ?? "?", author: text("author") ?? "?", dbms: text("dbms") },
      ...{ ignored: isOn("ignore", false), logicalFilePath: text("logicalFilePath") },
    };
  if (name === "logicalFilePath" && value !== undefined) return { kind: name, path: value };
  return { kind: "other", what: name };
}

/** The first attribute that is not done here, as it is to be named. */
function oddIn(name: string, values: Values): string | undefined {
  const known = KNOWN[name];
  if (known === undefined) return undefined;
  return Object.entries(values)
    .filter(([key, value]) => {
      if (/^xmlns\b|:/.test(key)) return false;
      // Without a word in it a condition is none.
      if (CONDITIONS.includes(key)) return value !== "";
      const form = known[key];
      return form === undefined || value == null || form?.test(value) === false;
    })
    .map(([key, value]) => (known[key] === undefined || value == null ? key : `${key}="${value}"`))[0];
}

/** The direct children of `databaseChangeLog`. */
function parseXml(text: string): readonly RawItem[] | null {
  const plain = withoutAsides(text);
  const items: RawItem[] = [];
  let depth = 0;
  let isChangelog = false;
  for (const [, closes, name = "", attributes = "", empty] of plain.matchAll(TAG)) {
    if (closes === "/") depth--;
    else {
      if (depth === 0) isChangelog = name === "databaseChangeLog";
      if (depth === 0) items.push(...ofRoot(attributesOf(attributes)));
      if (depth === 1) items.push({ name, values: attributesOf(attributes) });
      if (empty !== "/") depth++;
    }
  }
  if (!isChangelog) return null;
  // A list of files is all that is expected: whatever else there is must not go by unseen.
  return plain.replace(TAG, "").includes("<")
    ? [...items, { name: "a tag that is none", values: {} }]
    : items;
}

/** What the root says of all that is in it. */
function ofRoot(values: Values): readonly RawItem[] {
  return [...CONDITIONS, "logicalFilePath"]
    .filter((name) => (values[name] ?? "") !== "")
    .map((name) => ({ name, values: { value: values[name] } }));
}

const ASIDES = [
  ["<!--", "-->"],
  ["<![CDATA[", "]]>"],
  ["<?", "?>"],
] as const;

/** One without an end stays, and is no tag. */
function withoutAsides(text: string): string {
  const endless = new Set<string>();
  let plain = "";
  let copied = 0;
  for (let at = text.indexOf("<"); at !== -1; ) {
    const [open, close] = ASIDES.find(([start]) => text.startsWith(start, at)) ?? ["<", ""];
    const end = close === "" || endless.has(close) ? -1 : text.indexOf(close, at + open.length);
    if (end === -1) {
      endless.add(close);
      at = text.indexOf("<", at + 1);
    } else {
      plain += text.slice(copied, at);
      copied = end + close.length;
      at = text.indexOf("<", copied);
    }
  }
  return plain + text.slice(copied);
}

const TAG = /<(\/?)([A-Za-z_][\w.:-]*)((?:\s+[\w.:-]+\s*=\s*(?:"[^"]*"|'[^']*'))*)\s*(\/?)>/g;

function attributesOf(text: string): Values {
  const unescaped = (value: string) =>
    value.replace(/&(lt|gt|quot|apos|amp);/g, (_, name: string) => ENTITIES[name] ?? "");
  return Object.fromEntries(
    [...text.matchAll(/(?<![\w.:-])([\w.:-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g)].map(
      ([, key = "", one, two]) => [key, unescaped(one ?? two ?? "")],
    ),
  );
}

const ENTITIES: Readonly<Record<string, string>> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };

/** JSON as well, which is YAML. Every value as it is written: an id may be `007`, or `yes`. */
function parseYaml(text: string): readonly RawItem[] | null {
  let list: unknown;
  try {
    list = (parse(text, { schema: "failsafe" }) as { databaseChangeLog?: unknown } | null)?.databaseChangeLog;
  } catch {
    return null;
  }
  if (!Array.isArray(list)) return null;
  return list.flatMap((item): readonly RawItem[] =>
    isRecord(item)
      ? Object.entries(item).map(([name, values]) => ({ name, values: textsOf(values) }))
      : [{ name: `the entry ${JSON.stringify(item)}`, values: {} }],
  );
}

function textsOf(values: unknown): Values {
  if (typeof values === "string") return { value: values };
  if (!isRecord(values)) return {};
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key, typeof value === "string" ? value : null]),
  );
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
