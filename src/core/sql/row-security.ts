/** Turns row-level security on. Takes the table's lock only where there is something to do. */
import { identifier, literal, quotedName } from "./quote.ts";

export function rowSecurity(schema: string, table: string): string {
  const name = `${quotedName(schema)}.${table}`;
  return `do $rls$ begin
  if exists (select from pg_catalog.pg_class where oid = pg_catalog.to_regclass(${literal(name)}) and not relrowsecurity) then
    alter table ${identifier(schema)}.${table} enable row level security;
  end if;
end $rls$;`;
}
