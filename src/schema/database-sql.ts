/** What is in no schema: extensions, foreign servers, replication, default privileges. */
import {
  described,
  flag,
  isMadeByUser,
  isNoMember,
  list,
  options,
  privileges,
  relationName,
  role,
  routine,
  type SnapshotQuery,
  select,
  unless,
} from "./fragments.ts";

export function ofDatabase(query: SnapshotQuery): readonly string[] {
  return [
    select({
      kind: "'extension'",
      name: "quote_ident(x.extname)",
      attributes: {
        version: "x.extversion",
        schema: "(select quote_ident(n.nspname) from pg_namespace n where n.oid = x.extnamespace)",
        owner: role("x.extowner"),
        ...described("pg_extension", "x.oid"),
      },
      from: "pg_extension x",
      where: [isMadeByUser("x.oid")],
    }),
    ...foreign(),
    publications(query),
    subscriptions(query),
  ];
}

function foreign(): readonly string[] {
  return [
    select({
      kind: "'foreign data wrapper'",
      name: "quote_ident(w.fdwname)",
      attributes: {
        owner: role("w.fdwowner"),
        handler: routine("w.fdwhandler"),
        validator: routine("w.fdwvalidator"),
        options: options("w.fdwoptions"),
        privileges: privileges("F", "w.fdwacl", "w.fdwowner"),
        ...described("pg_foreign_data_wrapper", "w.oid"),
      },
      from: "pg_foreign_data_wrapper w",
      where: [isMadeByUser("w.oid"), isNoMember("pg_foreign_data_wrapper", "w.oid")],
    }),
    select({
      kind: "'server'",
      name: "quote_ident(s.srvname)",
      parents:
        "array['foreign data wrapper ' || (select quote_ident(w.fdwname) from pg_foreign_data_wrapper w where w.oid = s.srvfdw)]",
      attributes: {
        wrapper: "(select quote_ident(w.fdwname) from pg_foreign_data_wrapper w where w.oid = s.srvfdw)",
        owner: role("s.srvowner"),
        type: "s.srvtype",
        version: "s.srvversion",
        options: options("s.srvoptions"),
        privileges: privileges("S", "s.srvacl", "s.srvowner"),
        ...described("pg_foreign_server", "s.oid"),
      },
      from: "pg_foreign_server s",
      where: [isNoMember("pg_foreign_server", "s.oid")],
    }),
    select({
      kind: "'user mapping'",
      name: "case when m.umuser = 0 then 'PUBLIC' else quote_ident(m.usename) end || ' on ' || quote_ident(m.srvname)",
      parents: "array['server ' || quote_ident(m.srvname)]",
      attributes: { "mapping options": options("m.umoptions", true) },
      from: "pg_user_mappings m",
    }),
  ];
}

function publications({ version }: SnapshotQuery): string {
  const rows = version >= 150000;
  const table = rows
    ? `${relationName("r.prrelid")} || coalesce(' (' || (select string_agg(quote_ident(a.attname), ', ' order by a.attnum) from unnest(r.prattrs::int2[]) k(num)
        join pg_attribute a on a.attrelid = r.prrelid and a.attnum = k.num) || ')', '') || coalesce(' where ' || pg_get_expr(r.prqual, r.prrelid), '')`
    : relationName("r.prrelid");
  return select({
    kind: "'publication'",
    name: "quote_ident(p.pubname)",
    attributes: {
      owner: role("p.pubowner"),
      "all tables": flag("p.puballtables"),
      tables: list(`select ${table} from pg_publication_rel r where r.prpubid = p.oid`),
      schemas: rows
        ? list(
            "select quote_ident(n.nspname) from pg_publication_namespace r join pg_namespace n on n.oid = r.pnnspid where r.pnpubid = p.oid",
          )
        : null,
      publishes: unless(
        "concat_ws(', ', case when p.pubinsert then 'insert' end, case when p.pubupdate then 'update' end, case when p.pubdelete then 'delete' end, case when p.pubtruncate then 'truncate' end)",
        "'insert, update, delete, truncate'",
      ),
      "via root": flag("p.pubviaroot"),
      "generated columns": version >= 180000 ? "case p.pubgencols when 's' then 'stored' end" : null,
      ...described("pg_publication", "p.oid"),
    },
    from: "pg_publication p",
    where: [isNoMember("pg_publication", "p.oid")],
  });
}

/** The connection string is never read: it holds a password. */
function subscriptions({ version }: SnapshotQuery): string {
  const since = (major: number, expression: string) => (version >= major * 10_000 ? expression : null);
  return select({
    kind: "'subscription'",
    name: "quote_ident(u.subname)",
    attributes: {
      owner: role("u.subowner"),
      enabled: flag("u.subenabled"),
      publications: list("select p.one from unnest(u.subpublications) p(one)"),
      "slot name": unless("u.subslotname", "u.subname"),
      binary: since(14, flag("u.subbinary")),
      // The default is another one since 18, and an older dump does not say it.
      streaming: since(
        14,
        `nullif(case u.substream::text when 'p' then 'parallel' when 't' then 'on' when 'true' then 'on' else 'off' end, ${version >= 180_000 ? "'parallel'" : "'off'"})`,
      ),
      "synchronous commit": since(14, unless("u.subsynccommit", "'off'")),
      "two-phase": since(15, flag("u.subtwophasestate <> 'd'")),
      "disable on error": since(15, flag("u.subdisableonerr")),
      "password required": since(16, "case when not u.subpasswordrequired then 'no' end"),
      "run as owner": since(16, flag("u.subrunasowner")),
      origin: since(16, unless("u.suborigin", "'any'")),
      failover: since(17, flag("u.subfailover")),
      ...(version >= 140000 ? described("pg_subscription", "u.oid") : {}),
    },
    from: "pg_subscription u",
    where: ["u.subdbid = (select d.oid from pg_database d where d.datname = current_database())"],
  });
}

/** Of one schema, or of all of them and of none. */
export function defaultPrivileges({ schema }: SnapshotQuery, isOfUser: string): string {
  return select({
    kind: "'default privileges'",
    name: `case a.defaclobjtype when 'r' then 'tables' when 'S' then 'sequences' when 'f' then 'functions' when 'T' then 'types' when 'n' then 'schemas' else 'large objects' end
      || ' of ' || ${role("a.defaclrole")} || case when n.oid is null then '' else ' in ' || quote_ident(n.nspname) end`,
    parents: "array(select 'schema ' || quote_ident(n.nspname) where n.oid is not null)",
    attributes: {
      privileges: list(
        `select case e.grantee when 0 then 'PUBLIC' else ${role("e.grantee")} end || ': ' || e.privilege_type || case when e.is_grantable then ' with grant option' else '' end
         from aclexplode(a.defaclacl) e where e.privilege_type <> 'MAINTAIN'`,
      ),
    },
    from: "pg_default_acl a left join pg_namespace n on n.oid = a.defaclnamespace",
    where: [schema === null ? `(n.oid is null or ${isOfUser})` : isOfUser],
  });
}
