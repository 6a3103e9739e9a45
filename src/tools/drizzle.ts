/**
 * Drizzle: `drizzle.__drizzle_migrations (id, hash, created_at)`, from 1.0 on also `name`.
 *
 * Up to 0.45 the greatest `created_at` counts: a file older than that never runs, whether or not it ever ran. A file
 * below that mark without a row was therefore most likely skipped, and only a person can say that it was not. From 1.0
 * on the set of `name` counts, and a row without a name does not exist for the tool. Version 1.0 completes a table
 * without that column by itself, from `created_at` and `hash`. Every write here first checks which of the two forms the
 * table has.
 *
 * The tool reads its table once, outside any transaction. It then applies everything that it did not find in one
 * transaction. It takes no lock, and nothing in the table prevents two rows for one file. While we apply a step, we
 * therefore look for a session that has read before. First come sessions that read a moment ago, then those that send
 * the file's text or wait to write its row.
 */
import type { Migration, ToolKey } from "../core/migration.ts";
import { createSchema, literal } from "../core/sql/quote.ts";
import type { Problem } from "../errors.ts";
import { rowsOf } from "../std/number.ts";
import { OTHERS, readers, waitsToWrite } from "./intruder.ts";
import { isEdited } from "./match.ts";
import {
  type Applied,
  describeTable,
  type HistoryWriter,
  INTEGER,
  type Match,
  type MirroredStep,
  nameOf,
  type Relation,
  selectText,
  TEXT,
  type Tool,
  type ToolHistory,
  type ToolRow,
} from "./tool.ts";

export const drizzle: Tool = {
  name: "drizzle",
  title: "Drizzle",
  table: "__drizzle_migrations",
  layouts: ["drizzle"],
  shape: {
    columns: { id: INTEGER, hash: TEXT, created_at: INTEGER },
    more: ["name", "applied_at"],
    brand: /drizzle/i,
    loose: /migrat|version|history/i,
    schema: "drizzle",
  },
  select: (table) =>
    selectText(table, ["hash", "created_at", "name", "applied_at"], "order by t.created_at, t.id"),
  read: (rows, table) => ({
    rows: rows.map(
      (row): ToolRow => ({
        keys: [row.name ?? row.created_at ?? ""],
        name: row.name ?? row.created_at ?? row.hash ?? "",
        checksum: row.hash ?? null,
        // `created_at` is the time at which the file was made.
        at: row.applied_at ?? null,
        columns: { ...row, set: isSet(table) ? "true" : null },
      }),
    ),
    problems: rows.some((row) => row.created_at === null) && !isSet(table) ? [withoutTime(table)] : [],
    warnings: [],
  }),
  match,
  writer: writer(),
};

/** From 1.0 on, the applied set is a set of names. */
function isSet(table: Relation): boolean {
  return table.columns.name !== undefined;
}

function match(history: ToolHistory, migrations: readonly Migration[]): Match {
  const found = new Map<string, ToolRow>();
  const missing: ToolRow[] = [];
  const nameless: ToolRow[] = [];
  const fileOf = finder(migrations);
  for (const row of history.rows) {
    const migration = fileOf(row);
    if (migration === undefined) missing.push(row);
    else {
      found.set(migration.id, row);
      if (row.columns?.set === "true" && row.columns?.name == null) nameless.push(row);
    }
  }
  const applied = migrations.flatMap((migration): Applied[] => {
    const row = found.get(migration.id);
    return row === undefined ? [] : [{ id: migration.id, row, edited: isEdited(migration, row) }];
  });
  const mark = Math.max(...history.rows.map((row) => Number(row.columns?.created_at ?? Number.NaN)));
  const watermark = history.rows.length > 0 && history.rows.every((row) => row.columns?.set == null);
  const createdOf = ({ tool }: Migration) => Number(tool?.columns?.created_at ?? Number.POSITIVE_INFINITY);
  const below = (migration: Migration) => createdOf(migration) <= mark;
  return {
    applied,
    skipped: watermark
      ? migrations.filter((one) => below(one) && !found.has(one.id)).map(({ id }) => id)
      : [],
    missing,
    rerunThere: watermark ? migrations.filter((one) => !below(one)).map(({ id }) => id) : [],
    warnings: nameless.length === 0 ? [] : [withoutName(nameless)],
  };
}

/**
 * Finds the migration of a row by name. Otherwise it follows the tool's own upgrade: by time, by time and hash if
 * several share the time, or by hash alone.
 */
function finder(migrations: readonly Migration[]): (row: ToolRow) => Migration | undefined {
  const createdOf = ({ tool }: Migration) => Number(tool?.columns?.created_at ?? Number.NaN);
  const secondOf = (created: number) => Math.floor(created / 1000);
  const byName = new Map(
    migrations.flatMap((one) => (one.tool?.columns?.name == null ? [] : [[one.tool.columns.name, one]])),
  );
  const byTime = grouped(migrations, createdOf);
  // Folder names of 1.0 are precise to the second. The rows of files that became such folders are too.
  const named = migrations.filter(({ tool }) => tool?.columns?.name != null);
  const bySecond = grouped(named, (one) => secondOf(createdOf(one)));
  const byHash = new Map(
    migrations.toReversed().flatMap((one) => (one.tool?.checksums ?? []).map((hash) => [hash, one])),
  );
  return ({ columns, checksum }) => {
    if (columns?.name != null && byName.size > 0) return byName.get(columns.name);
    const created = Number(columns?.created_at ?? Number.NaN);
    const sameTime = byTime.get(created) ?? bySecond.get(secondOf(created)) ?? [];
    if (sameTime.length === 1) return sameTime[0];
    const sameHash = ({ tool }: Migration) => checksum !== null && tool?.checksums.includes(checksum);
    return sameTime.find(sameHash) ?? (checksum === null ? undefined : byHash.get(checksum)) ?? sameTime[0];
  };
}

function grouped(
  migrations: readonly Migration[],
  keyOf: (migration: Migration) => number,
): ReadonlyMap<number, Migration[]> {
  const groups = new Map<number, Migration[]>();
  for (const migration of migrations) {
    const key = keyOf(migration);
    if (Number.isNaN(key)) continue;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [migration]);
    else group.push(migration);
  }
  return groups;
}

function writer(): HistoryWriter {
  const keyOf = ({ key, revision }: MirroredStep) => ({
    hash: literal(key?.checksums[0] ?? ""),
    created: literal(Number(key?.columns?.created_at ?? 0)),
    name: literal(
      String(
        key === null
          ? revision
          : (key.columns?.name ?? futureName(revision, Number(key.columns?.created_at ?? 0))),
      ),
    ),
  });
  return {
    ownFiles: true,
    create(keys: readonly ToolKey[], at) {
      const named = keys.some((key) => key.columns?.name != null);
      const columns = { id: "integer", hash: "text", created_at: "bigint" };
      const table: Relation = {
        schema: at?.schema ?? "drizzle",
        name: at?.name ?? "__drizzle_migrations",
        columns: named ? { ...columns, name: "text", applied_at: "timestamp with time zone" } : columns,
        readable: true,
      };
      const more = named ? ", name text, applied_at timestamp with time zone default now()" : "";
      return {
        table,
        sql: `${createSchema(table.schema, table.name)}; create table if not exists ${nameOf(table)} (id serial primary key, hash text not null, created_at bigint${more})`,
      };
    },
    present(table, step) {
      const { hash, created, name } = keyOf(step);
      const same = isSet(table) ? `name = ${name}` : `created_at = ${created} and hash = ${hash}`;
      return `select from ${nameOf(table)} where ${same}`;
    },
    up(table, step) {
      const { hash, created, name } = keyOf(step);
      return isSet(table)
        ? `insert into ${nameOf(table)} (hash, created_at, name) values (${hash}, ${created}, ${name})`
        : `insert into ${nameOf(table)} (hash, created_at) values (${hash}, ${created})`;
    },
    down(table, step) {
      const { hash, created, name } = keyOf(step);
      // If the file is gone, nothing shows which row belongs to it. The rows above it stay, or Drizzle would run their
      // files again.
      const own = `created_at = ${created} or (created_at / 1000 = ${created} / 1000 and hash = ${hash})`;
      return `delete from ${nameOf(table)} where ${isSet(table) ? `name = ${name}` : step.key === null ? "false" : own}`;
    },
    accept(table, step) {
      const { hash, created, name } = keyOf(step);
      return `update ${nameOf(table)} set hash = ${hash} where ${isSet(table) ? `name = ${name}` : `created_at = ${created}`}`;
    },
    intruder: { readers, atWork },
  };
}

function atWork(table: Relation, { text }: MirroredStep): string {
  const pieces = (text ?? "")
    .split(BREAKPOINT)
    .map((piece) => piece.trim().slice(0, PIECE_CHARACTERS))
    .filter((piece) => piece.length >= TELLING_CHARACTERS);
  const sent = `select 1 from ${OTHERS} and a.state <> 'idle' and a.xact_start is not null
 and (a.query ~* '^\\s*insert' and position(${literal(table.name)} in a.query) > 0 or left(btrim(a.query, E' \\t\\r\\n'), ${PIECE_CHARACTERS}) = any (array[${pieces.map(literal).join(", ")}]::text[]))`;
  return `${waitsToWrite(table)} union all ${sent}`;
}

/** The mark at which Drizzle cuts a file, as it looks in a text that was read: a semicolon of the same width. */
const BREAKPOINT = /; {22,}/;
/** The server shows only the beginning of what a session has sent. */
const PIECE_CHARACTERS = 200;
/** Any session may send a shorter text by coincidence. */
const TELLING_CHARACTERS = 16;

/** The folder that `drizzle-kit up` will make from a file of the journal. */
function futureName(tag: string, when: number): string {
  const digits = new Date(when).toISOString().replace(/\D/g, "").slice(0, 14);
  return `${digits}_${tag.replace(/^[^_]*_/, "")}`;
}

function withoutTime(table: Relation): Problem {
  return {
    code: "ADOPT_FAILED_HISTORY",
    message: `${describeTable(table)} has a row without created_at: with it Drizzle takes every migration for pending, and runs all again.`,
    hint: `Set it to the \`when\` that the journal has for that migration, or delete the row: delete from ${nameOf(table)} where created_at is null;`,
  };
}

function withoutName(rows: readonly ToolRow[]): Problem {
  return {
    code: "ADOPT_CONFLICT",
    message: `${rowsOf(rows.length)} of Drizzle's history ${rows.length === 1 ? "has" : "have"} no name, so Drizzle 1.0 would run these migrations again: created_at ${rows.map((row) => row.columns?.created_at).join(", ")}.`,
    hint: "Set their name to that of the folder.",
  };
}
