/**
 * What our ledger remembers of other tools' histories: their rows at the time when we last looked at them or wrote to
 * them.
 */
import { hasHadFile } from "../../core/history.ts";
import { restored } from "../../core/sql/stored.ts";
import type { Connection, Row } from "../../database/connection.ts";
import type { RecordedHistory } from "../../ledger/ledger.ts";
import { hiddenSubject, type Ours, remembered, type Sets, settledSubject } from "../../tools/sets.ts";
import { describeTable, type Relation, type Tool, type ToolRow } from "../../tools/tool.ts";
import type { Target } from "../session/target.ts";

export interface ToolMemory {
  /** What was last seen, by the tool's name. A tool that was never looked at has no entry. */
  readonly seen: ReadonlyMap<string, SeenHistory>;
  readonly adopted: readonly AdoptedFrom[];
  readonly takenOut: ReadonlySet<string>;
  /** Whether the table for these memories exists. */
  readonly created: boolean;
}

export interface SeenHistory {
  /** `schema.name` */
  readonly table: string;
  readonly subjects: ReadonlySet<string>;
}

interface AdoptedFrom extends Row {
  readonly revision: string;
  readonly tool: string;
  readonly table: string;
}

const NO_MEMORY: ToolMemory = { seen: new Map(), adopted: [], takenOut: new Set(), created: false };

export async function recallTools(
  target: Target,
  connection: Connection,
  history: RecordedHistory,
): Promise<ToolMemory> {
  if (!history.created) return NO_MEMORY;
  const { sql } = target.ledger;
  const [adopted, takenOut, has] = await connection.execute(
    `${sql.adopted()}; ${sql.takenOut()}; ${sql.hasToolRows()}`,
  );
  const created = has?.rows[0]?.exists === true;
  const seen = new Map<string, { table: string; subjects: Set<string> }>();
  const { rows } = created ? await connection.query<SeenRow>(sql.toolRows()) : { rows: [] };
  for (const { tool, history: table, subject } of restored(rows)) {
    const known = seen.get(tool) ?? { table: "", subjects: new Set() };
    // A look that found no table is remembered too, beside what was written later.
    seen.set(tool, {
      table: known.table === "" ? table : known.table,
      subjects: known.subjects.add(subject),
    });
  }
  return {
    seen,
    adopted: restored((adopted?.rows ?? []) as AdoptedFrom[]),
    takenOut: new Set(restored(takenOut?.rows ?? []).map(({ revision }) => String(revision))),
    created,
  };
}

interface SeenRow extends Row {
  readonly tool: string;
  readonly history: string;
  readonly subject: string;
}

/** The table that counted as the history of this tool the last time. */
export function tableOf({ seen, adopted }: ToolMemory, tool: string): string | undefined {
  const table = seen.get(tool)?.table ?? adopted.findLast((one) => one.tool === tool)?.table;
  return table === "" ? undefined : table;
}

/** Our own revisions, in the form in which they are compared with a tool's history. */
export function oursIn({ entries }: RecordedHistory, memory: ToolMemory, tool: string): Ours {
  const known = new Set(entries.map(({ revision }) => revision));
  const from = new Set(memory.adopted.flatMap((one) => (one.tool === tool ? [one.revision] : [])));
  const adopted = entries.filter(({ baseline, revision }) => baseline && from.has(revision));
  return {
    known,
    applied: new Set(
      entries.flatMap(({ kind, state, revision }) =>
        kind !== "repeatable" && state === "applied" ? [revision] : [],
      ),
    ),
    adopted: new Set(adopted.map(({ revision }) => revision)),
    withoutFile: new Set(adopted.flatMap((one) => (hasHadFile(one) ? [] : [one.revision]))),
    takenOut: memory.takenOut,
  };
}

/** The subject that stands for the look itself. It tells a history without rows from one that was never looked at. */
export const LOOKED = "";

/** The subject that stands for the warning that the tool is not told of our steps. */
export const UNMIRRORED = "untold:";

/**
 * SQL that remembers this look, for a transaction of ours. Empty if nothing has changed since the last look. `table`
 * and `sets` are `null` if the tool has no history here. `kept` then says what stays remembered: a table that is gone may
 * come back, and is compared with what it said before.
 */
export function rememberSql(
  { ledger: { sql } }: Target,
  memory: ToolMemory,
  {
    tool,
    table,
    sets,
    kept = new Set(),
  }: {
    readonly tool: Tool;
    readonly table: Relation | null;
    readonly sets: Sets | null;
    readonly kept?: ReadonlySet<string> | undefined;
  },
): string {
  const before = memory.seen.get(tool.name);
  const from = table === null ? "" : describeTable(table);
  const said = before?.subjects.has(UNMIRRORED) === true ? [UNMIRRORED] : [];
  const subjects = new Set([LOOKED, ...said, ...(sets === null ? kept : remembered(sets))]);
  const same = before?.table === from && before.subjects.size === subjects.size;
  if (same && [...subjects].every((subject) => before.subjects.has(subject))) return "";
  const make = memory.created ? "" : `${sql.createToolRows()}; `;
  return `${make}${sql.rememberToolRows({ tool: tool.name, history: from }, [...subjects])};`;
}

/** SQL that remembers a person's decision: a row without a file is that of the file with the same name. */
export function settleRow(
  { ledger: { sql } }: Target,
  {
    memory,
    tool,
    found,
  }: {
    readonly memory: ToolMemory;
    readonly tool: Tool;
    readonly found: { readonly table: Relation } | undefined;
  },
  row: ToolRow,
): string {
  if (found === undefined) return "";
  const key = { tool: tool.name, history: describeTable(found.table) };
  const make = memory.created ? "" : `${sql.createToolRows()}; `;
  return `${make}${sql.rememberToolRow(key, settledSubject(row), "up")}`;
}

/**
 * SQL that remembers that the tool had a row of this revision when a person spoke of it. A row that appears later is
 * then the tool's own work. Empty if there is no row, or if nothing was remembered before.
 */
export function seenRow(
  { ledger: { sql } }: Target,
  {
    memory,
    tool,
    found,
    sets,
  }: { readonly memory: ToolMemory; readonly tool: Tool; readonly sets: Sets | null } & {
    readonly found: { readonly table: Relation } | undefined;
  },
  revision: string,
): string {
  if (found === undefined || sets === null || sets.seen === null || sets.seen.has(revision)) return "";
  if (!sets.match.applied.some(({ id, row }) => id === revision && row !== null)) return "";
  const history = tableOf(memory, tool.name) ?? describeTable(found.table);
  return sql.rememberToolRow({ tool: tool.name, history }, revision, "up");
}

/**
 * SQL that remembers the history of a tool whose rows are heads, when a person speaks of its migrations for the first
 * time. From then on it is looked at. Empty if it is looked at already.
 */
export function firstLook(
  target: Target,
  {
    memory,
    tool,
    found,
    sets,
  }: { readonly memory: ToolMemory; readonly tool: Tool; readonly sets: Sets | null } & {
    readonly found: { readonly table: Relation } | undefined;
  },
): string {
  if (found === undefined || sets?.match.isSame !== true || memory.seen.has(tool.name)) return "";
  return rememberSql(target, memory, { tool, table: found.table, sets }).replace(/;$/, "");
}

/** SQL that forgets this revision's row, after a person has said what became of it. */
export function forgetRow(
  { ledger: { sql } }: Target,
  { memory, tool }: { readonly memory: ToolMemory; readonly tool: Tool },
  revision: string,
): string {
  const seen = memory.seen.get(tool.name);
  if (seen === undefined) return "";
  return [revision, hiddenSubject(revision)]
    .filter((subject) => seen.subjects.has(subject))
    .map((subject) => sql.rememberToolRow({ tool: tool.name, history: seen.table }, subject, "down"))
    .join("; ");
}
