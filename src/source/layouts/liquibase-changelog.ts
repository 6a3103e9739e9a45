/**
 * Changelogs of Liquibase in XML, YAML and JSON, as far as they are lists: of files, folders and properties. Changesets
 * in them are known by name alone, because what they say is the tool's own language. Pure.
 */

import { parse } from "yaml";

export type ChangelogItem =
  | { readonly kind: "include"; readonly path: string; readonly relative: boolean }
  | {
      readonly kind: "includeAll";
      readonly path: string;
      readonly relative: boolean;
      readonly endsWith: string;
    }
  | { readonly kind: "property"; readonly name: string; readonly value: string }
  | { readonly kind: "changeset"; readonly id: string; readonly author: string }
  /** Something that is not followed, as it is called there. */
  | { readonly kind: "other"; readonly what: string };

/** `null`: it is no changelog. */
export function parseChangelog(text: string, file: string): readonly ChangelogItem[] | null {
  return /\.xml$/i.test(file) ? parseXml(text) : parseYaml(text);
}

type Values = Readonly<Record<string, string | undefined>>;

function itemOf(name: string, values: Values): ChangelogItem {
  const relative = values.relativeToChangelogFile === "true";
  const odd = ["context", "contextFilter", "labels", "filter", "resourceFilter", "resourceComparator"].find(
    (key) => (values[key] ?? "") !== "",
  );
  if (odd !== undefined) return { kind: "other", what: `${name} with ${odd}` };
  if (name === "include" && values.file !== undefined) return { kind: name, path: values.file, relative };
  if (name === "includeAll" && values.path !== undefined)
    return { kind: name, path: values.path, relative, endsWith: values.endsWithFilter ?? "" };
  if (name === "property" && values.name !== undefined && values.value !== undefined)
    return { kind: name, name: values.name, value: values.value };
  if (name === "changeSet") return { kind: "changeset", id: values.id ?? "?", author: values.author ?? "?" };
  return { kind: "other", what: name };
}

/** The direct children of `databaseChangeLog`. */
function parseXml(text: string): readonly ChangelogItem[] | null {
  const plain = withoutAsides(text);
  const items: ChangelogItem[] = [];
  let depth = 0;
  let isChangelog = false;
  for (const [, closes, name = "", attributes = "", empty] of plain.matchAll(TAG)) {
    if (closes === "/") depth--;
    else {
      if (depth === 0) isChangelog = name === "databaseChangeLog";
      if (depth === 1) items.push(itemOf(name, attributesOf(attributes)));
      if (empty !== "/") depth++;
    }
  }
  if (!isChangelog) return null;
  // A list of files is all that is expected: whatever else there is must not go by unseen.
  return plain.replace(TAG, "").includes("<")
    ? [...items, { kind: "other", what: "a tag that is none" }]
    : items;
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

const ENTITIES: Values = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };

/** JSON as well, which is YAML. Every value as it is written: an id may be `007`, or `yes`. */
function parseYaml(text: string): readonly ChangelogItem[] | null {
  let list: unknown;
  try {
    list = (parse(text, { schema: "failsafe" }) as { databaseChangeLog?: unknown } | null)?.databaseChangeLog;
  } catch {
    return null;
  }
  if (!Array.isArray(list)) return null;
  return list.flatMap((item): readonly ChangelogItem[] =>
    isRecord(item)
      ? Object.entries(item).map(([name, values]) => itemOf(name, textsOf(values)))
      : [{ kind: "other", what: `the entry ${JSON.stringify(item)}` }],
  );
}

function textsOf(values: unknown): Values {
  if (!isRecord(values)) return {};
  return Object.fromEntries(
    Object.entries(values).flatMap(([key, value]) => (typeof value === "string" ? [[key, value]] : [])),
  );
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
