/** The unique indexes by which a table can be paged, as SQL, and what is asked of the columns of one. Pure. */
import { literal } from "../core/sql/quote.ts";

/** A key that is deferred may be there twice for a moment, and one with a predicate or an expression leaves rows out. */
export const IS_KEY =
  "i.indisunique and i.indisvalid and i.indimmediate and i.indpred is null and i.indexprs is null";
export const KEY_INDEXES = `from pg_catalog.pg_index i join pg_catalog.pg_class x on x.oid = i.indexrelid join pg_catalog.pg_am m on m.oid = x.relam
where ${IS_KEY} and m.amname = ${literal("btree")}`;

/** An array with what `expression` says of each column `a` of the index `i`, without those that it only includes. */
export function ofKeyColumns(expression: string): string {
  return `array(select ${expression} from unnest(i.indkey) with ordinality k (number, at) join pg_catalog.pg_attribute a
    on a.attrelid = i.indrelid and a.attnum = k.number where k.at <= i.indnkeyatts order by k.at)`;
}

/** The quoted name of the collation of a column. */
export const COLLATION = `(select pg_catalog.quote_ident(s.nspname) || '.' || pg_catalog.quote_ident(o.collname)
      from pg_catalog.pg_collation o join pg_catalog.pg_namespace s on s.oid = o.collnamespace where o.oid = a.attcollation)`;

/** Number, type, collation and name of a column, whatever the search path is. */
export const SIGNATURE = `a.attnum || ' ' || a.atttypid::pg_catalog.text || ' ' || a.atttypmod || ' ' || a.attcollation::pg_catalog.text || ' ' || a.attname`;

/** The version of the library that orders a column now. Empty: it has none, or PostgreSQL does not say it. */
export const ORDERED_BY = `case when a.attcollation = 0 then '' else coalesce(pg_catalog.pg_collation_actual_version(a.attcollation), '') end`;

/** The version with which PostgreSQL says that what has this collation was made. The default one is that of the database. */
export const MADE_BY = `coalesce(case when a.attcollation = 'pg_catalog."default"'::pg_catalog.regcollation
      then (select pg_catalog.to_jsonb(d) ->> 'datcollversion' from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())
      else (select o.collversion from pg_catalog.pg_collation o where o.oid = a.attcollation) end, '')`;
