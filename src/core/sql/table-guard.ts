/** Guards a table by its oid. Another one may get its name while windows of it run. Pure. */
import { dollarBlock } from "./dollar-block.ts";
import { regclass } from "./regclass.ts";

/** The SQLSTATE that the guard raises. */
export const OTHER_TABLE_SQLSTATE = "GW006";

/**
 * A statement that raises an error unless the name, with its schema, is that of this table. Behind a statement that has
 * written to the table, its lock keeps the name until the transaction ends.
 */
export function tableGuard({ name, oid }: { readonly name: string; readonly oid: string }): string {
  return dollarBlock(`if ${regclass(name)}::pg_catalog.oid is distinct from '${oid}'::pg_catalog.oid then
    raise exception using errcode = '${OTHER_TABLE_SQLSTATE}', message = 'another table has the name of the one that is backfilled';
  end if;`);
}
