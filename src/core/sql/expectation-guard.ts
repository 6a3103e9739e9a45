/**
 * Asks what a migration expects, as SQL: in the transaction of the migration, after its text and before the COMMIT. A
 * script for psql asks the same. The guard raises an error where the answer is another one.
 *
 * The server counts the rows itself, with those of triggers and cascades. It does not forget the counts of earlier
 * transactions at once. So they are kept when the transaction begins, for each table, and taken off at the end.
 */
import { type Expectation, shownExpectation } from "../expectation.ts";
import { literal } from "./quote.ts";

/** The SQLSTATE that the guard raises. */
export const EXPECTATION_SQLSTATE = "GW005";

/** The hint of the error that the guard raises. */
export const EXPECTATION_HINT =
  "Look at what its statements change, or correct what is expected, then run again.";

export interface ExpectationGuard {
  /** One statement for the start of the transaction. Empty if no rows are counted. */
  readonly before: string;
  /** SQL that ends in a semicolon, in the settings that the text leaves. */
  readonly after: string;
  /** The queries alone, where the text was not one transaction. */
  readonly queries: string;
}

export const NOTHING_EXPECTED: ExpectationGuard = { before: "", after: "", queries: "" };

export function expectationGuard(
  expectations: readonly Expectation[] | undefined,
  file: string,
): ExpectationGuard {
  if (expectations === undefined || expectations.length === 0) return NOTHING_EXPECTED;
  const queries = expectations.flatMap((one) => (one.kind === "query" ? [query(one, file)] : []));
  const rows = expectations.flatMap((one) => (one.kind === "rows" ? [range(one, file)] : []));
  return {
    before: rows.length === 0 ? "" : REMEMBER,
    after: block([...(rows.length === 0 ? [] : [COUNT, ...rows]), ...queries]),
    queries: queries.length === 0 ? "" : block(queries),
  };
}

/** Rows of the author's tables. Temporary tables are none of them. */
const CHANGED = `select c.oid::pg_catalog.text as id, pg_catalog.pg_stat_get_xact_tuples_inserted(c.oid)
  operator(pg_catalog.+) pg_catalog.pg_stat_get_xact_tuples_updated(c.oid) operator(pg_catalog.+) pg_catalog.pg_stat_get_xact_tuples_deleted(c.oid) as changed
  from pg_catalog.pg_class c where c.relkind operator(pg_catalog.=) 'r'::pg_catalog."char" and c.relpersistence operator(pg_catalog.<>) 't'::pg_catalog."char"
  and c.oid operator(pg_catalog.>=) 16384::pg_catalog.oid`;

const REMEMBER = `select pg_catalog.set_config('godwit.rows', coalesce((select pg_catalog.jsonb_object_agg(t.id, t.changed)
  from (${CHANGED}) t where t.changed operator(pg_catalog.>) 0), '{}'::pg_catalog.jsonb)::pg_catalog.text, true)`;

const COUNT = `if pg_catalog.current_setting('track_counts') operator(pg_catalog.<>) 'on' then
  ${raise("'The rows of a migration cannot be counted: track_counts is off on this server.'")}
end if;
known := nullif(pg_catalog.current_setting('godwit.rows', true), '');
if known is null then
  ${raise("'The rows of a migration cannot be counted: it resets all settings, and what was counted before it is gone.'")}
end if;
changed := (select coalesce(pg_catalog.sum(t.changed operator(pg_catalog.-) coalesce((known::pg_catalog.jsonb operator(pg_catalog.->>) t.id)::pg_catalog.int8, 0)), 0)
  from (${CHANGED}) t);`;

function range(expectation: Expectation & { readonly kind: "rows" }, file: string): string {
  const { least, most } = expectation;
  const above = most === null ? "" : ` or changed operator(pg_catalog.>) ${most}`;
  const message = `pg_catalog.concat(${literal(`${file} expects ${shownExpectation(expectation)}, and its transaction changes `)}, changed, case changed when 1 then ' row.' else ' rows.' end)`;
  return `if changed operator(pg_catalog.<) ${least}${above} then
  ${raise(message)}
end if;`;
}

/** As a part of another query it can have one answer only. */
function query(expectation: Expectation & { readonly kind: "query" }, file: string): string {
  const expects = `${file} expects ${shownExpectation(expectation)}, and `;
  return `begin
  execute ${literal(`select (${expectation.text}\n)`)} into answer;
exception when syntax_error_or_access_rule_violation or data_exception or cardinality_violation then
  ${raise(`pg_catalog.concat(${literal(`${expects}PostgreSQL cannot answer that with true or false: `)}, sqlerrm, '.')`)}
end;
if answer is not true then
  ${raise(`pg_catalog.concat(${literal(`${expects}the answer is `)}, case when answer then 'true' when answer is null then 'null' else 'false' end, '.')`)}
end if;`;
}

function raise(message: string): string {
  return `raise exception using errcode = '${EXPECTATION_SQLSTATE}', message = ${message}, hint = ${literal(EXPECTATION_HINT)};`;
}

function block(parts: readonly string[]): string {
  const body = parts.join("\n");
  let tag = "$expect$";
  for (let number = 1; body.includes(tag); number++) tag = `$expect${number}$`;
  return `do ${tag} declare known pg_catalog.text; changed pg_catalog.numeric; answer pg_catalog.bool;
begin ${body} end ${tag};`;
}
