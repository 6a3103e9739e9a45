import { bigint, index, numeric, pgEnum, pgTable, text, timestamp, uuid } from "drizzle-orm/pg-core";

export const meterKind = pgEnum("meter_kind", ["electricity", "gas", "water"]);

export const tariffs = pgTable("tariffs", {
  id: uuid().primaryKey().defaultRandom(),
  name: text().notNull().unique(),
  pricePerUnit: numeric("price_per_unit", { precision: 10, scale: 5 }).notNull(),
});

export const meters = pgTable("meters", {
  id: uuid().primaryKey().defaultRandom(),
  serialNumber: text("serial_number").notNull().unique(),
  kind: meterKind().notNull(),
  tariffId: uuid("tariff_id").references(() => tariffs.id),
  installedAt: timestamp("installed_at", { withTimezone: true }).notNull().defaultNow(),
});

export const readings = pgTable(
  "readings",
  {
    id: bigint({ mode: "bigint" }).primaryKey().generatedAlwaysAsIdentity(),
    meterId: uuid("meter_id")
      .notNull()
      .references(() => meters.id, { onDelete: "cascade" }),
    takenAt: timestamp("taken_at", { withTimezone: true }).notNull(),
    amount: numeric({ precision: 14, scale: 3 }).notNull(),
  },
  (table) => [index("readings_of_meter").on(table.meterId, table.takenAt.desc())],
);

export const alerts = pgTable("alerts", {
  id: bigint({ mode: "bigint" }).primaryKey().generatedAlwaysAsIdentity(),
  meterId: uuid("meter_id")
    .notNull()
    .references(() => meters.id),
  raisedAt: timestamp("raised_at", { withTimezone: true }).notNull().defaultNow(),
  settledAt: timestamp("settled_at", { withTimezone: true }),
  message: text().notNull(),
});
