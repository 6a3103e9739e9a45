/** The foreign keys of the rehearsed schema: generated values have to be there in the table that they name. */
import type { Connection, Row } from "../database/connection.ts";
import type { Reference } from "./rows.ts";
import type { Shape } from "./shape.ts";

/** Of one column. Values of several columns would have to be made together. */
export interface ForeignKey {
  /** `public.orders` */
  readonly relation: string;
  readonly column: string;
  readonly toRelation: string;
  readonly toColumn: string;
}

/** Of a database that has the schema as it is after the plan. */
export async function foreignKeysOf(connection: Connection): Promise<readonly ForeignKey[]> {
  const { rows } = await connection.query<ForeignKey & Row>(FOREIGN_KEYS);
  return rows;
}

const FOREIGN_KEYS = `select n.nspname || '.' || c.relname as relation, a.attname as column,
  m.nspname || '.' || t.relname as "toRelation", b.attname as "toColumn"
from pg_catalog.pg_constraint k
join pg_catalog.pg_class c on c.oid = k.conrelid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_class t on t.oid = k.confrelid join pg_catalog.pg_namespace m on m.oid = t.relnamespace
join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = k.conkey[1]
join pg_catalog.pg_attribute b on b.attrelid = t.oid and b.attnum = k.confkey[1]
where k.contype = 'f' and pg_catalog.cardinality(k.conkey) = 1`;

/** How the columns of a table are bound to others, of which so many rows are made. */
export function referencesOf(
  shape: Shape,
  foreignKeys: readonly ForeignKey[],
  tables: readonly { readonly shape: Shape; readonly rows: number }[],
): readonly Reference[] {
  return foreignKeys.flatMap(({ relation, column, toRelation, toColumn }) => {
    if (relation !== shape.relation || toRelation === relation) return [];
    const named = tables.find((one) => one.shape.relation === toRelation);
    const to = named?.shape.columns.find(({ name }) => name === toColumn);
    return named === undefined || to === undefined ? [] : [{ column, to, rows: named.rows }];
  });
}
