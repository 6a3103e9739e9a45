/** The origin that each import is bound to: rows of two origins under one name would end each other. */
import type { Connection, Row } from "../database/connection.ts";
import { imageTables } from "./sql.ts";

/** Where an import's files are. Users and secrets are no part of it, because the same files can be read as another user. */
export interface BoundOrigin {
  readonly kind: "directory" | "sftp";
  /** `null`: a folder, which has the same path in every container. */
  readonly host: string | null;
  readonly port: number | null;
  /** The fingerprint of the server's key, by which it is known under another name. */
  readonly hostKey: string | null;
  /** After following links, absolute on the other side. */
  readonly base: string;
}

export interface Binding {
  /** `null`: an earlier release did not record it. */
  readonly bound: BoundOrigin | null;
  /** Whether the import has read any image. One that has none may be bound to any origin. */
  readonly holdsImages: boolean;
}

export async function bindingOf(
  connection: Connection,
  schema: string,
  importName: string,
): Promise<Binding> {
  const t = imageTables(schema);
  const bound = await connection.query<Row & BoundOrigin>(
    `select kind, host, port, host_key as "hostKey", base from ${t.origins} where import = $1`,
    [importName],
  );
  const held = await connection.query<Row & { any: boolean }>(
    `select exists (select from ${t.files} where import = $1 and sha256 is not null) as any`,
    [importName],
  );
  return { bound: bound.rows[0] ?? null, holdsImages: held.rows[0]?.any === true };
}

export async function bindOrigin(
  connection: Connection,
  schema: string,
  { importName, origin }: { readonly importName: string; readonly origin: BoundOrigin },
): Promise<void> {
  const { kind, host, port, hostKey, base } = origin;
  await connection.query(
    `insert into ${imageTables(schema).origins} as o (import, kind, host, port, host_key, base) values ($1, $2, $3, $4, $5, $6)
on conflict (import) do update set kind = excluded.kind, host = excluded.host, port = excluded.port, host_key = excluded.host_key,
  base = excluded.base, bound_at = clock_timestamp()
where (o.kind, o.host, o.port, o.host_key, o.base)
  is distinct from (excluded.kind, excluded.host, excluded.port, excluded.host_key, excluded.base)`,
    [importName, kind, host, port, hostKey, base],
  );
}
