/** The history of another tool, as it stands in the database: found, read, and laid beside the files. */
import type { Migration } from "../core/migration.ts";
import type { Connection } from "../database/connection.ts";
import { type GodwitError, PlanRefused, type Problem } from "../errors.ts";
import { matchRows } from "../tools/match.ts";
import { type CandidateRow, candidates, type Found, recognise, relationsOf } from "../tools/recognise.ts";
import {
  describeTable,
  type Match,
  nameOf,
  type Relation,
  type TextRow,
  type ToolHistory,
} from "../tools/tool.ts";
import { TOOLS, toolNamed } from "../tools/tools.ts";

export interface FoundHistory extends Found {
  readonly history: ToolHistory;
  /** The other tables that were looked at. */
  readonly all: readonly Relation[];
}

export interface Wanted {
  /** Tools that come into question; all if left out. */
  readonly tools?: readonly string[] | undefined;
  /** `schema.table` or a table's name. */
  readonly table?: string | undefined;
  /** Only what is in it. */
  readonly schema?: string | null | undefined;
}

/** Those that are not empty. Throws `PlanRefused` for a table whose rows may not be read. */
export async function findHistories(
  connection: Connection,
  wanted: Wanted = {},
): Promise<readonly FoundHistory[]> {
  const { rows } = await connection.query<CandidateRow>(candidates(wanted.table));
  const all = relationsOf(rows);
  const found = recognise(all, TOOLS).filter(
    ({ tool, table }) =>
      (wanted.tools === undefined || wanted.tools.includes(tool.name)) &&
      (wanted.schema == null || wanted.schema === table.schema) &&
      (wanted.table === undefined || [table.name, describeTable(table)].includes(wanted.table)),
  );
  const histories: FoundHistory[] = [];
  for (const one of found) histories.push({ ...one, all, history: await readHistory(connection, one) });
  return histories;
}

export async function readHistory(connection: Connection, { tool, table }: Found): Promise<ToolHistory> {
  if (!table.readable) throw unreadable({ tool, table }, connection);
  const { rows } = await connection.query<TextRow>(tool.select(table));
  return tool.read(rows, table);
}

/** The one that is not empty. Throws `PlanRefused` (`ADOPT_AMBIGUOUS`) where there are several. */
export function onlyOne(found: readonly FoundHistory[]): FoundHistory | undefined {
  const filled = found.filter(({ history }) => history.rows.length > 0 || history.problems.length > 0);
  if (filled.length > 1) throw ambiguous(filled);
  return filled[0] ?? found[0];
}

export function sideBySide({ tool, history }: FoundHistory, migrations: readonly Migration[]): Match {
  return matchRows(tool, history, migrations);
}

function ambiguous(found: readonly FoundHistory[]): GodwitError {
  const list = found.map(({ tool, table, history: { rows } }) => {
    const latest = rows
      .flatMap(({ at }) => at ?? [])
      .sort()
      .at(-1);
    const count = rows.length === 1 ? "1 row" : `${rows.length} rows`;
    return `${describeTable(table)} of ${tool.title} (${count}${latest === undefined ? "" : `, the latest of ${latest}`})`;
  });
  const [first, second] = found;
  const sameTool = first?.tool === second?.tool;
  return new PlanRefused([
    {
      code: "ADOPT_AMBIGUOUS",
      message: `The database has the histories of several tools: ${list.join("; ")}.`,
      hint: sameTool
        ? `Say which one counts: godwit adopt --table ${first === undefined ? "<schema.table>" : describeTable(first.table)}. To keep it in step: --keep ${first?.tool.name}:${first === undefined ? "" : describeTable(first.table)}`
        : `Say which one counts: godwit adopt --tool ${found.map(({ tool }) => tool.name).join("|")}`,
      details: {
        histories: found.map(({ tool, table, history: { rows } }) => ({
          tool: tool.name,
          table: describeTable(table),
          rows: rows.length,
        })),
      },
    },
  ]);
}

function unreadable({ tool, table }: Found, { server }: Connection): GodwitError {
  return new PlanRefused([
    {
      code: "ADOPT_CONFLICT",
      message: `Role "${server.user}" may not read ${describeTable(table)}, the history of ${tool.title}.`,
      hint: `As its owner: grant usage on schema "${table.schema}" to "${server.user}"; grant select, insert, update, delete on ${nameOf(table)} to "${server.user}";${tool.keep === undefined ? "" : ` Or, if it is another project's, say which one is yours: --keep ${tool.name}:<schema.table>`}`,
    },
  ]);
}

/** Throws `PlanRefused` for a history that failed half-way. */
export function refuseFailed({ history: { problems } }: FoundHistory): void {
  const [first, ...others] = problems;
  if (first !== undefined) throw new PlanRefused([first, ...others]);
}

/** `drizzle`, `drizzle:schema.table`, `none`; `null` where nothing was said. Throws `PlanRefused` for what cannot be kept. */
export interface KeepSetting {
  readonly tool: string;
  readonly table: string | undefined;
}

export function parseKeep(text: string | null | undefined): KeepSetting | "none" | null {
  if (text == null || text === "") return null;
  if (text === "none") return "none";
  const [name = "", table] = text.split(":", 2);
  const problem = unknownKeep(name);
  if (problem !== null) throw new PlanRefused([problem]);
  return { tool: name, table };
}

function unknownKeep(name: string): Problem | null {
  const keepable = TOOLS.filter(({ keep }) => keep !== undefined).map((tool) => tool.name);
  if (toolNamed(name)?.keep !== undefined) return null;
  return {
    code: "ADOPT_CONFLICT",
    message: `The history of ${toolNamed(name)?.title ?? `"${name}"`} cannot be kept in step.`,
    hint: `These can: ${keepable.join(", ")}. Without: --keep none.`,
  };
}

export function unlessRefused(error: unknown): undefined {
  if (!(error instanceof PlanRefused)) throw error;
}
