/**
 * The guard of a script that is written without a database. The script stops where another tool has applied a
 * migration already: the tool whose folder it is, or any tool if the folder is Godwit's own.
 *
 * The script itself looks for the tool's table, in every schema. It knows the table's usual name and the one in
 * the tool's own configuration.
 */
import type { Migration } from "../../core/migration.ts";
import { literal, stored, storedArray } from "../../core/sql/quote.ts";
import { isLongNumber, numbersOf } from "../../tools/match.ts";
import { type MirroredStep, nameOf, type Relation, type Tool } from "../../tools/tool.ts";
import { isOwnLayout, TOOLS, toolsOf } from "../../tools/tools.ts";
import { parseMirror } from "../mirror/histories.ts";
import { type Mirror, PRESENT_SQLSTATE } from "../mirror/mirror.ts";
import { readableOnly, whoseOf } from "../mirror/whose.ts";
import type { Target } from "../session/target.ts";

/** SQL that raises where one of these steps is applied. It is empty where there is nothing to ask. */
export type OfflineGuard = (steps: readonly MirroredStep[]) => string;

/** A placeholder in a query for the table that the script finds. */
const ANY = { schema: "godwit:schema", name: "godwit:table" };

export function offlineGuard(target: Target, mirror: Mirror | null): OfflineGuard {
  const setting = parseMirror(target.settings.mirror);
  // The mirror asks a table that is named. `none` says that there is nothing to ask.
  if (setting === "none" || setting?.table !== undefined) return () => "";
  const tools = mirror === null ? toolsOf(target.source.layout) : [mirror.tool];
  return (steps) =>
    tools
      .map((tool) => guardFor(target, tool, { steps, mirror }))
      .filter((sql) => sql !== "")
      .join("\n");
}

/**
 * Looks in the tables of all tools. A row counts if it has the name, the number or the checksum of a pending
 * file.
 */
export function anyToolGuard(
  target: Target,
  { migrations, first }: { readonly migrations: readonly Migration[]; readonly first: boolean },
): string {
  const { source, settings } = target;
  if (!isOwnLayout(source.layout) || parseMirror(settings.mirror) === "none" || migrations.length === 0)
    return "";
  const own = toolsOf(source.layout);
  const names = TOOLS.filter((tool) => !own.includes(tool)).flatMap((tool) => namesOf(target, tool));
  const asked = migrations.map((migration) => {
    const text = migration.checksum.replace(/^sha256:/, "");
    const numbers = numbersOf(migration);
    const sure = [migration.id, text, ...numbers.filter(isLongNumber)].filter((one) => one !== "");
    const short = first ? numbers.filter((one) => !isLongNumber(one)) : [];
    return `(${stored(migration.id)}, ${storedArray(sure)}, ${storedArray(short)})`;
  });
  const only = settings.schema == null ? "" : ` and n.nspname = ${literal(settings.schema)}`;
  const values = String.raw`regexp_replace(e.value, ''\.([cm]?[jt]s|sql)$'', '''')`;
  return block(`
for place in select n.nspname, c.relname from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p') and lower(c.relname) in (${[...new Set(names)].join(", ")})
  and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'${only}
loop
  begin
    execute 'select array_agg(distinct ${values}), array_agg(distinct ltrim(e.value, ''0'')) filter (where e.key like ''version%'')
      from ' || format('%I.%I', place.nspname, place.relname) || ' t cross join lateral jsonb_each_text(to_jsonb(t)) e where e.key <> ''id''' into texts, numbers;
  exception when insufficient_privilege then
    continue;
  end;
  for asked in select * from (values ${asked.join(",\n    ")}) as v (revision, sure, short) loop
    if asked.sure && texts or asked.short && numbers then
      raise exception using errcode = '${PRESENT_SQLSTATE}',
        message = asked.revision || ' is in the history of another tool (' || place.nspname || '.' || place.relname || '): it would run a second time',
        hint = 'Take over what is there with godwit adopt; or, if that table has nothing to do with these files, write the script with --mirror none.';
    end if;
  end loop;
end loop;`);
}

function namesOf(target: Target, tool: Tool): readonly string[] {
  const isOwn = toolsOf(target.source.layout).includes(tool);
  const whose = whoseOf(target, [], true);
  const said = (isOwn ? whose : readableOnly(whose)).configured(tool)?.table;
  const names = [tool.table, ...(tool.shape.names ?? []), ...(said == null ? [] : [said])];
  return names.map((name) => literal(name.toLowerCase()));
}

function guardFor(
  target: Target,
  tool: Tool,
  { steps, mirror }: { readonly steps: readonly MirroredStep[]; readonly mirror: Mirror | null },
): string {
  const table: Relation = { ...ANY, columns: columnsOf(tool, mirror), readable: true };
  // For a mirror, only the step's own row counts. Otherwise a row may stand for all steps below it.
  const has = mirror === null ? (tool.has ?? tool.writer?.present) : tool.writer?.present;
  const queries = steps.flatMap((step) => {
    const query = has?.(table, step) ?? null;
    return query === null ? [] : [`(${stored(step.revision)}, ${literal(query)})`];
  });
  if (queries.length === 0) return "";
  const names = namesOf(target, tool).join(", ");
  return block(`
for place in select n.nspname, c.relname from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p') and lower(c.relname) in (${names}) and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
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
        hint = 'Take over what is there with godwit adopt; or, if that table has nothing to do with these files, write the script with --mirror none.';
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
  return `do ${tag} declare place record; asked record; found boolean; texts text[]; numbers text[]; begin${body}\nend ${tag};`;
}
