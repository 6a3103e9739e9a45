import type { MigrationContext } from "godwit";

export const revises = "001_initial";

export async function upgrade({ sql, schema }: MigrationContext): Promise<void> {
  await schema
    .createTable("connectors")
    .addColumn("id", "integer", (column) => column.primaryKey().generatedByDefaultAsIdentity())
    .addColumn("user_id", "integer", (column) => column.notNull().references("users.id").onDelete("cascade"))
    .addColumn("type", "varchar(50)", (column) => column.notNull())
    .addColumn("name", "varchar(255)", (column) => column.notNull())
    .addColumn("status", "varchar(50)", (column) => column.notNull().defaultTo("pending"))
    .addColumn("config", "jsonb")
    .addColumn("created_at", "timestamptz", (column) => column.notNull())
    .execute();
  await sql`
    alter table connectors
      alter column created_at set default now(),
      add constraint connectors_status_check check (status in ('pending', 'syncing', 'active', 'error'))`;
  await schema.createIndex("connectors_user_id_idx").on("connectors").column("user_id").execute();
}

export async function downgrade({ schema }: MigrationContext): Promise<void> {
  await schema.dropTable("connectors").execute();
}
