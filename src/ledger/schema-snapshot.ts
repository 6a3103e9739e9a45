/**
 * `migration_schema`: the schema as the last run has left it, for `godwit drift`. One row, made with the first run that
 * changes something. It is no part of the history, and losing it is no damage.
 */
import { createTable } from "../core/sql/create-table.ts";
import { createSchema, identifier, literal, quotedName, stored } from "../core/sql/quote.ts";
import { keepToOwner } from "../core/sql/row-security.ts";
import { requireSchema } from "../core/sql/schema-guard.ts";
import { restored } from "../core/sql/stored.ts";
import type { Connection, Row } from "../database/connection.ts";
import type { Author } from "./rows.ts";

export interface KeptSchema {
  /** As `schema/packed.ts` writes it. */
  readonly content: string;
  readonly takenAt: Date;
  readonly runId: string;
  /** A migration has run since, and has kept no snapshot: a script of `--sql` keeps none. */
  readonly outdated: boolean;
}

export interface KeptSchemaOptions {
  readonly schema: string;
  /** See `GivenSchema` of `lock/sql.ts`. */
  readonly given: string | null;
  readonly byHand: boolean;
}

const TABLE = "migration_schema";

const TABLE_COLUMNS = `
  only_row boolean primary key default true check (only_row),
  content text not null,
  last_change bigint,
  run_id uuid not null,
  host text not null,
  version text not null,
  taken_at timestamptz not null default clock_timestamp()`;

export function keptSchemaTable({ schema, given, byHand }: KeptSchemaOptions) {
  const table = `${identifier(schema)}.${TABLE}`;
  const log = `${identifier(schema)}.migration_log`;
  const lastChange = `(select max(id) from ${log} where event in ('applied', 'reverted')
    or event = 'failed' and coalesce(details ->> 'committed', 'none') <> 'none')`;
  const outdated = `last_change is distinct from ${lastChange}`;
  return {
    /** Statements that replace the row. The ledger is there. */
    keep: (
      content: string,
      { runId, host, version }: Author,
    ) => `${given === null ? "" : `${requireSchema(given)};\n`}${given === schema ? "" : `${createSchema(schema, TABLE)};`}
${createTable(schema, TABLE, TABLE_COLUMNS)};
${keepToOwner(schema, [TABLE], byHand)}
insert into ${table} (content, last_change, run_id, host, version)
  values (${literal(content)}, ${lastChange}, ${stored(runId)}::uuid, ${stored(host)}, ${stored(version)})
  on conflict (only_row) do update set content = excluded.content, last_change = excluded.last_change, run_id = excluded.run_id,
    host = excluded.host, version = excluded.version, taken_at = excluded.taken_at;`,

    /** `null`: none was ever kept. */
    async read(connection: Connection): Promise<KeptSchema | null> {
      if (!(await isThere(connection))) return null;
      const { rows } = await connection.query<Row & KeptSchema>(
        `select content, taken_at as "takenAt", run_id as "runId", ${outdated} as outdated from ${table}`,
      );
      return restored(rows[0] ?? null);
    },

    /** Of the schema as it was kept. `null`: none is known, or a migration has run since. */
    async fingerprint(connection: Connection): Promise<string | null> {
      if (!(await isThere(connection))) return null;
      const { rows } = await connection.query<Row & { fingerprint: string }>(
        `select pg_catalog.split_part(content, '.', 2) as fingerprint from ${table} where not (${outdated})`,
      );
      const { fingerprint = "" } = rows[0] ?? {};
      return fingerprint === "" ? null : fingerprint;
    },
  };

  async function isThere(connection: Connection): Promise<boolean> {
    const { rows } = await connection.query<Row & { there: boolean }>(
      `select pg_catalog.to_regclass(${literal(`${quotedName(schema)}.${TABLE}`)}) is not null as there`,
    );
    return rows[0]?.there === true;
  }
}
