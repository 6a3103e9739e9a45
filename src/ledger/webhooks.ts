/**
 * `webhook_undelivered`: messages to webhooks that nobody took. It is made when there is the first one, and only
 * `godwit webhooks` reads it. A row holds neither a URL nor a secret: the webhook is known by its name.
 */
import { createSchema, identifier, literal, quotedName, stored, storedJson } from "../core/sql/quote.ts";
import { keepToOwner } from "../core/sql/row-security.ts";
import { requireSchema } from "../core/sql/schema-guard.ts";
import { restored } from "../core/sql/stored.ts";
import type { Connection, Row } from "../database/connection.ts";

export interface UndeliveredRow {
  readonly id: string;
  readonly webhook: string;
  readonly type: string;
  /** The message as data. Its body is made of it when it is sent. */
  readonly message: object;
  readonly runId: string;
  readonly attempts: number;
  readonly reason: string;
}

export interface KeptRow extends UndeliveredRow {
  readonly createdAt: Date;
  readonly triedAt: Date;
}

export interface UndeliveredTable {
  /** Keeps the newest 500 of all, so that a receiver which is gone fills no disk. */
  keep(connection: Connection, rows: readonly UndeliveredRow[]): Promise<void>;
  /** The oldest first. Empty where nothing was ever kept. */
  list(connection: Connection): Promise<readonly KeptRow[]>;
  failed(
    connection: Connection,
    row: Pick<UndeliveredRow, "id" | "webhook" | "attempts" | "reason">,
  ): Promise<void>;
  forget(connection: Connection, rows: readonly Pick<UndeliveredRow, "id" | "webhook">[]): Promise<void>;
}

export interface UndeliveredOptions {
  readonly schema: string;
  /** See `GivenSchema` of `lock/sql.ts`. */
  readonly given: string | null;
  readonly byHand: boolean;
}

const TABLE = "webhook_undelivered";
const MOST_ROWS = 500;

export function undeliveredTable({ schema, given, byHand }: UndeliveredOptions): UndeliveredTable {
  const table = `${identifier(schema)}.${TABLE}`;
  const isKey = ({ id, webhook }: Pick<UndeliveredRow, "id" | "webhook">) =>
    `(id = ${stored(id)} and webhook = ${stored(webhook)})`;
  // One message: over HTTPS each message is a transaction of its own.
  const create =
    () => `${given === null ? "" : `${requireSchema(given)};\n`}${given === schema ? "" : `${createSchema(schema, TABLE)};`}
create table if not exists ${table} (
  id text not null,
  webhook text not null,
  type text not null,
  message jsonb not null,
  run_id uuid not null,
  attempts integer not null,
  reason text not null,
  created_at timestamptz not null default clock_timestamp(),
  tried_at timestamptz not null default clock_timestamp(),
  primary key (id, webhook));
${keepToOwner(schema, [TABLE], byHand)}`;
  const isThere = async (connection: Connection) => {
    const { rows } = await connection.query<Row & { there: boolean }>(
      `select pg_catalog.to_regclass(${literal(`${quotedName(schema)}.${TABLE}`)}) is not null as there`,
    );
    return rows[0]?.there === true;
  };
  return {
    async keep(connection, rows) {
      const values = rows.map(
        ({ id, webhook, type, message, runId, attempts, reason }) =>
          `(${stored(id)}, ${stored(webhook)}, ${stored(type)}, ${storedJson(message)}, ${stored(runId)}, ${attempts}, ${stored(reason)})`,
      );
      const oldest = `select id, webhook from ${table} order by created_at desc, id, webhook offset ${MOST_ROWS}`;
      await connection.execute(`begin read write; ${create()}
insert into ${table} (id, webhook, type, message, run_id, attempts, reason) values ${values.join(", ")} on conflict do nothing;
delete from ${table} where (id, webhook) in (${oldest}); commit;`);
    },

    async list(connection) {
      if (!(await isThere(connection))) return [];
      const { rows } = await connection.query<Row & KeptRow>(
        `select id, webhook, type, message, run_id as "runId", attempts, reason, created_at as "createdAt", tried_at as "triedAt"
  from ${table} order by created_at, id, webhook`,
      );
      return restored(rows);
    },

    async failed(connection, row) {
      await connection.execute(`update ${table} set attempts = ${row.attempts}, reason = ${stored(row.reason)},
  tried_at = clock_timestamp() where ${isKey(row)}`);
    },

    async forget(connection, rows) {
      if (rows.length > 0)
        await connection.execute(`delete from ${table} where ${rows.map(isKey).join(" or ")}`);
    },
  };
}
