import type { MigrationContext } from "godwit";

// Written while 005_add_chat was under review: two children of one revision, joined by 007.
export const revises = "004_add_assistants";

export async function upgrade({ sql, schema }: MigrationContext): Promise<void> {
  await schema
    .createTable("embedding_models")
    .addColumn("id", "integer", (column) => column.primaryKey().generatedByDefaultAsIdentity())
    .addColumn("name", "varchar(255)", (column) => column.notNull().unique())
    .addColumn("dimensions", "integer", (column) => column.notNull())
    .execute();
  // The vectors themselves live in the vector store, under vector_id.
  await schema
    .createTable("document_chunks")
    .addColumn("id", "bigint", (column) => column.primaryKey().generatedByDefaultAsIdentity())
    .addColumn("document_id", "bigint", (column) =>
      column.notNull().references("documents.id").onDelete("cascade"),
    )
    .addColumn("embedding_model_id", "integer", (column) =>
      column.notNull().references("embedding_models.id"),
    )
    .addColumn("position", "integer", (column) => column.notNull())
    .addColumn("vector_id", "uuid", (column) => column.notNull().unique())
    .addColumn("embedded_at", "timestamptz", (column) => column.notNull())
    .addUniqueConstraint("document_chunks_place_key", ["document_id", "embedding_model_id", "position"])
    .execute();
  await sql`alter table document_chunks alter column embedded_at set default now()`;
  await sql`insert into embedding_models (name, dimensions) values ('all-MiniLM-L6-v2', 384)`;
}

export async function downgrade({ schema }: MigrationContext): Promise<void> {
  await schema.dropTable("document_chunks").execute();
  await schema.dropTable("embedding_models").execute();
}
