/**
 * Renames are told, never guessed. `-- renamed from old` stands above a `CREATE` of a table, type, view, sequence, domain or
 * schema. For a column, or a value of an enum, it stands at the end of its line. Pure.
 *
 * A hint that has been carried out does no harm: it means nothing once the old name is gone.
 */
import { splitStatements } from "../core/sql/statements.ts";
import { quotedIfNeeded } from "./change.ts";
import type { SchemaFile } from "./load.ts";

export interface RenameHint {
  /** Of the table, or of what else has the name now. Qualified, unless it is a schema. */
  readonly table: string;
  /** Of the column, or of the enum's value. `null`: the table itself was renamed. */
  readonly column: string | null;
  /** Qualified where it was in another schema. */
  readonly from: string;
}

const NAME = `(?:"(?:[^"]|"")+"|[\\p{L}_][\\p{L}\\p{N}_$]*)`;
const VALUE = "'(?:[^']|'')+'";
const HINT = new RegExp(`--[ \\t]*renamed from[ \\t]+(${NAME}(?:\\.${NAME})?|${VALUE})[ \\t]*$`, "iu");
const OBJECT = new RegExp(
  "^create\\s+(?:or\\s+replace\\s+)?(?:unlogged\\s+)?(table|type|domain|sequence|schema|(?:materialized\\s+)?view)\\s+" +
    `(?:if\\s+not\\s+exists\\s+)?(${NAME}(?:\\.${NAME})?)`,
  "iu",
);
const COLUMN = new RegExp(`^\\s*,?\\s*(?:(${NAME})\\s|(${VALUE}))`, "u");

export function renameHints(files: readonly SchemaFile[]): readonly RenameHint[] {
  return files.flatMap(({ text }) => hintsIn(text));
}

const TOLD = new RegExp(`^(${NAME}(?:\\.${NAME}){0,2})=(${NAME})$`, "u");

/** Of `old=new` or `table.old=new`, each reading of it: what has no such name is not renamed. Empty: it is something else. */
export function renamesOf(text: string): readonly RenameHint[] {
  const [, old, fresh] = TOLD.exec(text) ?? [];
  if (old === undefined || fresh === undefined) return [];
  const parts = foldedParts(old);
  const [from = "", to] = [parts.at(-1), folded(fresh)];
  const above = parts.slice(0, -1);
  const [first = "public", second] = above;
  return [
    ...(above.length < 2 ? [{ table: `${first}.${to}`, column: null, from }] : []),
    ...(above.length === 0 ? [{ table: to, column: null, from }] : []),
    ...(above.length > 0
      ? [{ table: second === undefined ? `public.${first}` : `${first}.${second}`, column: to, from }]
      : []),
  ];
}

function hintsIn(text: string): readonly RenameHint[] {
  const tables = splitStatements(text).flatMap(({ text: statement, start, end }) => {
    const [, kind = "", name] = OBJECT.exec(statement) ?? [];
    if (name === undefined) return [];
    return [{ table: kind.toLowerCase() === "schema" ? folded(name) : qualifiedName(name), start, end }];
  });
  const hints: RenameHint[] = [];
  let at = 0;
  for (const line of text.split("\n")) {
    const from = HINT.exec(line)?.[1];
    const next = tables.find(({ end }) => end > at);
    if (from !== undefined && next !== undefined) {
      const [, named, value] = (at > next.start ? COLUMN.exec(line) : null) ?? [];
      const column = named ?? value;
      if (at <= next.start && line.trimStart().startsWith("--"))
        hints.push({ table: next.table, column: null, from: foldedParts(from).join(".") });
      else if (column !== undefined)
        hints.push({ table: next.table, column: folded(column), from: folded(from) });
    }
    at += line.length + 1;
  }
  return hints;
}

function qualifiedName(name: string): string {
  const parts = foldedParts(name);
  return parts.length === 1 ? `public.${parts[0]}` : parts.join(".");
}

function foldedParts(name: string): readonly string[] {
  return [...name.matchAll(new RegExp(NAME, "gu"))].map(([part]) => folded(part));
}

/** As the server writes it. A value of an enum is written like a name. */
function folded(name: string): string {
  if (name.startsWith("'")) return quotedIfNeeded(name.slice(1, -1).replaceAll("''", "'"));
  if (!name.startsWith('"')) return name.toLowerCase();
  return /^"[a-z_][a-z0-9_]*"$/.test(name) ? name.slice(1, -1) : name;
}
