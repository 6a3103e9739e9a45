import type { MigrationContext } from "godwit";

export const revises = "002_add_connectors";

export async function upgrade({ sql, schema }: MigrationContext): Promise<void> {
  await schema
    .createTable("documents")
    .addColumn("id", "bigint", (column) => column.primaryKey().generatedByDefaultAsIdentity())
    .addColumn("connector_id", "integer", (column) =>
      column.notNull().references("connectors.id").onDelete("cascade"),
    )
    .addColumn("source_id", "varchar(512)", (column) => column.notNull())
    .addColumn("title", "text")
    .addColumn("mime_type", "varchar(255)", (column) => column.notNull())
    .addColumn("size_bytes", "bigint")
    .addColumn("content_hash", "varchar(64)")
    .addColumn("fetched_at", "timestamptz", (column) => column.notNull())
    .addUniqueConstraint("documents_connector_id_source_id_key", ["connector_id", "source_id"])
    .execute();
  await sql`alter table documents alter column fetched_at set default now()`;
  // The same text reaches us through several connectors; it is embedded once.
  await schema.createIndex("documents_content_hash_idx").on("documents").column("content_hash").execute();
}

export async function downgrade({ schema }: MigrationContext): Promise<void> {
  await schema.dropTable("documents").execute();
}
