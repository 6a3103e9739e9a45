/** What is attached to a relation: triggers, rules, policies, extended statistics. And the schemas themselves. */
import {
  described,
  identityOf,
  isMadeByUser,
  isNoMember,
  isOfUser,
  list,
  privileges,
  qualified,
  role,
  type SnapshotQuery,
  select,
} from "./fragments.ts";

const OF_RELATION = "pg_class c join pg_namespace n on n.oid = c.relnamespace";
const ENABLED = (column: string) =>
  `case ${column} when 'D' then 'disabled' when 'R' then 'replica' when 'A' then 'always' end`;

export function attached(query: SnapshotQuery): readonly string[] {
  const ofRelation = (catalog: string, oid: string) => [
    isOfUser(query),
    isNoMember("pg_class", "c.oid"),
    isNoMember(catalog, oid),
  ];
  return [
    select({
      kind: "'schema'",
      name: "quote_ident(n.nspname)",
      attributes: {
        owner: role("n.nspowner"),
        privileges: privileges("n", "n.nspacl", "n.nspowner"),
        ...described("pg_namespace", "n.oid"),
      },
      from: "pg_namespace n",
      where: [isOfUser(query), isNoMember("pg_namespace", "n.oid")],
    }),
    // The trigger of a partition is its parent's, unless somebody has disabled it there.
    select({
      kind: "'trigger'",
      name: qualified("n.nspname", "c.relname", "g.tgname"),
      parents: `array[${identityOf("c", "n")}] || array(select 'trigger ' || ${qualified("pn.nspname", "pc.relname", "p.tgname")}
        from pg_trigger p join pg_class pc on pc.oid = p.tgrelid join pg_namespace pn on pn.oid = pc.relnamespace where p.oid = g.tgparentid)`,
      attributes: {
        definition: "pg_get_triggerdef(g.oid)",
        enabled: ENABLED("g.tgenabled"),
        ...described("pg_trigger", "g.oid"),
      },
      from: `${OF_RELATION} join pg_trigger g on g.tgrelid = c.oid`,
      where: [
        `case when g.tgparentid = 0 then not g.tgisinternal
          else not exists (select from pg_trigger p where p.oid = g.tgparentid and (p.tgisinternal or p.tgenabled = g.tgenabled)) end`,
        ...ofRelation("pg_trigger", "g.oid"),
      ],
    }),
    select({
      kind: "'rule'",
      name: qualified("n.nspname", "c.relname", "r.rulename"),
      parents: `array[${identityOf("c", "n")}]`,
      attributes: {
        definition: "pg_get_ruledef(r.oid)",
        enabled: ENABLED("r.ev_enabled"),
        ...described("pg_rewrite", "r.oid"),
      },
      from: `${OF_RELATION} join pg_rewrite r on r.ev_class = c.oid`,
      where: [
        "not (c.relkind in ('v', 'm') and r.rulename = '_RETURN')",
        ...ofRelation("pg_rewrite", "r.oid"),
      ],
    }),
    select({
      kind: "'policy'",
      name: qualified("n.nspname", "c.relname", "p.polname"),
      parents: `array[${identityOf("c", "n")}]`,
      attributes: {
        command:
          "case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' end",
        restrictive: "case when not p.polpermissive then true end",
        roles: list(
          `select case r.oid when 0 then 'PUBLIC' else ${role("r.oid")} end from unnest(p.polroles) r(oid) where p.polroles <> '{0}'`,
        ),
        using: "pg_get_expr(p.polqual, p.polrelid)",
        check: "pg_get_expr(p.polwithcheck, p.polrelid)",
        ...described("pg_policy", "p.oid"),
      },
      from: `${OF_RELATION} join pg_policy p on p.polrelid = c.oid`,
      where: ofRelation("pg_policy", "p.oid"),
    }),
    select({
      kind: "'statistics'",
      name: qualified("n.nspname", "x.stxname"),
      parents: `array['schema ' || quote_ident(n.nspname), (select ${identityOf("c", "cn")} from pg_class c
        join pg_namespace cn on cn.oid = c.relnamespace where c.oid = x.stxrelid)]`,
      attributes: {
        owner: role("x.stxowner"),
        definition: "pg_get_statisticsobjdef(x.oid)",
        target: "nullif(x.stxstattarget, -1)",
        ...described("pg_statistic_ext", "x.oid"),
      },
      from: "pg_statistic_ext x join pg_namespace n on n.oid = x.stxnamespace",
      where: [isOfUser(query), isNoMember("pg_statistic_ext", "x.oid")],
    }),
    ...(query.schema === null ? [eventTriggers()] : []),
  ];
}

function eventTriggers(): string {
  return select({
    kind: "'event trigger'",
    name: "quote_ident(v.evtname)",
    attributes: {
      owner: role("v.evtowner"),
      event: "v.evtevent",
      function: "v.evtfoid::regprocedure::text",
      tags: list("select t.one from unnest(v.evttags) t(one)"),
      enabled: ENABLED("v.evtenabled"),
      ...described("pg_event_trigger", "v.oid"),
    },
    from: "pg_event_trigger v",
    where: [isMadeByUser("v.oid"), isNoMember("pg_event_trigger", "v.oid")],
  });
}
