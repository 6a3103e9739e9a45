/** What belongs to a server and not to one of its databases: roles, who is a member of which, and the settings of both. */
import type { Connection } from "../database/connection.ts";

export interface ServerWide {
  /** The role or database that it is about. */
  readonly role: string;
  /** Compared, and never shown: it may hold a password. */
  readonly is: string;
}

/** By what it is, for people. Only a superuser may ask. */
export async function serverWide(connection: Connection): Promise<ReadonlyMap<string, ServerWide>> {
  const { rows } = await connection.query<{
    readonly what: string;
    readonly role: string;
    readonly is: string;
  }>(EVERYTHING);
  return new Map(rows.map(({ what, ...rest }) => [what, rest]));
}

const EVERYTHING = `
select 'role ' || pg_catalog.quote_ident(rolname) as what, rolname::text as role,
  (pg_catalog.to_jsonb(r) - 'oid')::text as is
from pg_catalog.pg_authid r
union all
select 'the membership of ' || pg_catalog.quote_ident(m.rolname) || ' in ' || pg_catalog.quote_ident(g.rolname), m.rolname::text,
  pg_catalog.string_agg((pg_catalog.to_jsonb(a) - 'oid')::text, ' ' order by a.grantor)
from pg_catalog.pg_auth_members a
join pg_catalog.pg_roles m on m.oid = a.member join pg_catalog.pg_roles g on g.oid = a.roleid
group by 1, 2
union all
select 'the settings of ' || case when d.datname is null then '' else 'database ' || pg_catalog.quote_ident(d.datname) end
    || case when d.datname is null or r.rolname is null then '' else ' for ' end
    || case when r.rolname is null then '' else 'role ' || pg_catalog.quote_ident(r.rolname) end,
  coalesce(r.rolname, d.datname)::text, s.setconfig::text
from pg_catalog.pg_db_role_setting s
left join pg_catalog.pg_database d on d.oid = s.setdatabase left join pg_catalog.pg_roles r on r.oid = s.setrole
union all
select 'tablespace ' || pg_catalog.quote_ident(spcname), spcname::text, '' from pg_catalog.pg_tablespace
union all
select 'database ' || pg_catalog.quote_ident(datname), datname::text, '' from pg_catalog.pg_database`;
