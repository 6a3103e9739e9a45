/**
 * Whose a history is. It is that of these files where it stands in the place in which the tool itself would make it for this
 * connection (or its configuration says so), or where one of its rows has the checksum of a file. Any other one may be
 * that of another service in the same database: a person is asked, and nothing is read into it or written to it.
 */
import type { Migration } from "../../core/migration.ts";
import { identifier, literal } from "../../core/sql/quote.ts";
import type { Connection } from "../../database/connection.ts";
import { PlanRefused } from "../../errors.ts";
import type { ToolPlace } from "../../source/detect/tool-place.ts";
import { matchRows } from "../../tools/match.ts";
import { CURRENT_SCHEMA, type Found, isUsualPlace } from "../../tools/recognise.ts";
import {
  describeTable,
  type HistoryWriter,
  nameOf,
  type Relation,
  type Tool,
  type ToolHistory,
} from "../../tools/tool.ts";
import type { Target } from "../session/target.ts";

/** What is known about these files, to tell whose a history is. */
export interface Whose {
  readonly migrations: readonly Migration[];
  /** No run of ours has done anything here: then what may be theirs is asked about. Later it is not. */
  readonly fresh: boolean;
  /** What its history had when it was last looked at, by revision: one that still has it was moved. */
  readonly remembered?: readonly string[] | undefined;
  /** The schema in which names without one are made; `null`: as the connection has it. */
  readonly current: string | null;
  /** Where the tool's own configuration says that its history is. */
  configured(tool: Tool): ToolPlace | null;
}

/** Throws `PlanRefused` where the tool's configuration says something that only running it would tell. */
export function whoseOf(target: Target, migrations: readonly Migration[], fresh: boolean): Whose {
  return {
    migrations,
    fresh,
    current: target.settings.schema ?? firstOf(target.settings.searchPath),
    configured(tool) {
      const place = target.source.historyPlace?.(tool.name) ?? null;
      if (place?.unknown !== undefined) throw unknownPlace(tool, place);
      return place;
    },
  };
}

/** A configuration that cannot be read as text says nothing about a folder that is not the tool's. */
export function readableOnly(whose: Whose): Whose {
  return {
    ...whose,
    configured(tool) {
      try {
        return whose.configured(tool);
      } catch (error) {
        if (error instanceof PlanRefused) return null;
        throw error;
      }
    },
  };
}

/** The first entry of a search path that is a schema's name. */
function firstOf(searchPath: string | null): string | null {
  const [, quoted, plain] = /^\s*(?:"((?:[^"]|"")*)"|([^\s,"]+))/.exec(searchPath ?? "") ?? [];
  const name = quoted?.replaceAll('""', '"') ?? plain?.toLowerCase() ?? null;
  return name === "$user" || name === "" ? null : name;
}

/** Whether it stands where its tool would make it. */
export function isInPlace({ tool, table }: Found, whose: Whose): boolean {
  const place = whose.configured(tool);
  if (place === null) return isUsualPlace(tool, table, whose.current);
  if (table.name !== (place.table ?? tool.table)) return false;
  if (place.schema !== null) return table.schema === place.schema;
  const isHere = whose.current === null ? table.current === true : table.schema === whose.current;
  return isHere || table.schema === tool.shape.schema;
}

/** Whether one of its rows has the checksum of one of these files, or all that was last seen in its place is in it. */
export function isProven(tool: Tool, history: ToolHistory, { migrations, remembered = [] }: Whose): boolean {
  const hasChecksum = new Set(
    migrations.filter(({ tool: key }) => (key?.checksums.length ?? 0) > 0).map(({ id }) => id),
  );
  const { applied } = matchRows(tool, history, migrations);
  const ids = new Set(applied.map(({ id }) => id));
  const names = new Set(history.rows.map(({ name }) => name));
  // Programs have no files here; their rows are known by their own names.
  const here = remembered.filter(
    (subject) => subject !== "" && (tool.layouts.length === 0 || migrations.some(({ id }) => id === subject)),
  );
  if (here.length > 0 && here.every((subject) => ids.has(subject) || names.has(subject))) return true;
  return applied.some(
    ({ id, row, edited }) => row !== null && row.checksum !== null && !edited && hasChecksum.has(id),
  );
}

/** Whether one of its rows speaks of one of these files, by name or number. */
export function isAboutThese(tool: Tool, history: ToolHistory, { migrations }: Whose): boolean {
  return matchRows(tool, history, migrations).applied.length > 0;
}

/** Where its table is to be made; as the tool itself would, in the schema of the connection. */
export async function placeFor(
  connection: Connection,
  tool: Tool,
  { whose, table }: { readonly whose: Whose; readonly table: string | undefined },
): Promise<string> {
  if (table?.includes(".")) return table;
  const place = table === undefined ? whose.configured(tool) : null;
  const name = table ?? place?.table ?? tool.table;
  const given = place?.schema ?? tool.shape.schema ?? whose.current;
  if (given !== null) return `${given}.${name}`;
  const { rows } = await connection.query<{ schema: string | null }>(`select ${CURRENT_SCHEMA} as schema`);
  return `${rows[0]?.schema ?? "public"}.${name}`;
}

/** Throws `PlanRefused` where something else than a table has its name: it may stand for the history, and is not written to. */
export async function refuseView(connection: Connection, tool: Tool, place: string): Promise<void> {
  const at = place.indexOf(".");
  const [schema, name] = [place.slice(0, at), place.slice(at + 1)];
  const { rows } = await connection.query(
    `select from pg_class c where c.oid = to_regclass(${literal(nameOf({ schema, name }))}) and c.relkind in ('v', 'm', 'f')`,
  );
  if (rows.length === 0) return;
  throw new PlanRefused([
    {
      code: "ADOPT_CONFLICT",
      message: `${place} is a view or a foreign table, where ${tool.title} has the table of its history.`,
      hint: `Say which table it shows: --mirror ${tool.name}:<schema.table>, or godwit adopt --table <schema.table>. If it has nothing to do with ${tool.title}: --mirror none. Nothing was changed.`,
      details: { tool: tool.name, table: place },
    },
  ]);
}

/** The same, as far as it is known without asking the server; left out: as the tool has it by itself. */
export function placeWithoutLooking(target: Target, tool: Tool): string | undefined {
  const whose = whoseOf(target, [], true);
  const place = whose.configured(tool);
  if (place === null && (tool.shape.schema !== undefined || whose.current === null)) return undefined;
  return `${place?.schema ?? tool.shape.schema ?? whose.current ?? "public"}.${place?.table ?? tool.table}`;
}

/** Throws `PlanRefused` where a column that somebody has added wants a value that the tool does not give, nor do we. */
export function refuseUnfilled({ tool, table }: Found, writer: HistoryWriter): void {
  const { columns, more = [] } = tool.shape;
  const own = [...Object.keys({ ...columns, ...writer.create([], null).table.columns }), ...more];
  const column = table.wants?.find((name) => !own.includes(name));
  if (column === undefined) return;
  throw new PlanRefused([
    {
      code: "ADOPT_CONFLICT",
      message: `${describeTable(table)} has a column ${column} that wants a value, which ${tool.title} does not give: its history cannot be kept in step.`,
      hint: `Give it a default: alter table ${nameOf(table)} alter column ${identifier(column)} set default …; or run without: --mirror none. Nothing was changed.`,
      details: { table: describeTable(table), column },
    },
  ]);
}

/** A history of which nothing says that it is of these files. */
export function notProven({ tool, table }: Found, count: number): PlanRefused {
  const name = describeTable(table);
  const yes = `If it is: godwit adopt --table ${name}${tool.writer === undefined ? "" : ` (to keep it in step: --mirror ${tool.name}:${name})`}.`;
  const no = `If it is another project's: --mirror none:${name}${tool.writer === undefined ? "" : `, or name your own: --mirror ${tool.name}:<schema.table>`}.`;
  return new PlanRefused([
    {
      code: "ADOPT_AMBIGUOUS",
      message: `${name} looks like a history of ${tool.title} (${count === 1 ? "1 row" : `${count} rows`}), but it is not where ${tool.title} would make it for this connection, and no checksum in it is that of a file here.`,
      hint: `${yes} ${no} Nothing was changed.`,
      details: { histories: [{ tool: tool.name, table: name, rows: count }] },
    },
  ]);
}

function unknownPlace(tool: Tool, { said, unknown }: ToolPlace): PlanRefused {
  const say =
    tool.writer === undefined
      ? "Write it there as it is, without a variable"
      : `Write it there as it is, or say it here: --mirror ${tool.name}:<schema.table>`;
  return new PlanRefused([
    {
      code: "ADOPT_CONFLICT",
      message: `${said} says where ${tool.title} keeps its history, and that cannot be read from it: ${unknown}.`,
      hint: `${say}. Nothing was changed.`,
      details: { tool: tool.name },
    },
  ]);
}

/** A table that was named, and cannot be a history of that tool. */
export function notItsTable(table: Relation, tool: Tool | undefined, why: string | null): PlanRefused {
  const title = tool?.title ?? "a tool that is known";
  return new PlanRefused([
    {
      code: "ADOPT_CONFLICT",
      message: `${describeTable(table)} is not a history of ${title}${why === null ? "" : `: ${why}`}.`,
      hint: `Name the table in which ${title} keeps its history; one that is not there is made. Nothing was changed.`,
      details: { table: describeTable(table) },
    },
  ]);
}
