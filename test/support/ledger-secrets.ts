/** No secret of the suite is in a row of a ledger: every table of every schema that has one. */
import { gunzipSync } from "node:zlib";
import type pg from "pg";
import { notations, whatIs } from "./canaries.ts";

const TABLES = `select format('%I.%I', n.nspname, c.relname) as name
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p') and exists (select from pg_class h
    where h.relnamespace = n.oid and h.relkind = 'r' and h.relname = 'migration_log')
  order by 1`;

/** As one who may read all rows. Throws with the table. */
export async function expectNoSecretsInLedgers(client: pg.Client | pg.PoolClient): Promise<void> {
  const secrets = notations();
  if (secrets.length === 0) return;
  const { rows: tables } = await client.query<{ name: string }>(TABLES);
  for (const { name } of tables) {
    const { rows } = await client.query<{ secret: string }>(
      `select secret from unnest($1::text[]) secret
        where exists (select from ${name} t where strpos(t::text, secret) > 0) limit 1`,
      [secrets],
    );
    if (rows[0] !== undefined) throw new Error(`${name} holds ${whatIs(rows[0].secret)}.`);
    if (name.endsWith(".migration_schema")) await expectNoSecretsPacked(client, { name, secrets });
  }
}

/** The schema of the last run is compressed. */
async function expectNoSecretsPacked(
  client: pg.Client | pg.PoolClient,
  { name, secrets }: { readonly name: string; readonly secrets: readonly string[] },
): Promise<void> {
  const { rows } = await client.query<{ content: string }>(`select content from ${name}`);
  for (const { content } of rows) {
    const text = gunzipSync(Buffer.from(content.split(".")[0] ?? "", "base64")).toString("utf8");
    const found = secrets.find((secret) => text.includes(secret));
    if (found !== undefined) throw new Error(`${name} holds ${whatIs(found)}.`);
  }
}
