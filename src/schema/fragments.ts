/** Pieces of the SQL that reads a schema. Each returns text; none of it holds a value that is not a literal. */
import { literal } from "../core/sql/quote.ts";

export interface SnapshotQuery {
  /** `server_version_num`. The columns of the catalog differ between majors. */
  readonly version: number;
  /** The one schema to read. `null`: all schemas of users, and what is in no schema. */
  readonly schema: string | null;
}

export interface Branch {
  /** Expressions of text. */
  readonly kind: string;
  readonly name: string;
  /** An expression of `text[]`: the identities of the objects that this one belongs to. */
  readonly parents?: string;
  /** Attribute → expression. A NULL is the default of an attribute, and is left out. */
  readonly attributes: Readonly<Record<string, string | null>>;
  readonly from: string;
  readonly where?: readonly string[];
  /** Left out where it has no attribute. */
  readonly onlyWithAttributes?: boolean;
}

/** One select of the union. Its columns are kind, name, parents and attributes. */
export function select({ kind, name, parents, attributes, from, where = [], ...rest }: Branch): string {
  const pairs = Object.entries(attributes)
    .filter(([, expression]) => expression !== null)
    .map(([attribute, expression]) => `${literal(attribute)}, ${expression}`);
  const conditions = where.length === 0 ? "" : ` where ${where.join(" and ")}`;
  const object = `jsonb_strip_nulls(jsonb_build_object(${pairs.join(", ")}))`;
  const belongsTo = parents === undefined ? "'[]'::jsonb" : `to_jsonb(${parents})`;
  const rows = `select ${kind} as kind, ${name} as name, ${belongsTo} as parents, ${object} as attributes from ${from}${conditions}`;
  return rest.onlyWithAttributes === true
    ? `select * from (${rows}) described where attributes <> '{}'`
    : rows;
}

/** The schemas of users. The alias of `pg_namespace` is `n`. */
export function isOfUser({ schema }: SnapshotQuery, alias = "n"): string {
  return schema === null
    ? `${alias}.nspname !~ '^pg_' and ${alias}.nspname <> 'information_schema'`
    : `${alias}.nspname = ${literal(schema)}`;
}

/** An object of an extension comes and goes with it. */
export function isNoMember(catalog: string, oid: string): string {
  return `not exists (select from pg_depend e where e.classid = '${catalog}'::regclass and e.objid = ${oid} and e.deptype = 'e')`;
}

/** The functions and casts of a range come with its type. */
export function isItsOwn(catalog: string, oid: string): string {
  return `not exists (select from pg_depend i where i.classid = '${catalog}'::regclass and i.objid = ${oid} and i.deptype = 'i')`;
}

/** Made by a user, where no schema says so. */
export function isMadeByUser(oid: string): string {
  return `${oid} >= 16384`;
}

/** A condition that is NULL unless it holds, so that the default takes no place. */
export function flag(condition: string): string {
  return `case when ${condition} then true end`;
}

export function unless(value: string, normal: string): string {
  return `nullif(${value}, ${normal})`;
}

export function role(oid: string): string {
  return `quote_ident(pg_get_userbyid(${oid}))`;
}

/** A text array in a fixed order: PostgreSQL keeps options in the order of the statements. */
export function sorted(array: string): string {
  return `case when ${array} is not null then (select jsonb_agg(o.one order by o.one) from unnest(${array}) o(one)) end`;
}

export function list(select: string): string {
  return `(select jsonb_agg(l.one order by l.one) from (${select}) l(one))`;
}

/** In the order of the rows. */
export function ordered(select: string): string {
  return `(select jsonb_agg(l.one order by l.place) from (${select}) l(one, place))`;
}

/** What can be said of every object. Needs `LABELS` in front of the whole statement. */
export function described(catalog: string, oid: string, sub = "0"): Record<string, string> {
  const isIt = `classoid = '${catalog}'::regclass and objoid = ${oid} and objsubid = ${sub}`;
  return {
    comment: `(select description from pg_description where ${isIt})`,
    "security labels": `(select labels from security_labels where ${isIt})`,
  };
}

/** Few databases have any. Read once for all kinds: asked for in each kind, they took a seventh of the server's time. */
export const LABELS = `with security_labels as materialized (
  select classoid, objoid, objsubid, jsonb_agg(provider || ': ' || label order by provider || ': ' || label) as labels
  from pg_seclabel group by 1, 2, 3)`;

/**
 * Privileges without who has granted them. Those of the owner are named so, because they follow the owner. All privileges
 * of a kind are `ALL`: newer majors know more of them. NULL: those that an object has when it is made.
 */
export function privileges(type: string, acl: string, owner: string): string {
  const normal = `acldefault('${type}', ${owner})`;
  return `case when ${acl} is not null then nullif(${entries(acl, { normal, owner })}, ${entries(normal, { normal, owner })}) end`;
}

function entries(acl: string, { normal, owner }: { normal: string; owner: string }): string {
  const all = `(select count(*) from aclexplode(${normal}) usual where usual.grantee = ${owner})`;
  const who = `case granted.grantee when ${owner} then '(owner)' when 0 then 'PUBLIC' else ${role("granted.grantee")} end`;
  const what = `case when count(*) = ${all} and not bool_or(granted.grantable) then 'ALL'
    when count(*) = ${all} and bool_and(granted.grantable) then 'ALL with grant option'
    else string_agg(granted.privilege || case when granted.grantable then ' with grant option' else '' end, ', ' order by granted.privilege) end`;
  const single = `select acl.grantee, acl.privilege_type as privilege, bool_or(acl.is_grantable) as grantable
    from aclexplode(${acl}) acl group by 1, 2`;
  return `coalesce(${list(`select ${who} || ': ' || ${what} from (${single}) granted group by granted.grantee`)}, '[]')`;
}

/** `table`, `view`, and so on. */
export function kindOf(relation: string): string {
  return `case ${relation}.relkind when 'r' then 'table' when 'p' then 'table' when 'f' then 'foreign table' when 'v' then 'view'
  when 'm' then 'materialized view' when 'S' then 'sequence' when 'c' then 'type' else 'index' end`;
}

export function qualified(...names: readonly string[]): string {
  return `format('${names.map(() => "%I").join(".")}', ${names.join(", ")})`;
}

export function identityOf(relation: string, namespace: string): string {
  return `${kindOf(relation)} || ' ' || ${qualified(`${namespace}.nspname`, `${relation}.relname`)}`;
}

/** The name of a relation by its oid, as `regclass` writes it under an empty path, but never by number. */
export function relationName(oid: string): string {
  return `(select ${qualified("rn.nspname", "rc.relname")} from pg_class rc join pg_namespace rn on rn.oid = rc.relnamespace where rc.oid = ${oid})`;
}

/** The name of a function, or NULL for none. */
export function routine(oid: string): string {
  return `nullif(${oid}::oid::regprocedure::text, '-')`;
}

/** The names of options are kept; what may be a secret is kept as four digits of its hash. */
export function options(array: string, all = false): string {
  const name = "split_part(o.one, '=', 1)";
  const hidden = `${name} || ' #' || left(encode(sha256(convert_to(o.one, 'UTF8')), 'hex'), 4)`;
  const isSecret = `${name} ~* 'pass|secret|key|token|credential'`;
  const shown = all ? hidden : `case when ${isSecret} then ${hidden} else o.one end`;
  return `case when ${array} is not null then (select jsonb_agg(${shown} order by o.one) from unnest(${array}) o(one)) end`;
}
