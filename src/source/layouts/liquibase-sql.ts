/**
 * Liquibase's formatted SQL: one file with many changesets, each after a line `--changeset author:id attribute:value …`.
 *
 * Directives are comments. A changeset is therefore the unchanged part of its file between two of them. Only what is not
 * SQL is replaced, character for character: ignored lines become blank, and a custom delimiter becomes a `;`.
 */
import type { Problem } from "../../errors.ts";
import { placeAt } from "../place.ts";
import { type Changeset, type Draft, finish } from "./liquibase-sql-changeset.ts";

export interface SqlProperty {
  readonly name: string;
  readonly value: string;
  readonly dbms: string | undefined;
  readonly global: boolean;
  readonly offset: number;
}

export interface FormattedSql {
  readonly logicalFilePath: string | undefined;
  readonly properties: readonly SqlProperty[];
  readonly changesets: readonly Changeset[];
  readonly problems: readonly Problem[];
}

const HEADER = /^\s*--\s*liquibase\s*formatted[^\n]*/i;
const DIRECTIVE =
  /^\s*--\s*(changeset|rollback|comment|validCheckSum|ignoreLines|property|include(?=[ \t]+file:)|includeAll(?=[ \t]+path:)|preconditions|precondition-[a-z-]+)\b:?[ \t]*(.*)$/i;
/** A single dash is easy to write and hard to see. Liquibase stops at it. */
const ONE_DASH =
  /^\s*-\s*(?:liquibase formatted|changeset|rollback|validCheckSum|ignoreLines|property|preconditions?)\b/i;

export function isFormatted(text: string): boolean {
  return HEADER.test(text);
}

/** Never throws. `file` is the name in messages. */
export function parseFormatted(text: string, file: string): FormattedSql {
  const problems: Problem[] = [];
  const properties: SqlProperty[] = [];
  const drafts: Draft[] = [];
  let ignored = 0;
  let inRollback = false;
  for (const { line, start, number } of linesOf(text)) {
    const draft = drafts.at(-1);
    const problem = (message: string, hint: string) =>
      problems.push({
        code: "SOURCE_DIRECTIVE_INVALID",
        message: `${file} ${message}`,
        hint,
        place: placeAt(file, text, start),
      });
    if (inRollback) {
      const [inside = "", end] = line.split("*/", 2);
      draft?.back.push({ start, text: inside });
      inRollback = end === undefined;
      continue;
    }
    const [whole, name = "", rest = ""] = DIRECTIVE.exec(line) ?? [];
    if (ignored !== 0) {
      if (name.toLowerCase() === "ignorelines" && rest.trim().toLowerCase() === "end") ignored = 0;
      else {
        draft?.blank.push({ start, text: line });
        ignored--;
      }
      continue;
    }
    if (ONE_DASH.test(line))
      problem(`has a directive with one dash: \`${line.trim()}\`.`, "Write two dashes.");
    if (/^\s*\/\*\s*liquibase\s*rollback\s*$/i.test(line)) {
      inRollback = draft !== undefined;
      continue;
    }
    switch (whole === undefined ? "" : name.toLowerCase()) {
      case "":
        if (draft !== undefined && !HEADER.test(line)) draft.sql.push(line);
        break;
      case "changeset": {
        const [, author, id, attributes = ""] = /^("[^"]+"|[^:]+):\s*("[^"]+"|\S+)(.*)$/.exec(rest) ?? [];
        if (author === undefined || id === undefined) {
          problem(
            `has a changeset without author and id: \`${line.trim()}\`.`,
            "Write --changeset author:id.",
          );
          break;
        }
        if (draft !== undefined) draft.end = start;
        drafts.push({
          id: unquoted(id),
          author: unquoted(author.trim()),
          attributes: attributesOf(attributes),
          written: attributes,
          ...{ offset: start, from: start + line.length + 1, end: text.length, line: number + 1 },
          ...{ sql: [], back: [], blank: [], valid: [], precondition: null },
        });
        break;
      }
      case "rollback":
        draft?.back.push({ start: start + line.length - rest.length, text: rest });
        break;
      case "validchecksum":
        draft?.valid.push(rest.trim());
        break;
      case "ignorelines":
        ignored = /^\d+/.test(rest) ? Number.parseInt(rest, 10) : -1;
        break;
      case "property": {
        const property = propertyOf(rest, start);
        if (typeof property === "string")
          problem(
            `has a property that ${property}: \`${line.trim()}\`.`,
            "Write --property name:x value:y, and dbms: or global: behind it; what depends on a context goes into `placeholders` of the configuration.",
          );
        else properties.push(property);
        break;
      }
      case "include":
      case "includeall":
        problem(
          `includes other files: \`${line.trim()}\`.`,
          "Include them in a changelog of XML or YAML, which is read as a list.",
        );
        break;
      case "comment":
        break;
      default:
        if (name.toLowerCase() !== "preconditions" && draft !== undefined) draft.precondition ??= line.trim();
    }
  }
  const logicalFilePath = attributesOf(HEADER.exec(text)?.[0] ?? "").get("logicalfilepath");
  return { logicalFilePath, properties, changesets: drafts.map((draft) => finish(draft, text)), problems };
}

/** Treats a file without the header as one changeset. */
export function wholeAsChangeset(text: string): Changeset {
  return {
    ...{ id: "raw", author: "includeAll", offset: 0, end: text.length, line: 1, text, rollback: null },
    sql: text,
    attributes: new Map([
      ["splitstatements", "false"],
      ["stripcomments", "false"],
    ]),
    written: "",
    validChecksums: [],
    precondition: null,
  };
}

/** Reads a property as the tool does: without quotes, and with blanks only in front of a value. A text says what is wrong. */
function propertyOf(rest: string, offset: number): SqlProperty | string {
  const values = new Map(
    [...rest.matchAll(/(?<![\w-])([\w-]+):[ \t]*(\S*)/g)].map(([, key = "", value = ""]) => [
      key.toLowerCase(),
      value,
    ]),
  );
  const [name, value, dbms, global = "true"] = ["name", "value", "dbms", "global"].map((key) =>
    values.get(key),
  );
  if (!name || !value) return "has no name or no value";
  if (/["']/.test(name + value + (dbms ?? ""))) return "has quotes, which would be a part of the value";
  if (!/^(?:true|false)$/i.test(global)) return `has global:${global}`;
  const condition = ["context", "contextfilter", "labels"].find((key) => (values.get(key) ?? "") !== "");
  if (condition !== undefined)
    return `depends on its ${condition}, and the files do not say which of them apply`;
  return { name, value, dbms, global: global.toLowerCase() === "true", offset };
}

function attributesOf(text: string): ReadonlyMap<string, string> {
  return new Map(
    [...text.matchAll(/(?<![\w-])([\w-]+):("[^"]*"|'[^']*'|\S+)/g)].map(([, key = "", value = ""]) => [
      key.toLowerCase(),
      unquoted(value),
    ]),
  );
}

function unquoted(text: string): string {
  return /^(["']).*\1$/s.test(text) ? text.slice(1, -1) : text;
}

function* linesOf(text: string): Generator<{ line: string; start: number; number: number }> {
  let start = 0;
  for (const [at, line] of text.split("\n").entries()) {
    yield { line, start, number: at + 1 };
    start += line.length + 1;
  }
}
