/**
 * `CREATE INDEX IF NOT EXISTS` succeeds if anything has that name: an invalid index, another table's index, or a
 * sequence. The guard follows such statements in the same transaction. It raises an error unless the table has a valid
 * index of that name.
 */
import { readCreateIndex } from "./create-index.ts";
import type { Name } from "./cursor.ts";
import { literal, quotedName } from "./quote.ts";
import { splitStatements } from "./statements.ts";

/** The SQLSTATE that the guard raises. */
export const INDEX_SQLSTATE = "GW004";

/**
 * SQL that ends in a semicolon. Empty if the text has no such statement. The table is looked up through the current
 * search_path. With `concurrently`, the guard covers `CREATE INDEX CONCURRENTLY` too, for callers without a check of
 * their own.
 */
export function indexGuard(
  text: string,
  { concurrently = false }: { readonly concurrently?: boolean } = {},
): string {
  if (!/\bindex\b/i.test(text) || !/\bexists\b/i.test(text)) return "";
  // If a file changes the search_path several times, the last value does not apply to the earlier statements.
  const moved = [...text.matchAll(/\bsearch_path\b/gi)].length > 1;
  const looks = splitStatements(text).flatMap((statement) => {
    const found = readCreateIndex(statement.text);
    if (found === null || !found.ifNotExists || found.index === null) return [];
    if (found.concurrently && !concurrently) return [];
    return moved && found.table.schema === null ? [] : [guardOf(found.index.name, found.table, found.only)];
  });
  if (looks.length === 0) return "";
  return block([...new Set(looks)].join("\n"));
}

/** An index on the parent alone stays invalid until the indexes of its partitions are attached. */
function guardOf(index: string, { schema, name }: Name, only: boolean): string {
  const table = literal(schema === null ? quotedName(name) : `${quotedName(schema)}.${quotedName(name)}`);
  return `t := pg_catalog.to_regclass(${table});
select c.relkind, i.indisvalid, ${WHERE_IT_IS} into kind, valid, owner, own
  from pg_catalog.pg_class c left join pg_catalog.pg_index i on i.indexrelid operator(pg_catalog.=) c.oid
  left join pg_catalog.pg_class o on o.oid operator(pg_catalog.=) i.indrelid
  left join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) o.relnamespace
  where c.relname operator(pg_catalog.=) ${literal(index)}
  and c.relnamespace operator(pg_catalog.=) (select r.relnamespace from pg_catalog.pg_class r where r.oid operator(pg_catalog.=) t);
if found and not coalesce(own, false) then
  raise exception using errcode = '${INDEX_SQLSTATE}',
    message = pg_catalog.format('The name %I belongs to %s, so IF NOT EXISTS has made no index on %s.', ${literal(index)}::pg_catalog.text,
      case kind when 'S' then 'a sequence' when 'v' then 'a view' when 'm' then 'a materialized view' when 'c' then 'a type'
        when 'i' then pg_catalog.concat('an index on ', owner) when 'I' then pg_catalog.concat('an index on ', owner) else 'a table' end, ${literal(name)}::pg_catalog.text),
    hint = 'Give the index of this migration another name, then run again.';
end if;
${only ? "" : invalid(index)}`;
}

const WHERE_IT_IS =
  "pg_catalog.concat(pg_catalog.quote_ident(n.nspname), '.', pg_catalog.quote_ident(o.relname)), i.indrelid operator(pg_catalog.=) t";

function invalid(index: string): string {
  return `if found and not valid then
  owner := (select pg_catalog.format('%I.%I', n.nspname, ${literal(index)}::pg_catalog.text) from pg_catalog.pg_class r
    join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) r.relnamespace where r.oid operator(pg_catalog.=) t);
  raise exception using errcode = '${INDEX_SQLSTATE}',
    message = pg_catalog.format('Index %s is invalid, and IF NOT EXISTS has kept it.', owner),
    hint = pg_catalog.format(case kind when 'I' then 'Not every partition has a valid index that is attached to it. Drop it with DROP INDEX %s; then run again, and it is built with all its parts.'
      else 'Build it again with REINDEX INDEX CONCURRENTLY %s; then run again.' end, owner);
end if;`;
}

function block(body: string): string {
  let tag = "$index$";
  for (let number = 1; body.includes(tag); number++) tag = `$index${number}$`;
  return `do ${tag} declare t pg_catalog.oid; kind pg_catalog."char"; valid boolean; owner pg_catalog.text; own boolean;
begin ${body} end ${tag};`;
}
