/**
 * Changelogs of Liquibase in XML, YAML and JSON, as far as they are lists: of files, folders and properties. Changesets
 * in them are known by name alone, because what they say is the tool's own language. Pure.
 */

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
  if (/\.xml$/i.test(file)) return parseXml(text);
  return /\.json$/i.test(file) ? parseJson(text) : parseYaml(text);
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
  const plain = text.replace(/<!--[\s\S]*?-->|<!\[CDATA\[[\s\S]*?\]\]>/g, "");
  const items: ChangelogItem[] = [];
  let depth = 0;
  let isChangelog = false;
  for (const [, closes, name = "", attributes = "", empty] of plain.matchAll(
    /<(\/?)([A-Za-z_][\w.:-]*)((?:\s+[\w.:-]+\s*=\s*(?:"[^"]*"|'[^']*'))*)\s*(\/?)>/g,
  )) {
    if (closes === "/") depth--;
    else {
      if (depth === 0) isChangelog = name === "databaseChangeLog";
      if (depth === 1) items.push(itemOf(name, attributesOf(attributes)));
      if (empty !== "/") depth++;
    }
  }
  return isChangelog ? items : null;
}

function attributesOf(text: string): Values {
  const unescaped = (value: string) =>
    value.replace(/&(lt|gt|quot|apos|amp);/g, (_, name: string) => ENTITIES[name] ?? "");
  return Object.fromEntries(
    [...text.matchAll(/([\w.:-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g)].map(([, key = "", one, two]) => [
      key,
      unescaped(one ?? two ?? ""),
    ]),
  );
}

const ENTITIES: Values = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };

function parseJson(text: string): readonly ChangelogItem[] | null {
  let list: unknown;
  try {
    list = (JSON.parse(text) as { databaseChangeLog?: unknown } | null)?.databaseChangeLog;
  } catch {
    return null;
  }
  if (!Array.isArray(list)) return null;
  return list.flatMap((item) =>
    Object.entries((item ?? {}) as Record<string, unknown>).map(([name, values]) =>
      itemOf(
        name,
        Object.fromEntries(
          Object.entries((values ?? {}) as object).flatMap(([key, value]) =>
            ["string", "number", "boolean"].includes(typeof value) ? [[key, String(value)]] : [],
          ),
        ),
      ),
    ),
  );
}

/** Only the outline: `- name:` one level below the root, and the plain values one level below that. */
function parseYaml(text: string): readonly ChangelogItem[] | null {
  const lines = text.split("\n").filter((line) => !/^\s*(?:#.*)?$/.test(line));
  const root = lines.findIndex((line) => /^databaseChangeLog\s*:\s*(?:#.*)?$/.test(line));
  if (root === -1) return null;
  const blocks: { name: string; indent: number; lines: string[] }[] = [];
  let level: number | undefined;
  for (const line of lines.slice(root + 1)) {
    const [, dash = "", name, rest = ""] = /^(\s*-\s+)([\w]+)\s*:(.*)$/.exec(line) ?? [];
    const indent = dash.indexOf("-");
    if (name !== undefined && (level === undefined || indent === level)) {
      level = indent;
      blocks.push({ name, indent: dash.length, lines: [rest] });
    } else blocks.at(-1)?.lines.push(line);
  }
  return blocks.map(({ name, lines: [inline = "", ...below] }) => {
    const first = /^\s*/.exec(below[0] ?? "")?.[0].length;
    const direct = below.filter((line) => /^\s*/.exec(line)?.[0].length === first);
    const pairs = /^\s*\{(.*)\}/.exec(inline)?.[1]?.split(",") ?? direct;
    return itemOf(
      name,
      Object.fromEntries(
        pairs.flatMap((pair) => {
          const [, key, value = ""] = /^\s*(\w+)\s*:\s+(.*?)\s*$/.exec(pair) ?? [];
          return key === undefined ? [] : [[key, scalar(value)]];
        }),
      ),
    );
  });
}

function scalar(value: string): string {
  const [, , quoted] = /^(["'])(.*?)\1/.exec(value) ?? [];
  return quoted ?? value.replace(/\s+#.*$/, "");
}
