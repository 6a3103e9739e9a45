/**
 * Tools whose migrations are programs, known by a name: knex, Umzug (Sequelize), TypeORM, Kysely and Django. Their files
 * are not run here; a new folder carries on from what they have left.
 */
import { isWritten } from "./intruder.ts";
import { history, INTEGER, nameOf, selectText, TEXT, type TextRow, type Tool, type ToolRow } from "./tool.ts";

/** Some write the extension into the table; a file that was rewritten in SQL has another one. */
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
    // It takes the lock in the transaction of its migrations: until that is committed the row does not show it.
    return `select null as who, 'npx knex migrate:unlock' as release from ${nameOf(lock)} where is_locked = 1 or exists (${isWritten(lock)})`;
  },
};

export const umzug: Tool = {
  name: "umzug",
  title: "Umzug (Sequelize)",
  table: "SequelizeMeta",
  layouts: [],
  // The table of its seeders is another one.
  shape: { columns: { name: TEXT }, more: ["createdAt", "updatedAt"], brand: /sequelize(?!data)|umzug/i },
  select: (table) => selectText(table, ["name", "createdAt"], "order by t.name"),
  read: byName("createdAt"),
};

export const typeorm: Tool = {
  name: "typeorm",
  title: "TypeORM",
  table: "migrations",
  layouts: [],
  // The table's name is anybody's; the thirteen digits behind a class are TypeORM's own.
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

/** The class `AddUsers1700000000001` stands in the file `1700000000001-AddUsers`. */
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
  // A text, and of a table with another name perhaps no time at all.
  read: (rows) =>
    history(rows.map(({ name, timestamp }) => named(name, isTime(timestamp) ? timestamp : null))),
  advisoryKeys: () => [3_853_314_791_062_309_107n],
};

/** Nothing keeps a row from being there twice. */
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
          // The same name is in many of its apps.
          { ...named(`${app}.${name}`, applied), aliases: [name ?? ""] },
        ]),
      ).values(),
    ]),
};
