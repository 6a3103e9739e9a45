/** Turns changesets of formatted SQL into migrations, with the properties that each of them sees. */
import { posix } from "node:path";
import type { Place, Problem } from "../../errors.ts";
import { placeAt } from "../place.ts";
import { layoutRefused } from "../problems.ts";
import type { Entry, FileText, Reading } from "./layout.ts";
import { isForUs, isPlainDbms, whyNot } from "./liquibase-attributes.ts";
import { checksumsOf } from "./liquibase-checksums.ts";
import { type Expanded, expand, type Outside, type Property, type Scope } from "./liquibase-properties.ts";
import { isFormatted, type parseFormatted, wholeAsChangeset } from "./liquibase-sql.ts";
import type { Changeset } from "./liquibase-sql-changeset.ts";

export interface Changelog {
  readonly folder: string;
  readonly entries: Entry[];
  readonly problems: Problem[];
  /** The properties of all files read so far. */
  readonly global: Property[];
  /** The properties of each single file. */
  readonly local: Map<string, Property[]>;
  readonly outside: Outside;
  /** The files that are being read, to detect cycles. */
  readonly open: Set<string>;
  readonly parse: typeof parseFormatted;
}

export interface Spot {
  readonly file: string;
  /** The path below our folder, or as the changelog gives it. The migration's name contains it. */
  readonly path: string;
  /** The name of the file in the tool's history. */
  readonly known: string;
}

export interface Shown extends Spot {
  /** The path below our folder. */
  readonly shown: string;
}

export function declare(
  { global, local }: Changelog,
  path: string,
  property: Property & { readonly dbms: string | undefined; readonly global: boolean },
): void {
  if (!isForUs(property.dbms)) return;
  if (property.global) global.push(property);
  else local.set(path, [...(local.get(path) ?? []), property]);
}

/** A copy of the current properties. */
export function scopeOf({ global, local }: Changelog, path: string): Scope {
  return { global: [...global], local: local.get(path) ?? [] };
}

/** The problem for each name that only a running Liquibase could replace. */
export function unknownIn({ unknown }: Expanded, at: () => Place): readonly Problem[] {
  return unknown.map(
    ({ name, from }): Problem => ({
      code: "SOURCE_PLACEHOLDER",
      message: `${at().file} has the property \${${name}}, whose value Liquibase takes from ${from}, and none is given for it.`,
      hint: `Give ${name} a value in \`placeholders\` of the configuration.`,
      place: at(),
      details: { name },
    }),
  );
}

export function readSql(changelog: Changelog, text: string, { path, known, shown }: Shown): void {
  const parsed = isFormatted(text) ? changelog.parse(text, shown) : null;
  changelog.problems.push(...(parsed?.problems ?? []));
  const logical = parsed?.logicalFilePath;
  const pending = [...(parsed?.properties ?? [])];
  const declareUpTo = (offset: number) => {
    while ((pending[0]?.offset ?? offset) < offset)
      for (const property of pending.splice(0, 1)) declare(changelog, logical ?? path, property);
    return scopeOf(changelog, logical ?? path);
  };
  for (const changeset of parsed?.changesets ?? [wholeAsChangeset(text)]) {
    const { attributes, offset } = changeset;
    const place = () => placeAt(shown, text, offset);
    const before = declareUpTo(offset);
    const name = (value: string) => {
      const filled = expand(value, before, changelog.outside);
      changelog.problems.push(...unknownIn(filled, place));
      return filled.text;
    };
    const [id, author] = [name(changeset.id), name(changeset.author)];
    // The tool fills in a changeset's text when it reaches the next one.
    const scope = declareUpTo(changeset.end);
    const why = whyNot(changeset);
    if (isLeftOut(changeset)) continue;
    const own = attributes.get("logicalfilepath") ?? logical;
    const filename = normal(name(own ?? known));
    changelog.entries.push({
      id: `${normal(name(own ?? path))}::${id}::${author}`,
      file: shown,
      ...(isOn(attributes.get("runonchange")) ? { rerun: true } : {}),
      problem:
        why === null
          ? undefined
          : { ...refused(shown, `the changeset ${id} of ${author} has ${why}`, HINT), place: place() },
      read: (file) =>
        readChangeset(file, {
          ...{ written: changeset, id, author, filename, scope, place },
          ...{ parse: changelog.parse, outside: changelog.outside },
        }),
    });
  }
  declareUpTo(Number.POSITIVE_INFINITY);
}

/** Whether the tool leaves the changeset out. Only attributes that the tool reads as well count; others are refused. */
function isLeftOut({ attributes, written }: Changeset): boolean {
  const dbms = attributes.get("dbms");
  const isOther = dbms !== undefined && isPlainDbms(dbms) && !isForUs(dbms);
  return isOther || /(?<![\w-])ignore:true(?!\S)/i.test(written);
}

function isOn(value: string | undefined): boolean {
  return value?.toLowerCase() === "true";
}

const HINT =
  "Take that out of the changeset, or let Liquibase run it and take that over with `godwit adopt`.";

interface Meant {
  /** The id and author as written. */
  readonly written: Pick<Changeset, "id" | "author">;
  readonly id: string;
  readonly author: string;
  readonly filename: string;
  readonly scope: Scope;
  readonly place: () => Place;
  readonly parse: typeof parseFormatted;
  readonly outside: Outside;
}

function readChangeset({ file, text }: FileText, meant: Meant): Reading {
  const { written, id, author, filename, scope, outside, place, parse } = meant;
  const changeset = isFormatted(text)
    ? parse(text, file).changesets.find((other) => other.id === written.id && other.author === written.author)
    : wholeAsChangeset(text);
  if (changeset === undefined) return nothing(text);
  const fill = (part: string) => expand(part, scope, outside);
  const { attributes, line, rollback } = changeset;
  const transaction = attributes.get("runintransaction")?.toLowerCase() === "false" ? false : undefined;
  const [sql, up, down] = [changeset.sql, changeset.text, rollback ?? ""].map(fill) as [
    Expanded,
    Expanded,
    Expanded,
  ];
  const unknown = [up, down].flatMap((filled) => unknownIn(filled, place));
  return {
    up: { text: up.text, line, transaction },
    down: rollback === null ? null : { text: down.text, line, transaction },
    identity: sql.text,
    ...(unknown.length === 0 ? {} : { problems: unknown }),
    tool: {
      version: `${filename}::${id}::${author}`,
      checksums: [...checksumsOf(sql.text, attributes), ...changeset.validChecksums],
      columns: { id, author, filename },
    },
  };
}

export function nothing(text: string): Reading {
  return { up: { text: "", line: text.split("\n").length, transaction: undefined } };
}

export function normal(path: string): string {
  return posix.normalize(
    path
      .replace(/^classpath\*?:/, "")
      .replaceAll("\\", "/")
      .replace(/^(?:[A-Za-z]:)?\/+/, ""),
  );
}

export function refused(folder: string, why: string, hint: string): Problem {
  return layoutRefused("liquibase", { folder, why, hint });
}
