/**
 * Liquibase changelogs in XML, YAML and JSON, as far as they are lists of files, folders and properties. Their
 * changesets are only identified, because their content is in the tool's own language. This file is pure.
 */

import type { XmlElement, XmlNode } from "@rgrove/parse-xml";
import { parse } from "yaml";
import { ownRequire } from "../../host/own-files.ts";

export type ChangelogItem =
  | {
      readonly kind: "include";
      readonly path: string;
      readonly relative: boolean;
      /** A missing file is not an error. */
      readonly optional: boolean;
    }
  | {
      readonly kind: "includeAll";
      readonly path: string;
      readonly relative: boolean;
      readonly optional: boolean;
      readonly endsWith: string;
      /** Files directly in the folder have depth 1. */
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
  /** An item that is not followed, by its own name. */
  | { readonly kind: "other"; readonly what: string };

/** `null`: the file is not a changelog. */
export function parseChangelog(text: string, file: string): readonly RawItem[] | null {
  return /\.xml$/i.test(file) ? parseXml(text) : parseYaml(text);
}

/** A value that is not text is `null`. */
type Values = Readonly<Record<string, string | null | undefined>>;

export interface RawItem {
  readonly name: string;
  readonly values: Values;
}

const CONDITIONS = ["context", "contextFilter", "labels"];
const FLAG = /^(?:true|false)$/i;
const NUMBER = /^\d{1,9}$/;

/** The supported attributes of each item, and the form of their values. */
const KNOWN: Readonly<Record<string, Readonly<Record<string, RegExp | null>>>> = {
  include: { file: null, relativeToChangelogFile: FLAG, errorIfMissing: FLAG, ignore: /^false$/i },
  includeAll: {
    ...{ path: null, relativeToChangelogFile: FLAG, errorIfMissingOrEmpty: FLAG, endsWithFilter: null },
    ...{ minDepth: NUMBER, maxDepth: NUMBER, ignore: /^false$/i },
  },
  property: { name: null, value: null, dbms: null, global: FLAG },
};

/** `fill` inserts the properties as they are at this place. */
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

/** The first unsupported attribute, worded for a message. */
function oddIn(name: string, values: Values): string | undefined {
  const known = KNOWN[name];
  if (known === undefined) return undefined;
  return Object.entries(values)
    .filter(([key, value]) => {
      if (/^xmlns\b|:/.test(key)) return false;
      // An empty condition does not count.
      if (CONDITIONS.includes(key)) return value !== "";
      const form = known[key];
      return form === undefined || value == null || form?.test(value) === false;
    })
    .map(([key, value]) => (known[key] === undefined || value == null ? key : `${key}="${value}"`))[0];
}

/**
 * The direct children of `databaseChangeLog`. If the parser refuses the document, for example because of an entity of
 * its own, the error is reported. The folder must not look as if it had no changelog.
 */
function parseXml(text: string): readonly RawItem[] | null {
  try {
    const document = xmlParser().parseXml(text, { preserveDocumentType: true });
    const { root } = document;
    if (root?.name !== "databaseChangeLog") return null;
    // A document type can give attributes a default value, which the parser does not read.
    const type = document.children.some((node) => node.type === "doctype");
    return [
      ...(type ? [{ name: "a document type", values: {} }] : []),
      ...ofRoot(root.attributes),
      ...root.children.filter(isElement).map(({ name, attributes }) => ({ name, values: attributes })),
    ];
  } catch (error) {
    if (!/<databaseChangeLog[\s>]/.test(text)) return null;
    return [{ name: `XML that cannot be read: ${firstLine(error)}`, values: {} }];
  }
}

/** Loaded with `require`, so that only folders with XML files pay for it. */
function xmlParser(): typeof import("@rgrove/parse-xml") {
  return ownRequire()("@rgrove/parse-xml");
}

function isElement(node: XmlNode): node is XmlElement {
  return node.type === "element";
}

/** After the first line, the parser's message quotes the file. */
function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n", 1)[0] ?? "";
}

/** What the root says about everything in it. */
function ofRoot(values: Values): readonly RawItem[] {
  return [...CONDITIONS, "logicalFilePath"]
    .filter((name) => (values[name] ?? "") !== "")
    .map((name) => ({ name, values: { value: values[name] } }));
}

/** Reads JSON as well, which is a subset of YAML. Every value stays as written: an id may be `007`, or `yes`. */
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
