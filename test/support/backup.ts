/** A backup of some schemas, kept inside the database: the tables that were there, and their rows as JSON. */
import type { TestDatabase } from "./database.ts";

export interface Backup {
  readonly schemas: readonly string[];
  readonly tables: ReadonlySet<string>;
}

const KEPT = "kept_for_later";

export async function backUp(db: TestDatabase, schemas: readonly string[]): Promise<Backup> {
  await db.sql(`drop table if exists ${KEPT}`);
  const tables = await tablesIn(db, schemas);
  const rows = tables.map((name) => `select '${name}' as of, to_jsonb(t) as kept from ${name} t`);
  await db.sql(
    `create table ${KEPT} as ${rows.length === 0 ? "select null as of, null as kept" : rows.join(" union all ")}`,
  );
  return { schemas, tables: new Set(tables) };
}

/** Of these schemas only. A table that came later is gone then. */
export async function restore(
  db: TestDatabase,
  { tables }: Backup,
  schemas: readonly string[],
): Promise<void> {
  const acts = (await tablesIn(db, schemas)).map((name) =>
    tables.has(name)
      ? `truncate ${name}; insert into ${name} overriding system value select (jsonb_populate_record(null::${name}, kept)).* from ${KEPT} where of = '${name}'`
      : `drop table ${name} cascade`,
  );
  if (acts.length > 0) await db.sql(`begin; ${acts.join("; ")}; commit`);
}

async function tablesIn(db: TestDatabase, schemas: readonly string[]): Promise<readonly string[]> {
  const names = schemas.map((schema) => `'${schema}'`).join(", ");
  const rows = await db.sql<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables
     where schemaname in (${names}) and tablename <> '${KEPT}' order by 1`,
  );
  return rows.map(({ name }) => name);
}
