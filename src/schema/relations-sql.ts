/** Tables, views and sequences, and what is made on them. */
import {
  described,
  flag,
  identityOf,
  isNoMember,
  isOfUser,
  kindOf,
  list,
  options,
  ordered,
  privileges,
  qualified,
  relationName,
  role,
  type SnapshotQuery,
  select,
  sorted,
  unless,
} from "./fragments.ts";

const CLASS = "pg_class c join pg_namespace n on n.oid = c.relnamespace";
const PERSISTENCE = `case c.relpersistence when 'u' then 'unlogged' end`;
const TABLESPACE = "(select quote_ident(spcname) from pg_tablespace s where s.oid = c.reltablespace)";

export function relations(query: SnapshotQuery): readonly string[] {
  return [tables(query), views(query), sequences(query), columns(query), constraints(query), indexes(query)];
}

function tables(query: SnapshotQuery): string {
  const { version } = query;
  const pending = version >= 140000 ? "h.inhdetachpending" : "false";
  return select({
    kind: kindOf("c"),
    name: qualified("n.nspname", "c.relname"),
    parents: `array['schema ' || quote_ident(n.nspname)]`,
    attributes: {
      owner: role("c.relowner"),
      persistence: PERSISTENCE,
      "columns in order": ordered(
        // A restore puts inherited columns first.
        `select a.attname, a.attnum from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
         and (c.relispartition or not exists (select from pg_inherits h where h.inhrelid = c.oid))`,
      ),
      "partition key": "case c.relkind when 'p' then pg_get_partkeydef(c.oid) end",
      inherits: ordered(
        `select ${relationName("h.inhparent")} || case when ${pending} then ' (detach pending)' else '' end, h.inhseqno
         from pg_inherits h where h.inhrelid = c.oid`,
      ),
      "partition bound": "pg_get_expr(c.relpartbound, c.oid)",
      "of type": "case when c.reloftype <> 0 then format_type(c.reloftype, null) end",
      options: sorted("c.reloptions"),
      "toast options": `(select ${sorted("t.reloptions")} from pg_class t where t.oid = c.reltoastrelid)`,
      "replica identity": `case c.relreplident when 'f' then 'full' when 'n' then 'nothing' when 'i' then 'index' end`,
      "row-level security": `case when c.relforcerowsecurity and c.relrowsecurity then 'forced' when c.relforcerowsecurity then 'disabled, forced'
        when c.relrowsecurity then 'enabled' end`,
      "access method": "(select nullif(m.amname, 'heap') from pg_am m where m.oid = c.relam)",
      tablespace: TABLESPACE,
      server:
        "(select quote_ident(s.srvname) from pg_foreign_table f join pg_foreign_server s on s.oid = f.ftserver where f.ftrelid = c.oid)",
      "foreign options": `(select ${options("f.ftoptions")} from pg_foreign_table f where f.ftrelid = c.oid)`,
      privileges: privileges("r", "c.relacl", "c.relowner"),
      ...described("pg_class", "c.oid"),
    },
    from: CLASS,
    where: ["c.relkind in ('r', 'p', 'f')", isOfUser(query), isNoMember("pg_class", "c.oid")],
  });
}

function views(query: SnapshotQuery): string {
  return select({
    kind: kindOf("c"),
    name: qualified("n.nspname", "c.relname"),
    parents: `array['schema ' || quote_ident(n.nspname)]`,
    attributes: {
      owner: role("c.relowner"),
      definition: "pg_get_viewdef(c.oid)",
      options: sorted("c.reloptions"),
      "toast options": `(select ${sorted("t.reloptions")} from pg_class t where t.oid = c.reltoastrelid)`,
      "access method": "(select nullif(m.amname, 'heap') from pg_am m where m.oid = c.relam)",
      tablespace: TABLESPACE,
      privileges: privileges("r", "c.relacl", "c.relowner"),
      ...described("pg_class", "c.oid"),
    },
    from: CLASS,
    where: ["c.relkind in ('v', 'm')", isOfUser(query), isNoMember("pg_class", "c.oid")],
  });
}

function sequences(query: SnapshotQuery): string {
  const owning = `pg_depend d join pg_class tc on tc.oid = d.refobjid join pg_namespace tn on tn.oid = tc.relnamespace
    join pg_attribute ta on ta.attrelid = tc.oid and ta.attnum = d.refobjsubid
    where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.refclassid = 'pg_class'::regclass and d.deptype in ('a', 'i')`;
  const owner = qualified("tn.nspname", "tc.relname", "ta.attname");
  return select({
    kind: "'sequence'",
    name: qualified("n.nspname", "c.relname"),
    parents: `array['schema ' || quote_ident(n.nspname)] || array(select 'column ' || ${owner} from ${owning})`,
    attributes: {
      owner: role("c.relowner"),
      persistence: PERSISTENCE,
      type: "format_type(q.seqtypid, null)",
      start: "q.seqstart::text",
      increment: "q.seqincrement::text",
      minimum: "q.seqmin::text",
      maximum: "q.seqmax::text",
      cache: unless("q.seqcache::text", "'1'"),
      cycle: flag("q.seqcycle"),
      "owned by": `(select ${owner} from ${owning})`,
      privileges: privileges("s", "c.relacl", "c.relowner"),
      ...described("pg_class", "c.oid"),
    },
    from: `${CLASS} join pg_sequence q on q.seqrelid = c.oid`,
    where: [isOfUser(query), isNoMember("pg_class", "c.oid")],
  });
}

/** A column of a view has the name and the type that the view's definition gives it. */
function columns(query: SnapshotQuery): string {
  const { version } = query;
  const ofTable = (expression: string) => `case when c.relkind in ('r', 'p', 'f') then ${expression} end`;
  const inherited = `select 'column ' || ${qualified("pn.nspname", "pc.relname", "a.attname")} from pg_inherits h
    join pg_class pc on pc.oid = h.inhparent join pg_namespace pn on pn.oid = pc.relnamespace where h.inhrelid = c.oid`;
  const branch = (kinds: string, onlyWithAttributes: boolean) =>
    select({
      kind: "'column'",
      name: qualified("n.nspname", "c.relname", "a.attname"),
      parents: `array[${identityOf("c", "n")}] || case when a.attinhcount > 0 then array(${inherited}) else '{}' end`,
      attributes: {
        type: ofTable("format_type(a.atttypid, a.atttypmod)"),
        collation: ofTable(`case when a.attcollation <> 0 and a.attcollation <> t.typcollation then
          (select ${qualified("ln.nspname", "l.collname")} from pg_collation l join pg_namespace ln on ln.oid = l.collnamespace where l.oid = a.attcollation) end`),
        "not null": ofTable(flag("a.attnotnull")),
        "not null constraint": version >= 180000 ? ofTable(notNullConstraint()) : null,
        default: "case a.attgenerated when '' then pg_get_expr(d.adbin, d.adrelid) end",
        generated: `case a.attgenerated when 's' then 'stored ' || pg_get_expr(d.adbin, d.adrelid)
          when 'v' then 'virtual ' || pg_get_expr(d.adbin, d.adrelid) end`,
        identity: "case a.attidentity when 'a' then 'always' when 'd' then 'by default' end",
        storage: ofTable(
          `case when a.attstorage <> t.typstorage then case a.attstorage when 'p' then 'plain' when 'e' then 'external' when 'm' then 'main' else 'extended' end end`,
        ),
        compression:
          version >= 140000 ? "case a.attcompression when 'p' then 'pglz' when 'l' then 'lz4' end" : null,
        "statistics target": unless("a.attstattarget", "-1"),
        options: sorted("a.attoptions"),
        "foreign options": options("a.attfdwoptions"),
        inherited: ofTable(
          `case when a.attinhcount > 0 then case when a.attislocal then 'and its own' else 'only' end end`,
        ),
        privileges: privileges("c", "a.attacl", "c.relowner"),
        ...described("pg_class", "c.oid", "a.attnum"),
      },
      from: `${CLASS} join pg_attribute a on a.attrelid = c.oid join pg_type t on t.oid = a.atttypid
        left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum`,
      where: [
        `c.relkind in (${kinds})`,
        "a.attnum > 0",
        "not a.attisdropped",
        isOfUser(query),
        isNoMember("pg_class", "c.oid"),
      ],
      onlyWithAttributes,
    });
  return `${branch("'r', 'p', 'f'", false)} union all ${branch("'v', 'm'", true)}`;
}

/** What its row says beyond NOT NULL, which older majors have no row for. A name that is made from those of table and column is none. */
function notNullConstraint(): string {
  const isGiven = `k.conname <> c.relname || '_' || a.attname || '_not_null' and length(c.relname || a.attname) <= 53 and k.conname !~ ('^' || regexp_replace(c.relname || '_' || a.attname, '([^[:alnum:]_ ])', '\\\\\\1', 'g') || '_not_null[0-9]*$')`;
  return `case when a.attnotnull then (select nullif(concat_ws(', ', case when ${isGiven} then 'named ' || quote_ident(k.conname) end,
    case when not k.convalidated then 'not valid' end, case when k.connoinherit then 'no inherit' end,
    case when k.coninhcount > 0 and k.conislocal and not c.relispartition then 'its own' end,
    (select 'comment: ' || description from pg_description where classoid = 'pg_constraint'::regclass and objoid = k.oid)), '')
    from pg_constraint k where k.conrelid = c.oid and k.contype = 'n' and k.conkey[1] = a.attnum) end`;
}

function constraints(query: SnapshotQuery): string {
  const parentOf = `select 'constraint ' || ${qualified("pn.nspname", "pc.relname", "p.conname")} from pg_constraint p
    join pg_class pc on pc.oid = p.conrelid join pg_namespace pn on pn.oid = pc.relnamespace`;
  const inherited = `case when k.conparentid <> 0 then array(${parentOf} where p.oid = k.conparentid)
    when k.coninhcount > 0 then array(${parentOf} join pg_inherits h on h.inhparent = p.conrelid
      where h.inhrelid = k.conrelid and p.conname = k.conname and p.contype = k.contype) else '{}' end`;
  return select({
    kind: "'constraint'",
    name: qualified("n.nspname", "c.relname", "k.conname"),
    parents: `array[${identityOf("c", "n")}] || ${inherited}`,
    attributes: {
      definition: "pg_get_constraintdef(k.oid)",
      inherited: `case when k.coninhcount > 0 and k.conislocal and not c.relispartition then 'and its own' end`,
      // `disable trigger all` leaves a foreign key that nothing enforces.
      "triggers enabled": list(
        `select distinct case g.tgenabled when 'D' then 'disabled' when 'R' then 'replica' when 'A' then 'always' end
         from pg_trigger g where g.tgconstraint = k.oid and g.tgisinternal and g.tgenabled <> 'O'`,
      ),
      ...described("pg_constraint", "k.oid"),
    },
    from: `${CLASS} join pg_constraint k on k.conrelid = c.oid`,
    where: [
      "k.contype in ('c', 'p', 'u', 'f', 'x')",
      // A foreign key to a partitioned table has further ones to its partitions.
      `(k.conparentid = 0 or not exists (select from pg_constraint p where p.oid = k.conparentid and p.conrelid = k.conrelid))`,
      isOfUser(query),
      isNoMember("pg_class", "c.oid"),
    ],
  });
}

function indexes(query: SnapshotQuery): string {
  const parent = `select 'index ' || ${relationName("h.inhparent")} from pg_inherits h where h.inhrelid = c.oid`;
  const constraint = `select 'constraint ' || ${qualified("tn.nspname", "t.relname", "k.conname")} from pg_constraint k
    where k.conindid = c.oid and k.conrelid = t.oid and k.contype in ('p', 'u', 'x')`;
  return select({
    kind: "'index'",
    name: qualified("n.nspname", "c.relname"),
    parents: `array[${identityOf("t", "tn")}] || array(${constraint}) || case when c.relispartition then array(${parent}) else '{}' end`,
    attributes: {
      definition: "pg_get_indexdef(c.oid)",
      valid: `case when not i.indislive then 'being dropped' when not i.indisready then 'not ready' when not i.indisvalid then 'invalid' end`,
      clustered: flag("i.indisclustered"),
      "replica identity": flag("i.indisreplident"),
      "partition of": `case when c.relispartition then (select ${relationName("h.inhparent")} from pg_inherits h where h.inhrelid = c.oid) end`,
      tablespace: TABLESPACE,
      "statistics targets": `case when i.indexprs is not null then ${ordered(
        "select a.attnum || ': ' || a.attstattarget, a.attnum from pg_attribute a where a.attrelid = c.oid and a.attstattarget >= 0",
      )} end`,
      ...described("pg_class", "c.oid"),
    },
    from: `${CLASS} join pg_index i on i.indexrelid = c.oid join pg_class t on t.oid = i.indrelid join pg_namespace tn on tn.oid = t.relnamespace`,
    where: ["t.relkind in ('r', 'p', 'm')", isOfUser(query), isNoMember("pg_class", "t.oid")],
  });
}
