/**
 * The guard of a script that is written without a database. The script stops where another tool has applied a
 * migration already: the tool whose folder it is, or any tool if the folder is Godwit's own.
 *
 * The script itself looks for the tool's table, in every schema. It knows the table's usual name and the one in
 * the tool's own configuration. Before our first run in the database the table may have any name.
 */
import type { Migration } from "../../core/migration.ts";
import { literal, stored, storedArray } from "../../core/sql/quote.ts";
import { isLongNumber, numbersOf } from "../../tools/match.ts";
import { tablesLike } from "../../tools/shape-sql.ts";
import { describeTable, type MirroredStep, nameOf, type Relation, type Tool } from "../../tools/tool.ts";
import { isOwnLayout, TOOLS, toolsOf } from "../../tools/tools.ts";
import { parseMirror } from "../mirror/histories.ts";
import { type Mirror, PRESENT_SQLSTATE } from "../mirror/mirror.ts";
import { readableOnly, whoseOf } from "../mirror/whose.ts";
import type { Target } from "../session/target.ts";

/** SQL that raises where one of these steps is applied. It is empty where there is nothing to ask. */
export type OfflineGuard = (steps: readonly MirroredStep[], when: "at first" | "in its step") => string;

/** A placeholder in a query for the table that the script finds. */
const ANY = { schema: "godwit:schema", name: "godwit:table" };

export function offlineGuard(target: Target, mirror: Mirror | null): OfflineGuard {
  const setting = parseMirror(target.settings.mirror);
  // The mirror asks a table that is named. `none` says that there is nothing to ask.
  if (setting === "none" || setting?.table !== undefined) return () => "";
  const tools = mirror === null ? toolsOf(target.source.layout) : [mirror.tool];
  return (steps, when) =>
    tools
      .map((tool) => {
        const names = namesOf(target, tool);
        const anyName = when === "at first" ? isFresh(target) : "false";
        const places = tablesLike([tool], { names, anyName, exact: false });
        return guardFor(tool, { steps, mirror, places, hint: literal(TAKE_OVER) });
      })
      .filter((sql) => sql !== "")
      .join("\n");
}

/**
 * Where the table that is named for the tool's history is not there, and another one has a step, the name may be a slip. It is
 * asked before the script makes that table.
 */
export function namedTableGuard(
  target: Target,
  mirror: Mirror | null,
  steps: readonly MirroredStep[],
): string {
  const setting = parseMirror(target.settings.mirror);
  if (mirror === null || setting === "none" || setting?.table === undefined) return "";
  const { tool, table } = mirror;
  const isMissing = `pg_catalog.to_regclass(${literal(nameOf(table))}) is null`;
  const { schema } = target.settings;
  const places = tablesLike([tool], { names: [], anyName: isMissing, exact: false, schema });
  const hint = `${literal(`${describeTable(table)} is named for it and is not there. If that is the history of these files, write the script with --mirror ${tool.name}:`)} || place.nspname || '.' || place.relname || ${literal("; if it is another project's, with --mirror none, or make the named table first.")}`;
  return guardFor(tool, { steps, mirror, places, hint });
}

/** No run of ours has done anything here; the script has made the tables by then. */
function isFresh({ ledger }: Target): string {
  return `(${ledger.sql.isEmpty()})`;
}

const TAKE_OVER =
  "Take over what is there with godwit adopt; or, if that table has nothing to do with these files, write the script with --mirror none.";

/**
 * Looks in the tables of all tools. A row counts if it has the name, the number or the checksum of a pending
 * file. Short numbers count as in `refuseUnnoticed`. `files`: all of them, for a table that knows no other.
 */
export function anyToolGuard(
  target: Target,
  { migrations, files }: { readonly migrations: readonly Migration[]; readonly files: readonly Migration[] },
): string {
  const { source, settings } = target;
  if (!isOwnLayout(source.layout) || parseMirror(settings.mirror) === "none" || migrations.length === 0)
    return "";
  const own = toolsOf(source.layout);
  const tools = TOOLS.filter((tool) => !own.includes(tool));
  const names = [...new Set(tools.flatMap((tool) => namesOf(target, tool)))];
  const asked = migrations.map((migration) => {
    const { sure, short } = wordsOf(migration);
    return `(${stored(migration.id)}, ${storedArray(sure)}, ${storedArray(short)})`;
  });
  const words = files.map(wordsOf);
  const all = [words.flatMap(({ sure }) => sure), words.flatMap(({ short }) => short)].map(storedArray);
  const { schema } = settings;
  const places = tablesLike(tools, { names, anyName: "true", exact: true, schema });
  return block(`
fresh := ${isFresh(target)};
for place in ${places}
loop
  begin
    execute 'select array_agg(distinct ${WORD}), array_agg(distinct ltrim(e.value, ''0'')) filter (where e.key like ''version%'')
      from ' || format('%I.%I', place.nspname, place.relname) || ' t cross join lateral jsonb_each_text(to_jsonb(t)) e where e.key <> ''id''' into texts, numbers;
    execute 'select bool_and(coalesce(r.texts && $1, false) or coalesce(r.numbers && $2, false)) from '
      || format('%I.%I', place.nspname, place.relname) || ' t
      cross join lateral (select array_agg(${WORD}) as texts, array_agg(ltrim(e.value, ''0'')) filter (where e.key like ''version%'') as numbers
        from jsonb_each_text(to_jsonb(t)) e where e.key <> ''id'') r' into wholly using ${all.join(", ")};
  exception when insufficient_privilege then
    continue;
  end;
  for asked in select * from (values ${asked.join(",\n    ")}) as v (revision, sure, short) loop
    if asked.sure && texts or fresh and (place.known or wholly) and asked.short && numbers then
      raise exception using errcode = '${PRESENT_SQLSTATE}',
        message = asked.revision || ' is in the history of another tool (' || place.nspname || '.' || place.relname || '): it would run a second time',
        hint = ${literal(TAKE_OVER)};
    end if;
  end loop;
end loop;`);
}

/** A value of a row, without the extension of a file. */
const WORD = String.raw`regexp_replace(e.value, ''\.([cm]?[jt]s|sql)$'', '''')`;

/** What a row may have of a file: what says it surely, and numbers that may be those of another one. */
function wordsOf(migration: Migration): {
  readonly sure: readonly string[];
  readonly short: readonly string[];
} {
  const text = migration.checksum.replace(/^sha256:/, "");
  const numbers = numbersOf(migration);
  return {
    sure: [migration.id, text, ...numbers.filter(isLongNumber)].filter((one) => one !== ""),
    short: numbers.filter((one) => !isLongNumber(one)),
  };
}

function namesOf(target: Target, tool: Tool): readonly string[] {
  const isOwn = toolsOf(target.source.layout).includes(tool);
  const whose = whoseOf(target, [], true);
  const said = (isOwn ? whose : readableOnly(whose)).configured(tool)?.table;
  const names = [tool.table, ...(tool.shape.names ?? []), ...(said == null ? [] : [said])];
  return names.map((name) => name.toLowerCase());
}

interface Asked {
  readonly steps: readonly MirroredStep[];
  readonly mirror: Mirror | null;
  /** A query for the tables that are asked. */
  readonly places: string;
  /** An expression. */
  readonly hint: string;
}

function guardFor(tool: Tool, { steps, mirror, places, hint }: Asked): string {
  const table: Relation = { ...ANY, columns: columnsOf(tool, mirror), readable: true };
  // For a mirror, only the step's own row counts. Otherwise a row may stand for all steps below it.
  const has = mirror === null ? (tool.has ?? tool.writer?.present) : tool.writer?.present;
  const queries = steps.flatMap((step) => {
    const query = has?.(table, step) ?? null;
    return query === null ? [] : [`(${stored(step.revision)}, ${literal(query)})`];
  });
  if (queries.length === 0) return "";
  return block(`
for place in ${places}
loop
  for asked in select * from (values ${queries.join(",\n    ")}) as v (revision, query) loop
    begin
      execute 'select exists (' || replace(asked.query, ${literal(nameOf(table))}, format('%I.%I', place.nspname, place.relname)) || ')' into found;
    exception when undefined_column or undefined_function or datatype_mismatch or invalid_text_representation then
      found := false;
    end;
    if found then
      raise exception using errcode = '${PRESENT_SQLSTATE}',
        message = asked.revision || ${literal(` is in the history of ${tool.title} (`)} || place.nspname || '.' || place.relname || '): it would run a second time',
        hint = ${hint};
    end if;
  end loop;
end loop;`);
}

function columnsOf(tool: Tool, mirror: Mirror | null): Relation["columns"] {
  return mirror?.table.columns ?? tool.writer?.create([], null).table.columns ?? {};
}

function block(body: string): string {
  let tag = "$guard$";
  while (body.includes(tag)) tag = `$g${tag.slice(1)}`;
  return `do ${tag} declare place record; asked record; found boolean; fresh boolean; wholly boolean; texts text[]; numbers text[]; begin${body}\nend ${tag};`;
}
