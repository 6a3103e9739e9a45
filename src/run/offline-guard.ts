/**
 * For a script that is written without a database: it stops where the tool whose folder this is has a migration already.
 * Where the tool's table stands is found out by the script itself, in every schema, by its usual name.
 */
import { literal, stored } from "../core/sql/quote.ts";
import { type KeptStep, nameOf, type Relation, type Tool } from "../tools/tool.ts";
import { toolsOf } from "../tools/tools.ts";
import { parseKeep } from "./histories.ts";
import { type Keeper, PRESENT_SQLSTATE } from "./keep.ts";
import type { Target } from "./target.ts";

/** SQL that raises where one of these is applied; empty where there is nothing to ask. */
export type OfflineGuard = (steps: readonly KeptStep[]) => string;

/** Stands in a query for the table that the script finds. */
const ANY = { schema: "godwit:schema", name: "godwit:table" };

export function offlineGuard(target: Target, keeper: Keeper | null): OfflineGuard {
  const keep = parseKeep(target.settings.keep);
  // A table that is named is asked by the keeper; `none` says that there is nothing to ask.
  if (keep === "none" || keep?.table !== undefined) return () => "";
  const tools = keeper === null ? toolsOf(target.source.layout) : [keeper.tool];
  return (steps) =>
    tools
      .map((tool) => guardFor(tool, steps, keeper))
      .filter((sql) => sql !== "")
      .join("\n");
}

function guardFor(tool: Tool, steps: readonly KeptStep[], keeper: Keeper | null): string {
  const table: Relation = { ...ANY, columns: columnsOf(tool, keeper), readable: true };
  // What we wrote ourselves is a row of its own, and not all that stands below one.
  const has = keeper === null ? (tool.has ?? tool.keep?.present) : tool.keep?.present;
  const queries = steps.flatMap((step) => {
    const query = has?.(table, step) ?? null;
    return query === null ? [] : [`(${stored(step.revision)}, ${literal(query)})`];
  });
  if (queries.length === 0) return "";
  const names = [tool.table, ...(tool.shape.names ?? [])].map((name) => literal(name)).join(", ");
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
        hint = 'Take over what is there with godwit adopt; or, if that table has nothing to do with these files, write the script with --keep none.';
    end if;
  end loop;
end loop;`);
}

function columnsOf(tool: Tool, keeper: Keeper | null): Relation["columns"] {
  return keeper?.table.columns ?? tool.keep?.create([], null).table.columns ?? {};
}

function block(body: string): string {
  let tag = "$guard$";
  while (body.includes(tag)) tag = `$g${tag.slice(1)}`;
  return `do ${tag} declare place record; asked record; found boolean; begin${body}\nend ${tag};`;
}
