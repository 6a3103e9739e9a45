import type { MigrationContext } from "godwit";

export const revises = null;

export async function upgrade({ sql, schema }: MigrationContext): Promise<void> {
  await schema
    .createTable("users")
    .addColumn("id", "integer", (column) => column.primaryKey().generatedByDefaultAsIdentity())
    .addColumn("email", "varchar(255)", (column) => column.notNull().unique())
    .addColumn("external_id", "varchar(255)", (column) => column.notNull().unique())
    .addColumn("name", "varchar(255)")
    .addColumn("created_at", "timestamptz", (column) => column.notNull())
    .addColumn("updated_at", "timestamptz", (column) => column.notNull())
    .execute();
  // Given to the builder as text, 'now()' would become the moment of this migration.
  await sql`
    alter table users
      alter column created_at set default now(),
      alter column updated_at set default now()`;
}

export async function downgrade({ schema }: MigrationContext): Promise<void> {
  await schema.dropTable("users").execute();
}
