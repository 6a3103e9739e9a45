/** Types, collations and conversions. */
import {
  described,
  flag,
  isNoMember,
  isOfUser,
  list,
  ordered,
  privileges,
  qualified,
  role,
  type SnapshotQuery,
  select,
  unless,
} from "./fragments.ts";

const COLLATION = (oid: string) =>
  `(select ${qualified("ln.nspname", "l.collname")} from pg_collation l join pg_namespace ln on ln.oid = l.collnamespace where l.oid = ${oid})`;

const IN_SCHEMA = "array['schema ' || quote_ident(n.nspname)]";

export function types(query: SnapshotQuery): readonly string[] {
  return [allTypes(query), domainConstraints(query), collations(query), conversions(query)];
}

/** The types of rows and arrays come with the others. */
function allTypes(query: SnapshotQuery): string {
  const { version } = query;
  const base = (expression: string) => `case when t.typtype = 'b' then ${expression} end`;
  const domain = (expression: string) => `case when t.typtype = 'd' then ${expression} end`;
  return select({
    kind: "'type'",
    name: qualified("n.nspname", "t.typname"),
    parents: IN_SCHEMA,
    attributes: {
      owner: role("t.typowner"),
      form: `case when not t.typisdefined then 'shell' else case t.typtype when 'b' then 'base' when 'c' then 'composite' when 'd' then 'domain'
        when 'e' then 'enum' when 'r' then 'range' end end`,
      values: ordered("select e.enumlabel, e.enumsortorder from pg_enum e where e.enumtypid = t.oid"),
      attributes: ordered(
        `select quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod)
          || case when a.attcollation <> y.typcollation then ' collate ' || ${COLLATION("a.attcollation")} else '' end
          || coalesce(' comment ' || (select description from pg_description where classoid = 'pg_class'::regclass and objoid = c.oid and objsubid = a.attnum), ''), a.attnum
         from pg_attribute a join pg_type y on y.oid = a.atttypid where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and c.relkind = 'c'`,
      ),
      "base type": domain("format_type(t.typbasetype, t.typtypmod)"),
      "not null": domain(flag("t.typnotnull")),
      default: "case when t.typtype in ('b', 'd') then t.typdefault end",
      collation: domain(
        `case when t.typcollation <> (select b.typcollation from pg_type b where b.oid = t.typbasetype) then ${COLLATION("t.typcollation")} end`,
      ),
      subtype: "(select format_type(r.rngsubtype, null) from pg_range r where r.rngtypid = t.oid)",
      "range functions": `(select nullif(concat_ws(', ', nullif(r.rngcanonical::regprocedure::text, '-'), nullif(r.rngsubdiff::regprocedure::text, '-')), '')
        from pg_range r where r.rngtypid = t.oid)`,
      "operator class": `(select ${qualified("pn.nspname", "p.opcname")} from pg_range r join pg_opclass p on p.oid = r.rngsubopc
        join pg_namespace pn on pn.oid = p.opcnamespace where r.rngtypid = t.oid and not p.opcdefault)`,
      "range collation": `(select ${COLLATION("r.rngcollation")} from pg_range r join pg_type y on y.oid = r.rngsubtype
        where r.rngtypid = t.oid and r.rngcollation <> y.typcollation)`,
      "multirange type":
        version >= 140000
          ? `(select ${qualified("mn.nspname", "m.typname")} from pg_range r join pg_type m on m.oid = r.rngmultitypid join pg_namespace mn on mn.oid = m.typnamespace
              where r.rngtypid = t.oid and not (mn.oid = n.oid and m.typname in (left(t.typname, 52) || '_multirange', regexp_replace(t.typname, 'range', 'multirange'))))`
          : null,
      functions: base(
        `array_to_string(array_remove(array[${[
          "typinput",
          "typoutput",
          "typreceive",
          "typsend",
          "typmodin",
          "typmodout",
          "typanalyze",
          ...(version >= 140000 ? ["typsubscript"] : []),
        ]
          .map(
            (column) => `nullif('${column.slice(3)} ' || t.${column}::regproc::text, '${column.slice(3)} -')`,
          )
          .join(", ")}], null), ', ')`,
      ),
      storage: base(
        "concat_ws(' ', t.typlen, t.typalign, t.typstorage, case when t.typbyval then 'by value' end, nullif(t.typcategory, 'U'), case when t.typispreferred then 'preferred' end, nullif(t.typdelim, ','), case when t.typcollation <> 0 then 'collatable' end)",
      ),
      element: base("case when t.typelem <> 0 then format_type(t.typelem, null) end"),
      privileges: privileges("T", "t.typacl", "t.typowner"),
      ...described("pg_type", "t.oid"),
    },
    from: "pg_type t join pg_namespace n on n.oid = t.typnamespace left join pg_class c on c.oid = t.typrelid",
    where: [
      "(c.oid is null or c.relkind = 'c')",
      "t.typtype <> 'm'",
      // The type of arrays of another: that one is found by its key.
      "not exists (select from pg_type other where other.oid = t.typelem and other.typarray = t.oid)",
      isOfUser(query),
      isNoMember("pg_type", "t.oid"),
    ],
  });
}

function domainConstraints(query: SnapshotQuery): string {
  return select({
    kind: "'domain constraint'",
    name: qualified("n.nspname", "t.typname", "k.conname"),
    parents: `array['type ' || ${qualified("n.nspname", "t.typname")}]`,
    attributes: {
      definition: "pg_get_constraintdef(k.oid)",
      ...described("pg_constraint", "k.oid"),
    },
    from: "pg_constraint k join pg_type t on t.oid = k.contypid join pg_namespace n on n.oid = t.typnamespace",
    where: ["k.contype = 'c'", isOfUser(query), isNoMember("pg_type", "t.oid")],
  });
}

function collations(query: SnapshotQuery): string {
  const { version } = query;
  const locale = version >= 170000 ? "l.colllocale" : version >= 150000 ? "l.colliculocale" : "null::text";
  return select({
    kind: "'collation'",
    name: qualified("n.nspname", "l.collname"),
    parents: IN_SCHEMA,
    attributes: {
      owner: role("l.collowner"),
      provider:
        "case l.collprovider when 'i' then 'icu' when 'c' then 'libc' when 'b' then 'builtin' else l.collprovider::text end",
      locale: `coalesce(${locale}, l.collcollate)`,
      "character types": `case when l.collprovider = 'c' then ${unless("l.collctype", "l.collcollate")} end`,
      rules: version >= 160000 ? "l.collicurules" : null,
      nondeterministic: flag("not l.collisdeterministic"),
      encoding: "case when l.collencoding >= 0 then pg_encoding_to_char(l.collencoding) end",
      ...described("pg_collation", "l.oid"),
    },
    from: "pg_collation l join pg_namespace n on n.oid = l.collnamespace",
    where: [isOfUser(query), isNoMember("pg_collation", "l.oid")],
  });
}

function conversions(query: SnapshotQuery): string {
  return select({
    kind: "'conversion'",
    name: qualified("n.nspname", "v.conname"),
    parents: IN_SCHEMA,
    attributes: {
      owner: role("v.conowner"),
      between: "pg_encoding_to_char(v.conforencoding) || ' -> ' || pg_encoding_to_char(v.contoencoding)",
      // Its arguments are always those of a conversion, of which newer majors have one more.
      function: "v.conproc::regproc::text",
      default: flag("v.condefault"),
      ...described("pg_conversion", "v.oid"),
    },
    from: "pg_conversion v join pg_namespace n on n.oid = v.connamespace",
    where: [isOfUser(query), isNoMember("pg_conversion", "v.oid")],
  });
}

export function textSearch(query: SnapshotQuery): readonly string[] {
  const inSchema = (column: string) => `join pg_namespace n on n.oid = ${column}`;
  return [
    select({
      kind: "'text search parser'",
      name: qualified("n.nspname", "p.prsname"),
      parents: IN_SCHEMA,
      attributes: {
        functions: `concat_ws(', ', p.prsstart::regproc, p.prstoken::regproc, p.prsend::regproc, p.prsheadline::regproc, p.prslextype::regproc)`,
        ...described("pg_ts_parser", "p.oid"),
      },
      from: `pg_ts_parser p ${inSchema("p.prsnamespace")}`,
      where: [isOfUser(query), isNoMember("pg_ts_parser", "p.oid")],
    }),
    select({
      kind: "'text search template'",
      name: qualified("n.nspname", "p.tmplname"),
      parents: IN_SCHEMA,
      attributes: {
        functions: "concat_ws(', ', p.tmplinit::regproc, p.tmpllexize::regproc)",
        ...described("pg_ts_template", "p.oid"),
      },
      from: `pg_ts_template p ${inSchema("p.tmplnamespace")}`,
      where: [isOfUser(query), isNoMember("pg_ts_template", "p.oid")],
    }),
    select({
      kind: "'text search dictionary'",
      name: qualified("n.nspname", "p.dictname"),
      parents: IN_SCHEMA,
      attributes: {
        owner: role("p.dictowner"),
        template: `(select ${qualified("tn.nspname", "t.tmplname")} from pg_ts_template t join pg_namespace tn on tn.oid = t.tmplnamespace where t.oid = p.dicttemplate)`,
        options: "p.dictinitoption",
        ...described("pg_ts_dict", "p.oid"),
      },
      from: `pg_ts_dict p ${inSchema("p.dictnamespace")}`,
      where: [isOfUser(query), isNoMember("pg_ts_dict", "p.oid")],
    }),
    select({
      kind: "'text search configuration'",
      name: qualified("n.nspname", "p.cfgname"),
      parents: IN_SCHEMA,
      attributes: {
        owner: role("p.cfgowner"),
        parser: `(select ${qualified("tn.nspname", "t.prsname")} from pg_ts_parser t join pg_namespace tn on tn.oid = t.prsnamespace where t.oid = p.cfgparser)`,
        mappings: list(
          `select (select k.alias from ts_token_type(p.cfgparser) k where k.tokid = m.maptokentype) || ': ' || string_agg(${qualified("dn.nspname", "d.dictname")}, ', ' order by m.mapseqno)
           from pg_ts_config_map m join pg_ts_dict d on d.oid = m.mapdict join pg_namespace dn on dn.oid = d.dictnamespace
           where m.mapcfg = p.oid group by m.maptokentype`,
        ),
        ...described("pg_ts_config", "p.oid"),
      },
      from: `pg_ts_config p ${inSchema("p.cfgnamespace")}`,
      where: [isOfUser(query), isNoMember("pg_ts_config", "p.oid")],
    }),
  ];
}
