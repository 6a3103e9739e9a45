/**
 * Tools whose migrations are programs, identified by name: knex, Umzug (Sequelize), TypeORM, Kysely and Django. Their
 * files do not run here. A new folder starts from the state that they left.
 */
import { isWritten } from "./intruder.ts";
import { history, INTEGER, nameOf, selectText, TEXT, type TextRow, type Tool, type ToolRow } from "./tool.ts";

/** Some tools write the extension into the table. A file that was rewritten in SQL has a different extension. */
function named(name: string | null | undefined, at: string | null | undefined): ToolRow {
  const own = name ?? "";
  const bare = own.replace(/\.[cm]?[jt]s$|\.(co|coffee|eg|iced|ls|litcoffee)$/, "");
  return { keys: bare === own ? [own] : [own, bare], name: own, checksum: null, at: at ?? null };
}

const byName = (column: string) => (rows: readonly TextRow[]) =>
  history(rows.map((row) => named(row.name, row[column])));

export const knex: Tool = {
  name: "knex",
  title: "knex",
  table: "knex_migrations",
  layouts: [],
  shape: { columns: { name: TEXT, batch: INTEGER, migration_time: /^timestamp/ }, telling: true },
  select: (table) => selectText(table, ["name", "migration_time"], "order by t.id"),
  read: byName("migration_time"),
  lockedBy(table, all) {
    const lock = all.find(({ schema, name }) => schema === table.schema && name === `${table.name}_lock`);
    if (lock === undefined || !lock.readable) return null;
    // Knex takes the lock in the transaction of its migrations. The row does not show the lock before the commit.
    return `select null as who, 'npx knex migrate:unlock' as release from ${nameOf(lock)} where is_locked = 1 or exists (${isWritten(lock)})`;
  },
};

export const umzug: Tool = {
  name: "umzug",
  title: "Umzug (Sequelize)",
  table: "SequelizeMeta",
  layouts: [],
  // Its seeders have a table of their own.
  shape: { columns: { name: TEXT }, more: ["createdAt", "updatedAt"], brand: /sequelize(?!data)|umzug/i },
  select: (table) => selectText(table, ["name", "createdAt"], "order by t.name"),
  read: byName("createdAt"),
};

export const typeorm: Tool = {
  name: "typeorm",
  title: "TypeORM",
  table: "migrations",
  layouts: [],
  // The table's name is a common one. The thirteen digits after a class name are typical of TypeORM.
  shape: {
    columns: { id: INTEGER, timestamp: INTEGER, name: TEXT },
    not: ["batch", "hash", "checksum", "filename", "app"],
    brand: /^migrations$|typeorm/i,
    loose: /migrat/i,
  },
  select: (table) => selectText(table, ["name", "timestamp"], "order by t.timestamp, t.id"),
  read: (rows) =>
    history(rows.filter(({ name }) => /\d{13}$/.test(name ?? "")).map(({ name }) => byTime(name ?? ""))),
};

/** The class `AddUsers1700000000001` is in the file `1700000000001-AddUsers`. */
function byTime(name: string): ToolRow {
  const digits = name.slice(-13);
  const row = named(name, new Date(Number(digits)).toISOString());
  return { ...row, keys: [...row.keys, digits, `${digits}-${name.slice(0, -13)}`] };
}

const isTime = (text: string | null | undefined) => /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(text ?? "");

export const kysely: Tool = {
  name: "kysely",
  title: "Kysely",
  table: "kysely_migration",
  layouts: [],
  shape: { columns: { name: TEXT, timestamp: TEXT }, brand: /kysely/i, loose: /migrat/i },
  select: (table) => selectText(table, ["name", "timestamp"], "order by t.timestamp, t.name"),
  // The value is a text. A table with another name may hold something that is not a time.
  read: (rows) =>
    history(rows.map(({ name, timestamp }) => named(name, isTime(timestamp) ? timestamp : null))),
  advisoryKeys: () => [3_853_314_791_062_309_107n],
};

/** Nothing prevents a second row for the same migration. */
export const django: Tool = {
  name: "django",
  title: "Django",
  table: "django_migrations",
  layouts: [],
  shape: {
    columns: { app: TEXT, name: TEXT, applied: /^timestamp/ },
    more: ["id"],
    brand: /django|migrat/i,
  },
  select: (table) => selectText(table, ["app", "name", "applied"], "order by t.id"),
  read: (rows) =>
    history([
      ...new Map(
        rows.map(({ app, name, applied }) => [
          `${app}.${name}`,
          // Many of its apps use the same name.
          { ...named(`${app}.${name}`, applied), aliases: [name ?? ""] },
        ]),
      ).values(),
    ]),
};
