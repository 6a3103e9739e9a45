/**
 * Decides whose a history is. It belongs to these files if it stands where the tool would create it for this
 * connection, or where its configuration says. It also does if one of its rows has the checksum of a file. Any other
 * history may belong to another service in the same database. Then a person is asked, and nothing is adopted from it
 * or written to it.
 */
import type { Migration } from "../../core/migration.ts";
import { identifier, literal } from "../../core/sql/quote.ts";
import type { Connection } from "../../database/connection.ts";
import { PlanRefused } from "../../errors.ts";
import type { ToolPlace } from "../../source/detect/tool-place.ts";
import { matchRows } from "../../tools/match.ts";
import { CURRENT_SCHEMA, isUsualPlace, KIND, type RecognisedHistory } from "../../tools/recognise.ts";
import { isOfRow } from "../../tools/sets.ts";
import {
  describeTable,
  type HistoryWriter,
  nameOf,
  type Relation,
  type Tool,
  type ToolHistory,
} from "../../tools/tool.ts";
import type { Target } from "../session/target.ts";

/** What is known about these files, to decide whose a history is. */
export interface Whose {
  readonly migrations: readonly Migration[];
  /** Whether no run of ours has done anything here. Only then the user is asked about a history that may be theirs. */
  readonly fresh: boolean;
  /** The revisions that the history had at the last look. A table elsewhere that has all of them was moved. */
  readonly remembered?: readonly string[] | undefined;
  /** The schema in which unqualified names are created. `null`: that of the connection. */
  readonly current: string | null;
  /** Where the tool's own configuration says that its history is. */
  configured(tool: Tool): ToolPlace | null;
}

/**
 * `configured` throws `PlanRefused` if the tool's configuration depends on something that only running it would tell.
 */
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

/** The same, for a folder that is not the tool's: a configuration that cannot be read as text then says nothing. */
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

/** Whether the table stands where its tool would create it. */
export function isInPlace({ tool, table }: RecognisedHistory, whose: Whose): boolean {
  const place = whose.configured(tool);
  if (place === null) return isUsualPlace(tool, table, whose.current);
  if (table.name !== (place.table ?? tool.table)) return false;
  if (place.schema !== null) return table.schema === place.schema;
  const isHere = whose.current === null ? table.current === true : table.schema === whose.current;
  return isHere || table.schema === tool.shape.schema;
}

/** Whether one of its rows has the checksum of one of these files, or the table has all rows of the last look. */
export function isProven(tool: Tool, history: ToolHistory, { migrations, remembered = [] }: Whose): boolean {
  const hasChecksum = new Set(
    migrations.filter(({ tool: key }) => (key?.checksums.length ?? 0) > 0).map(({ id }) => id),
  );
  const { applied } = matchRows(tool, history, migrations);
  const ids = new Set(applied.map(({ id }) => id));
  const names = new Set(history.rows.map(({ name }) => name));
  // A tool whose migrations are programs has no files here. Its rows are known by their own names.
  const here = remembered.filter(
    (subject) =>
      isOfRow(subject) && (tool.layouts.length === 0 || migrations.some(({ id }) => id === subject)),
  );
  if (here.length > 0 && here.every((subject) => ids.has(subject) || names.has(subject))) return true;
  return applied.some(
    ({ id, row, edited }) => row !== null && row.checksum !== null && !edited && hasChecksum.has(id),
  );
}

/** Whether one of its rows names one of these files, by name or number. */
export function isAboutThese(tool: Tool, history: ToolHistory, { migrations }: Whose): boolean {
  return matchRows(tool, history, migrations).applied.length > 0;
}

/** Where the table is to be created, as `schema.table`: where the tool itself would create it for this connection. */
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

/**
 * Throws `PlanRefused` if a view, or anything else that is no table, has the name of the history. A view may stand for
 * the history, so it is not written to, and what it shows counts.
 */
export async function refuseView(connection: Connection, tool: Tool, place: string): Promise<void> {
  const at = place.indexOf(".");
  const [schema, name] = [place.slice(0, at), place.slice(at + 1)];
  const { rows } = await connection.query<{ kind: string }>(
    `select ${KIND} as kind from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where n.nspname = ${literal(schema)} and c.relname = ${literal(name)} and c.relkind not in ('r', 'p')`,
  );
  const [row] = rows;
  if (row === undefined) return;
  throw new PlanRefused([
    {
      code: "ADOPT_CONFLICT",
      message: `${place} is ${row.kind}, where ${tool.title} has the table of its history.`,
      hint: `Say which table it shows: ${tool.writer === undefined ? "" : `--mirror ${tool.name}:<schema.table>, or `}\`godwit adopt --table <schema.table>\`. If it has nothing to do with ${tool.title}: --mirror none. Nothing was changed.`,
      details: { tool: tool.name, table: place },
    },
  ]);
}

/** `placeFor` without a server. `undefined`: where the tool creates it by default. */
export function placeWithoutLooking(target: Target, tool: Tool): string | undefined {
  const whose = whoseOf(target, [], true);
  const place = whose.configured(tool);
  if (place === null && (tool.shape.schema !== undefined || whose.current === null)) return undefined;
  return `${place?.schema ?? tool.shape.schema ?? whose.current ?? "public"}.${place?.table ?? tool.table}`;
}

/** Throws `PlanRefused` if somebody added a column that needs a value. Neither the tool nor we would give one. */
export function refuseUnfilled({ tool, table }: RecognisedHistory, writer: HistoryWriter): void {
  const { columns, more = [] } = tool.shape;
  const own = [...Object.keys({ ...columns, ...writer.create([], null).table.columns }), ...more];
  const column = table.wants?.find((name) => !own.includes(name));
  if (column === undefined) return;
  throw new PlanRefused([
    {
      code: "ADOPT_CONFLICT",
      message: `${describeTable(table)} has a column ${column} that needs a value, which ${tool.title} does not give: its history cannot be mirrored.`,
      hint: `Give it a default: alter table ${nameOf(table)} alter column ${identifier(column)} set default …; or run without: --mirror none. Nothing was changed.`,
      details: { table: describeTable(table), column },
    },
  ]);
}

/** The refusal of a history which nothing ties to these files. */
export function notProven({ tool, table }: RecognisedHistory, count: number): PlanRefused {
  const name = describeTable(table);
  const yes = `If it is: \`godwit adopt --table ${name}\`${tool.writer === undefined ? "" : ` (to mirror it: --mirror ${tool.name}:${name})`}.`;
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

/** The refusal of a named table that cannot be a history of that tool. */
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
