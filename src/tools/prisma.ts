/**
 * Prisma Migrate up to 7: `_prisma_migrations`, with a row for every attempt. A migration is applied if one of its rows
 * is finished and not rolled back. A row that is neither has failed, and nothing goes on before it is resolved. Version
 * 8 is entirely different, and is refused.
 */
import type { Migration } from "../core/migration.ts";
import { literal } from "../core/sql/quote.ts";
import { matchByKey } from "./match.ts";
import { rowWriter } from "./row-writer.ts";
import {
  failed,
  history,
  type Match,
  selectText,
  TEXT,
  type TextRow,
  type Tool,
  type ToolHistory,
} from "./tool.ts";

const COLUMNS = ["migration_name", "checksum", "started_at", "finished_at", "rolled_back_at"];

export const prisma: Tool = {
  name: "prisma",
  title: "Prisma",
  table: "_prisma_migrations",
  layouts: ["prisma"],
  shape: {
    columns: { migration_name: TEXT, checksum: TEXT, applied_steps_count: null },
    telling: true,
    schema: "public",
  },
  select: (table) => selectText(table, COLUMNS, "order by t.started_at, t.migration_name"),
  read,
  match,
  advisoryKeys: () => [72_707_369n],
  writer: rowWriter({
    counts: () => "rolled_back_at is null",
    ownFiles: true,
    at: { schema: "public", name: "_prisma_migrations" },
    columns: Object.fromEntries(
      [...COLUMNS, "id", "logs", "applied_steps_count"].map((name) => [name, "text"]),
    ),
    definition: `(id varchar(36) primary key not null, checksum varchar(64) not null, finished_at timestamptz,
  migration_name varchar(255) not null, logs text, rolled_back_at timestamptz,
  started_at timestamptz not null default now(), applied_steps_count integer not null default 0)`,
    key: "migration_name",
    named: (revision) => revision,
    compared: "checksum",
    row: ({ key }) => ({
      id: "gen_random_uuid()::text",
      checksum: literal(key?.checksums[0] ?? ""),
      finished_at: "clock_timestamp()",
      logs: "''",
      applied_steps_count: "1",
    }),
  }),
};

function read(rows: readonly TextRow[]): ToolHistory {
  const live = rows.filter((row) => row.rolled_back_at === null);
  const broken = live.filter((row) => row.finished_at === null);
  const names = [...new Set(broken.map((row) => row.migration_name ?? ""))];
  return {
    ...history(
      live
        .filter((row) => row.finished_at !== null)
        .map((row) => ({
          keys: [row.migration_name ?? ""],
          name: row.migration_name ?? "",
          checksum: row.checksum ?? null,
          at: row.finished_at ?? null,
        })),
    ),
    problems: names.map((name) =>
      failed(
        `Prisma began ${name} and did not finish it: it failed, or is running now.`,
        `Look at what of it is in the database. Complete it by hand and say \`npx prisma migrate resolve --applied ${name}\`, or undo it and say \`npx prisma migrate resolve --rolled-back ${name}\`.`,
      ),
    ),
  };
}

/** Old versions wrote each byte of a checksum without its leading zero. */
function match(found: ToolHistory, migrations: readonly Migration[]): Match {
  const matched = matchByKey(found, migrations);
  const byId = new Map(migrations.map((migration) => [migration.id, migration]));
  const isOld = (checksum: string | null | undefined, id: string) =>
    checksum?.length !== 64 && byId.get(id)?.tool?.checksums.some((own) => unpadded(own) === checksum);
  return {
    ...matched,
    applied: matched.applied.map((one) =>
      one.edited && isOld(one.row?.checksum, one.id) ? { ...one, edited: false } : one,
    ),
  };
}

function unpadded(hex: string): string {
  return hex.replace(/../g, (byte) => Number.parseInt(byte, 16).toString(16));
}

export const prisma8: Tool = {
  name: "prisma-8",
  title: "Prisma 8",
  table: "marker",
  layouts: [],
  shape: { columns: {}, schema: "prisma_contract", fixed: true },
  select: (table) => selectText(table, [], "limit 0").replace("select  from", "select from"),
  read: () => ({
    rows: [],
    problems: [
      {
        code: "ADOPT_CONFLICT",
        message: "This database is migrated by Prisma 8, whose history says contracts and not files.",
        hint: "It cannot be adopted. Prisma up to 7 can be; or declare what is there with `godwit baseline <revision>`.",
      },
    ],
    warnings: [],
  }),
};
