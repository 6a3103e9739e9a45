/**
 * The guard's question about rows that a tool's history has lost, where no file has the tool's own key: the migrations are
 * programs, or the folder is Godwit's own. The ledger remembers the names, and a row is there if one of its values has
 * that name or the number in it.
 */

import type { Tool } from "../../tools/tool.ts";
import { isOwnLayout } from "../../tools/tools.ts";
import type { Target } from "../session/target.ts";
import { raiseTakenBack } from "./guard-sql.ts";

/** Statements for the loop over remembered tables. `tools`: those whose histories count for these files. */
export function lostRows(target: Target, tools: readonly Tool[]): string {
  const isOwn = isOwnLayout(target.source.layout);
  const asked = tools.filter(({ layouts }) => isOwn || layouts.length === 0);
  return asked.map((tool) => lostOf(target, tool)).join("");
}

function lostOf({ ledger: { sql } }: Target, tool: Tool): string {
  const known = `exists (select from ${sql.historyTable} h where h.revision = t.subject and h.state = 'applied' and h.kind <> 'repeatable')`;
  // A name that this database cannot hold as it is cannot be compared.
  const remembered = `from ${sql.toolRowsTable} t where t.tool = place.tool and t.history = place.history and t.subject !~ '^(settled:|[\\\\]u:|$)' and ${known}`;
  const query = HEADS[tool.name]?.(sql.historyTable);
  const look =
    query === undefined
      ? `execute '${valuesOf("' || format('%I.%I', place.nspname, place.relname) || '")}' into texts;
    select t.subject as revision into asked ${remembered}
      and not array[${spelled("t.subject")}, ${NUMBER}] && coalesce(texts, '{}') order by 1 limit 1;`
      : `for asked in select t.subject as revision ${remembered} order by 1 loop
      execute '${query("' || format('%I.%I', place.nspname, place.relname) || '")}' into found using asked.revision;
      exit when found;
    end loop;`;
  const isLost = query === undefined ? "asked.revision is not null" : "coalesce(found, false)";
  return `
  if place.tool = '${tool.name}' then
    found := false;
    ${look}
    if ${isLost} then
      ${raiseTakenBack("asked.revision")}
    end if;
  end if;`;
}

/** A value without the extension of a program and without zeros in front. */
function spelled(value: string): string {
  return `ltrim(lower(regexp_replace(${value}, '[.](sql|[cm]?[jt]s|co|coffee|eg|iced|ls|litcoffee)$', '')), '0')`;
}

/** The number in front of a name. Some write a time with dashes. */
const NUMBER = "ltrim(replace(substring(t.subject from '^[0-9][0-9-]*'), '-', ''), '0')";

/** All values of a table, for a text in quotes. Django's names have the app in front. */
function valuesOf(table: string): string {
  const value = spelled("e.value").replaceAll("'", "''");
  return `select array_agg(distinct v) from (select ${value} as v from ${table} t cross join lateral jsonb_each_text(to_jsonb(t)) e
      where e.key not in (''id'', ''installed_rank'') union select ltrim(lower(concat_ws(''.'', to_jsonb(t) ->> ''app'', to_jsonb(t) ->> ''name'')), ''0'') from ${table} t) r`;
}

/** Where a row stands for those below it too: a query whether `$1` is lost, for a text in quotes. */
const HEADS: Readonly<Record<string, (ledger: string) => (table: string) => string>> = {
  "golang-migrate": () => (table) =>
    `select not exists (select from ${table} where version >= substring($1 from ''^[0-9]+'')::numeric)`,
  // A head that nobody here knows may stand on all of them.
  alembic: (ledger) => (table) =>
    `with recursive above (revision) as (select $1
      union select h.revision from ${ledger} h join above a on a.revision = any (h.parents))
    select not exists (select from ${table} t where t.version_num in (select revision from above)
      or not exists (select from ${ledger} h where h.revision = t.version_num))`,
};
