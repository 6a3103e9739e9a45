import type { MigrationContext } from "godwit";

export const revises = "004_add_assistants";

export async function upgrade({ sql, schema }: MigrationContext): Promise<void> {
  await schema
    .createTable("chat_sessions")
    .addColumn("id", "bigint", (column) => column.primaryKey().generatedByDefaultAsIdentity())
    .addColumn("user_id", "integer", (column) => column.notNull().references("users.id").onDelete("cascade"))
    .addColumn("assistant_id", "integer", (column) =>
      column.notNull().references("assistants.id").onDelete("restrict"),
    )
    .addColumn("title", "varchar(255)")
    .addColumn("created_at", "timestamptz", (column) => column.notNull())
    .execute();
  await schema
    .createTable("chat_messages")
    .addColumn("id", "bigint", (column) => column.primaryKey().generatedByDefaultAsIdentity())
    .addColumn("session_id", "bigint", (column) =>
      column.notNull().references("chat_sessions.id").onDelete("cascade"),
    )
    .addColumn("role", "varchar(20)", (column) => column.notNull())
    .addColumn("content", "text", (column) => column.notNull())
    .addColumn("created_at", "timestamptz", (column) => column.notNull())
    .execute();
  await sql`alter table chat_sessions alter column created_at set default now()`;
  await sql`
    alter table chat_messages
      alter column created_at set default now(),
      add constraint chat_messages_role_check check (role in ('user', 'assistant', 'system'))`;
  await schema
    .createIndex("chat_sessions_user_id_created_at_idx")
    .on("chat_sessions")
    .columns(["user_id", "created_at"])
    .execute();
  await schema
    .createIndex("chat_messages_session_id_id_idx")
    .on("chat_messages")
    .columns(["session_id", "id"])
    .execute();
}

export async function downgrade({ schema }: MigrationContext): Promise<void> {
  await schema.dropTable("chat_messages").execute();
  await schema.dropTable("chat_sessions").execute();
}
