/** Functions, and the operators that are made of them. */
import {
  described,
  flag,
  isItsOwn,
  isMadeByUser,
  isNoMember,
  isOfUser,
  list,
  ordered,
  privileges,
  qualified,
  role,
  routine,
  type SnapshotQuery,
  select,
  sorted,
  unless,
} from "./fragments.ts";

const IN_SCHEMA = "array['schema ' || quote_ident(n.nspname)]";

export function routines(query: SnapshotQuery): readonly string[] {
  return [functions(query), operators(query), operatorFamilies(query), operatorClasses(query)];
}

function functions(query: SnapshotQuery): string {
  const { version } = query;
  const aggregate = (expression: string) =>
    `(select ${expression} from pg_aggregate a where a.aggfnoid = p.oid)`;
  const parts = [
    ...["aggtransfn", "aggfinalfn", "aggcombinefn", "aggserialfn", "aggdeserialfn"],
    ...["aggmtransfn", "aggminvtransfn", "aggmfinalfn"],
  ].map((column) => `nullif('${column.slice(3)} ' || a.${column}::regproc::text, '${column.slice(3)} -')`);
  return select({
    kind: "case p.prokind when 'p' then 'procedure' when 'a' then 'aggregate' when 'w' then 'window function' else 'function' end",
    name: "p.oid::regprocedure::text",
    parents: IN_SCHEMA,
    attributes: {
      owner: role("p.proowner"),
      arguments: "pg_get_function_arguments(p.oid)",
      returns: "pg_get_function_result(p.oid)",
      language: "(select nullif(l.lanname, 'internal') from pg_language l where l.oid = p.prolang)",
      // The text of a body in standard SQL is in `body`.
      source: version >= 140000 ? "case when p.prosqlbody is null then p.prosrc end" : "p.prosrc",
      library: "p.probin",
      body: version >= 140000 ? "pg_get_function_sqlbody(p.oid)" : null,
      volatility: "case p.provolatile when 'i' then 'immutable' when 's' then 'stable' end",
      strict: flag("p.proisstrict"),
      "security definer": flag("p.prosecdef"),
      leakproof: flag("p.proleakproof"),
      parallel: "case p.proparallel when 's' then 'safe' when 'r' then 'restricted' end",
      cost: unless(
        "p.procost",
        "case when p.prolang in (select l.oid from pg_language l where l.lanname in ('internal', 'c')) then 1 else 100 end",
      ),
      rows: unless("p.prorows", "case when p.proretset then 1000 else 0 end"),
      support: routine("p.prosupport"),
      settings: sorted("p.proconfig"),
      transforms: list("select format_type(t.oid, null) from unnest(p.protrftypes) t(oid)"),
      "aggregate functions": aggregate(
        `array_to_string(array_remove(array[${parts.join(", ")}], null), ', ')`,
      ),
      "aggregate state": aggregate(
        `concat_ws(', ', format_type(a.aggtranstype, null), nullif(a.aggtransspace, 0), 'initially ' || a.agginitval,
          case when a.aggmtranstype <> 0 then 'moving ' || format_type(a.aggmtranstype, null) end, nullif(a.aggmtransspace, 0), 'moving initially ' || a.aggminitval)`,
      ),
      "aggregate options": aggregate(
        `nullif(concat_ws(', ', case when a.aggfinalextra then 'final with extra arguments' end, case when a.aggmfinalextra then 'moving final with extra arguments' end,
          case a.aggkind when 'o' then 'ordered set' when 'h' then 'hypothetical set' end, 'final ' || nullif(a.aggfinalmodify::text, case a.aggkind when 'n' then 'r' else 'w' end),
          case when a.aggmfinalfn <> 0 then 'moving final ' || nullif(a.aggmfinalmodify::text, 'r') end), '')`,
      ),
      "sort operator": aggregate("nullif(a.aggsortop::oid::regoperator::text, '0')"),
      privileges: privileges("f", "p.proacl", "p.proowner"),
      ...described("pg_proc", "p.oid"),
    },
    from: "pg_proc p join pg_namespace n on n.oid = p.pronamespace",
    where: [isOfUser(query), isNoMember("pg_proc", "p.oid"), isItsOwn("pg_proc", "p.oid")],
  });
}

function operators(query: SnapshotQuery): string {
  const other = (oid: string) => `nullif(${oid}::oid::regoperator::text, '0')`;
  return select({
    kind: "'operator'",
    name: "o.oid::regoperator::text",
    parents: IN_SCHEMA,
    attributes: {
      owner: role("o.oprowner"),
      function: routine("o.oprcode"),
      result: "case when o.oprresult <> 0 then format_type(o.oprresult, null) end",
      commutator: other("o.oprcom"),
      negator: other("o.oprnegate"),
      restrict: "nullif(o.oprrest::regproc::text, '-')",
      join: "nullif(o.oprjoin::regproc::text, '-')",
      merges: flag("o.oprcanmerge"),
      hashes: flag("o.oprcanhash"),
      ...described("pg_operator", "o.oid"),
    },
    from: "pg_operator o join pg_namespace n on n.oid = o.oprnamespace",
    where: [isOfUser(query), isNoMember("pg_operator", "o.oid")],
  });
}

const METHOD = (oid: string) => `(select quote_ident(m.amname) from pg_am m where m.oid = ${oid})`;
const FAMILY = `${qualified("n.nspname", "f.opfname")} || ' using ' || ${METHOD("f.opfmethod")}`;

function operatorFamilies(query: SnapshotQuery): string {
  return select({
    kind: "'operator family'",
    name: FAMILY,
    parents: IN_SCHEMA,
    attributes: {
      owner: role("f.opfowner"),
      operators: ordered(
        `select a.amopstrategy || ' ' || a.amopopr::oid::regoperator::text || case when a.amopsortfamily <> 0 then ' for order by ' || (select opfname from pg_opfamily where oid = a.amopsortfamily) else '' end,
          (a.amopstrategy, a.amopopr::oid::regoperator::text) from pg_amop a where a.amopfamily = f.oid`,
      ),
      functions: ordered(
        `select a.amprocnum || ' (' || format_type(a.amproclefttype, null) || ', ' || format_type(a.amprocrighttype, null) || ') ' || a.amproc::oid::regprocedure::text,
          (a.amprocnum, format_type(a.amproclefttype, null), format_type(a.amprocrighttype, null)) from pg_amproc a where a.amprocfamily = f.oid`,
      ),
      ...described("pg_opfamily", "f.oid"),
    },
    from: "pg_opfamily f join pg_namespace n on n.oid = f.opfnamespace",
    where: [isOfUser(query), isNoMember("pg_opfamily", "f.oid")],
  });
}

function operatorClasses(query: SnapshotQuery): string {
  return select({
    kind: "'operator class'",
    name: `${qualified("n.nspname", "o.opcname")} || ' using ' || ${METHOD("o.opcmethod")}`,
    parents: IN_SCHEMA,
    attributes: {
      owner: role("o.opcowner"),
      type: "format_type(o.opcintype, null)",
      family: `(select ${FAMILY.replaceAll("n.nspname", "fn.nspname")} from pg_opfamily f join pg_namespace fn on fn.oid = f.opfnamespace where f.oid = o.opcfamily)`,
      default: flag("o.opcdefault"),
      "stored type": "case when o.opckeytype <> 0 then format_type(o.opckeytype, null) end",
      ...described("pg_opclass", "o.oid"),
    },
    from: "pg_opclass o join pg_namespace n on n.oid = o.opcnamespace",
    where: [isOfUser(query), isNoMember("pg_opclass", "o.oid")],
  });
}

/** In no schema. */
export function languages(): readonly string[] {
  return [
    select({
      kind: "'cast'",
      name: "format_type(k.castsource, null) || ' as ' || format_type(k.casttarget, null)",
      parents:
        "array['type ' || format_type(k.castsource, null), 'type ' || format_type(k.casttarget, null)]",
      attributes: {
        function: routine("k.castfunc"),
        context: "case k.castcontext when 'a' then 'assignment' when 'i' then 'implicit' end",
        method: "case k.castmethod when 'i' then 'inout' when 'b' then 'binary' end",
        ...described("pg_cast", "k.oid"),
      },
      from: "pg_cast k",
      where: [isMadeByUser("k.oid"), isNoMember("pg_cast", "k.oid"), isItsOwn("pg_cast", "k.oid")],
    }),
    select({
      kind: "'language'",
      name: "quote_ident(l.lanname)",
      attributes: {
        owner: role("l.lanowner"),
        handler: routine("l.lanplcallfoid"),
        inline: routine("l.laninline"),
        validator: routine("l.lanvalidator"),
        trusted: flag("l.lanpltrusted"),
        privileges: privileges("l", "l.lanacl", "l.lanowner"),
        ...described("pg_language", "l.oid"),
      },
      from: "pg_language l",
      where: [isMadeByUser("l.oid"), isNoMember("pg_language", "l.oid")],
    }),
    select({
      kind: "'transform'",
      // No literal ` for `: where a server says "permission denied for …" of this statement, its own literals are hidden.
      name: "format('%s for %I', format_type(r.trftype, null), (select l.lanname from pg_language l where l.oid = r.trflang))",
      attributes: {
        "from SQL": routine("r.trffromsql"),
        "to SQL": routine("r.trftosql"),
        ...described("pg_transform", "r.oid"),
      },
      from: "pg_transform r",
      where: [isMadeByUser("r.oid"), isNoMember("pg_transform", "r.oid")],
    }),
    select({
      kind: "'access method'",
      name: "quote_ident(m.amname)",
      attributes: {
        type: "case m.amtype when 't' then 'table' else 'index' end",
        handler: "m.amhandler::regproc::text",
        ...described("pg_am", "m.oid"),
      },
      from: "pg_am m",
      where: [isMadeByUser("m.oid"), isNoMember("pg_am", "m.oid")],
    }),
  ];
}
