import type { MigrationContext } from "godwit";

export const revises = "003_add_documents";

export async function upgrade({ sql, schema }: MigrationContext): Promise<void> {
  await schema
    .createTable("assistants")
    .addColumn("id", "integer", (column) => column.primaryKey().generatedByDefaultAsIdentity())
    .addColumn("owner_id", "integer", (column) => column.references("users.id").onDelete("cascade"))
    .addColumn("name", "varchar(255)", (column) => column.notNull())
    .addColumn("instructions", "text", (column) => column.notNull().defaultTo(""))
    .addColumn("temperature", "numeric(3, 2)", (column) => column.notNull().defaultTo(0.2))
    .execute();
  await sql`
    alter table assistants
      add constraint assistants_temperature_check check (temperature between 0 and 2)`;
  await schema.createIndex("assistants_owner_id_idx").on("assistants").column("owner_id").execute();
  // Without an owner an assistant is everyone's.
  await sql`
    insert into assistants (name, instructions)
    values ('EchoMind', 'Answer from the documents of the user, and say which.')`;
}

export async function downgrade({ schema }: MigrationContext): Promise<void> {
  await schema.dropTable("assistants").execute();
}
