import { integer, pgSchema, pgTable, primaryKey, text, timestamp, uuid } from "drizzle-orm/pg-core";

export const accounts = pgTable("accounts", {
  id: uuid().primaryKey().defaultRandom(),
  email: text().notNull().unique(),
  displayName: text("display_name"),
});

export const passkeys = pgTable("passkeys", {
  credentialId: text("credential_id").primaryKey(),
  accountId: uuid("account_id")
    .notNull()
    .references(() => accounts.id, { onDelete: "cascade" }),
  publicKey: text("public_key").notNull(),
  counter: integer().notNull().default(0),
});

export const organizations = pgTable("organizations", {
  id: uuid().primaryKey().defaultRandom(),
  name: text().notNull(),
});

export const members = pgTable(
  "members",
  {
    organizationId: uuid("organization_id")
      .notNull()
      .references(() => organizations.id, { onDelete: "cascade" }),
    accountId: uuid("account_id")
      .notNull()
      .references(() => accounts.id, { onDelete: "cascade" }),
    role: text().notNull().default("reader"),
  },
  (table) => [primaryKey({ columns: [table.organizationId, table.accountId] })],
);

/** Apart from the rest: another role reads it. */
export const invitationsSchema = pgSchema("invitations");

export const invitations = invitationsSchema.table("open", {
  code: text().primaryKey(),
  organizationId: uuid("organization_id")
    .notNull()
    .references(() => organizations.id, { onDelete: "cascade" }),
  email: text().notNull(),
  expiresAt: timestamp("expires_at", { withTimezone: true }).notNull(),
});
