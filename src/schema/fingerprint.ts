/**
 * Whether anything of a schema may have changed, without reading it: which versions of rows the catalogs have. Every change of the
 * schema writes a row of a catalog anew, with another `xmin` or in another place. Whatever else writes there (a dump that is restored,
 * VACUUM FULL) only means that the schema is read.
 */
import { createHash } from "node:crypto";
import type { Connection, Row } from "../database/connection.ts";
import { CATALOG_COLUMNS } from "./columns.ts";
import { snapshotSql } from "./snapshot.ts";

interface Fingerprint extends Row {
  readonly versions: string;
  readonly hidden: string;
  readonly seen: string;
}

/** Of two equal ones, the schema is the same. `null`: it has something of which a role does not see every change. */
export async function fingerprintOf(
  connection: Connection,
  { schema }: { readonly schema: string | null },
): Promise<string | null> {
  const { version } = connection.server;
  const results = await connection.execute(
    `select pg_catalog.set_config('lock_timeout', '2s', true);\n${fingerprintSql(version)}`,
  );
  const found = results.flatMap(({ rows }) => rows).find((row) => "versions" in row) as
    | Fingerprint
    | undefined;
  if (found === undefined || found.hidden !== "no") return null;
  // What is asked of the catalogs is another question in another version of Godwit, or of PostgreSQL.
  const parts = [snapshotSql({ version, schema }), String(version), found.seen, found.versions];
  return createHash("sha256").update(parts.join("\n")).digest("hex");
}

/** The first number of what users make. An operator of somebody's that compares with an integer is not asked. */
const FIRST_OWN = "16384::pg_catalog.oid";

/** Of the user, as a condition. Objects of the user's have numbers from 16384 on, but for the schema `public`. */
const OWN: Readonly<Record<string, string>> = {
  pg_aggregate: `aggfnoid::oid >= ${FIRST_OWN}`,
  pg_attrdef: `adrelid >= ${FIRST_OWN}`,
  pg_attribute: `attrelid >= ${FIRST_OWN} and attnum > 0`,
  pg_description: `objoid >= ${FIRST_OWN} or classoid = 'pg_catalog.pg_namespace'::pg_catalog.regclass::pg_catalog.oid`,
  pg_depend: `objid >= ${FIRST_OWN}`,
  pg_foreign_table: "true",
  pg_index: `indexrelid >= ${FIRST_OWN}`,
  pg_inherits: "true",
  pg_namespace: "true",
  pg_partitioned_table: "true",
  pg_range: `rngtypid >= ${FIRST_OWN}`,
  pg_seclabel: "true",
  pg_sequence: "true",
  pg_ts_config_map: `mapcfg >= ${FIRST_OWN}`,
};

/** Not everybody may read these. */
const HIDDEN = ["pg_subscription", "pg_user_mapping"];

/** What belongs to what is compared too: the members of an extension, and the sequence of a column. */
function comparedCatalogs(): readonly string[] {
  const compared = Object.entries(CATALOG_COLUMNS)
    .filter(([name, columns]) => !HIDDEN.includes(name) && columns.some(({ by }) => by !== null))
    .map(([name]) => name);
  return [...new Set([...compared, "pg_depend"])];
}

function fingerprintSql(version: number): string {
  const each = comparedCatalogs()
    .filter((name) => (SINCE[name] ?? 0) <= version)
    .map(
      (name) => `select '${name}' as catalog, pg_catalog.count(*) as number,
  coalesce(pg_catalog.sum(pg_catalog.hashtextextended(xmin::pg_catalog.text || ctid::pg_catalog.text, 0)), 0) as versions
  from pg_catalog.${name} where ${OWN[name] ?? `oid >= ${FIRST_OWN}`}`,
    );
  return `select (select pg_catalog.string_agg(catalog || ' ' || number || ' ' || versions, ',' order by catalog)
  from (${each.join("\nunion all\n")}) read) as versions,
case when exists (select from pg_catalog.pg_user_mappings) or exists (select oid from pg_catalog.pg_subscription) then 'yes' else 'no' end as hidden,
current_user || ' ' || (select pg_catalog.md5(pg_catalog.string_agg(oid || ' ' || rolname || ' ' || rolsuper, ',' order by oid)) from pg_catalog.pg_roles)
  || ' ' || (select pg_catalog.md5(pg_catalog.string_agg(oid || ' ' || spcname, ',' order by oid)) from pg_catalog.pg_tablespace) as seen`;
}

const SINCE: Readonly<Record<string, number>> = { pg_publication_namespace: 150_000 };
