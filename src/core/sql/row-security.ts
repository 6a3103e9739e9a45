/**
 * Keeps tables of ours to their owner where others could reach them. That is a schema that `PUBLIC`, or a role of an API,
 * may use. Default privileges may have granted every new table in it to such a role, as on Supabase.
 */
import { literal, quotedName } from "./quote.ts";

/** The roles of PostgREST and Supabase that anybody can be. */
const ANYBODY = `('anon', 'authenticated')`;

/**
 * Turns row-level security on without a policy, and takes back what `PUBLIC` and those roles were granted. It takes a
 * table's lock only where there is something to do. The owner is not affected. `everywhere`: whoever may use the schema.
 */
export function keepToOwner(schema: string, tables: readonly string[], everywhere = false): string {
  const names = tables.map((table) => literal(`${quotedName(schema)}.${table}`)).join(", ");
  const exposed = `exists (select from pg_catalog.pg_namespace n cross join pg_catalog.aclexplode(n.nspacl) a
      left join pg_catalog.pg_roles r on r.oid = a.grantee
      where n.nspname = ${literal(schema)} and a.privilege_type = 'USAGE' and (a.grantee = 0 or r.rolname in ${ANYBODY}))`;
  return `do $owner$ declare t record; g record; begin
  if ${everywhere ? "true" : exposed} then
    for t in select c.oid, c.oid::pg_catalog.regclass as name, c.relacl, c.relrowsecurity from pg_catalog.pg_class c
      where c.oid = any (array(select pg_catalog.to_regclass(n) from unnest(array[${names}]) n)) and pg_catalog.pg_has_role(c.relowner, 'usage') loop
      if not t.relrowsecurity then execute pg_catalog.format('alter table %s enable row level security', t.name); end if;
      for g in select distinct case when a.grantee = 0 then 'public' else pg_catalog.quote_ident(r.rolname) end as name
        from pg_catalog.aclexplode(t.relacl) a left join pg_catalog.pg_roles r on r.oid = a.grantee
        where a.grantee = 0 or r.rolname in ${ANYBODY} loop
        execute pg_catalog.format('revoke all on table %s from %s', t.name, g.name);
      end loop;
    end loop;
  end if;
end $owner$;`;
}
