import type { MigrationContext } from "godwit";

export const revises = "007_merge_chat_and_embeddings";

export async function upgrade({ schema }: MigrationContext): Promise<void> {
  await schema
    .createTable("message_citations")
    .addColumn("message_id", "bigint", (column) =>
      column.notNull().references("chat_messages.id").onDelete("cascade"),
    )
    .addColumn("chunk_id", "bigint", (column) =>
      column.notNull().references("document_chunks.id").onDelete("cascade"),
    )
    .addColumn("score", "real")
    .addPrimaryKeyConstraint("message_citations_pkey", ["message_id", "chunk_id"])
    .execute();
  await schema
    .createIndex("message_citations_chunk_id_idx")
    .on("message_citations")
    .column("chunk_id")
    .execute();
}

export async function downgrade({ schema }: MigrationContext): Promise<void> {
  await schema.dropTable("message_citations").execute();
}
