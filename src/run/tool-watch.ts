/**
 * A tool whose folder this is, or whose history was adopted, and which is not told of what we do: whether it has been at
 * work since this run looked is asked in the transaction of every step, before anything is done and before it is committed.
 * What has changed in its history since the look was its own doing, for we write nothing there.
 */
import { literal } from "../core/sql/quote.ts";
import type { Connection } from "../database/connection.ts";
import { PlanRefused } from "../errors.ts";
import { readers, sends, waitsToWrite } from "../tools/intruder.ts";
import { describeTable, nameOf, type Relation, type Tool } from "../tools/tool.ts";
import { toolsOf } from "../tools/tools.ts";
import { type FoundHistory, readHistory } from "./histories.ts";
import { afterReaders, block, type Kept, raise, raiseIf } from "./keep.ts";
import type { Target } from "./target.ts";
import { type Advisory, toolRunning } from "./tool-lock.ts";

/** Tables with the names that the tools of the folder give theirs, before the history was looked for. */
export interface BeforeLook {
  readonly tools: readonly Tool[];
  readonly oids: readonly string[];
}

export interface ToolWatch {
  readonly title: string;
  /** It takes no lock, so one that has read its table may be about to go on from that. */
  readonly readsAhead: boolean;
  /** Its table; where it has none yet, the name that one would have. */
  readonly name: string;
  readonly history: { readonly table: Relation; readonly mark: string } | null;
  /** A query that gives a row where a table of its kind has appeared since. */
  readonly appeared: string;
  /** A query that gives a row while its lock is held, where that is a row. */
  readonly locked: string | null;
  /** The first step whose own text speaks of the tool's table: what changes there from then on may be ours. */
  touchedBy: string | null;
}

export async function beforeLook(target: Target, connection: Connection): Promise<BeforeLook> {
  const tools = toolsOf(target.source.layout);
  if (tools.length === 0) return { tools, oids: [] };
  const { rows } = await connection.query<{ oid: string }>(tablesOf(target, tools));
  return { tools, oids: rows.map(({ oid }) => oid) };
}

/** By name: what has only just appeared may have no rows yet, and its lock's table may be there before it. */
function tablesOf({ settings: { schema } }: Target, tools: readonly Tool[]): string {
  const names = tools.flatMap(({ table }) => [table, `${table}lock`, `${table}_lock`]);
  const only = schema == null ? "" : ` and n.nspname = ${literal(schema)}`;
  return `select c.oid::text as oid from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where c.relkind in ('r', 'p') and n.nspname !~ '^pg_'${only} and lower(c.relname) in (${names.map((name) => literal(name.toLowerCase())).join(", ")})`;
}

/** Throws `PlanRefused` (`ADOPT_TOOL_RUNNING`) where the history has changed since it was read. */
export async function watchTool(
  target: Target,
  connection: Connection,
  { before: { tools, oids }, found }: { readonly before: BeforeLook; readonly found: FoundHistory | null },
): Promise<ToolWatch | null> {
  const tool = found?.tool ?? tools[0];
  if (tool === undefined) return null;
  const { title } = tool;
  const lock = tool.advisoryKeys !== undefined || tool.lockedBy !== undefined;
  const readsAhead = tool.layouts.length > 0 && (!lock || tool.mayNotLock === true);
  const watch = { title, readsAhead, touchedBy: null };
  if (found === null) {
    const known = oids.length === 0 ? "" : ` and c.oid not in (${oids.join(", ")})`;
    const appeared = `${tablesOf(target, tools)}${known} and ${NOT_OURS}`;
    return { ...watch, name: tool.table, history: null, appeared, locked: null };
  }
  const { table, all } = found;
  const { rows } = await connection.query<{ mark: string }>(`select ${markOf(table)} as mark`);
  const again = await readHistory(connection, found);
  if (JSON.stringify(again) !== JSON.stringify(found.history)) throw toolRunning(title);
  const locked = tool.lockedBy?.(table, all) ?? null;
  const history = { table, mark: rows[0]?.mark ?? "" };
  return { ...watch, name: table.name, history, appeared: "", locked };
}

/** Whoever makes a table holds this lock on it until it commits, and nobody else sees the table before that. */
const NOT_OURS =
  "not exists (select from pg_locks l where l.relation = c.oid and l.pid = pg_backend_pid() and l.mode = 'AccessExclusiveLock' and l.granted)";

/** Another one after every write of somebody, without a look into the rows. */
const markOf = (table: Relation) =>
  `(select count(*) || ':' || coalesce(sum(t.xmin::text::numeric), 0) from ${nameOf(table)} t)`;

export interface WatchedStep {
  readonly revision: string;
  /** `null`: a module's, which is not known. */
  readonly text: string | null;
}

/** SQL for the transactions of a step. The steps are asked about in the order in which they are carried out. */
export function watchedIn(watch: ToolWatch, { revision, text }: WatchedStep): Kept {
  const { title, name, history, locked, readsAhead } = watch;
  const stop = (query: string, message: string) => raiseIf(query, message, untold(title));
  if (text?.toLowerCase().includes(name.toLowerCase()) === true) watch.touchedBy ??= revision;
  const isOwn = watch.touchedBy !== null;
  const wasOwn = isOwn && watch.touchedBy !== revision;
  const lock = history === null ? "" : lockIn(history.table);
  const held = locked === null ? "" : stop(locked, `${title} holds its lock`);
  const moved = movedIn(watch);
  const settle = readsAhead ? afterReaders(readers({ name })) : "";
  const busy = [
    ...(history === null
      ? []
      : [stop(waitsToWrite(history.table), `${title} waits to write to ${describeTable(history.table)}`)]),
    ...(text === null || !readsAhead
      ? []
      : [stop(sends(text), `${revision} is being carried out by ${title}`)]),
  ].join(" ");
  // From the lock on nobody else writes to its table; where there was none, it may have made one meanwhile.
  const meanwhile = history === null ? moved : unlessLocked(history.table, moved);
  return {
    open: block(`${lock} ${held} ${settle} ${wasOwn ? "" : moved} ${busy}`),
    check: block(`${FRESH} ${held} ${settle} ${isOwn ? "" : meanwhile} ${busy}`),
    closing: block(`${lock} ${FRESH} ${held} ${isOwn ? "" : moved} ${busy}`),
    row: "",
  };
}

/** What this run has committed before, the tool may be carrying out again. */
const untold = (title: string) =>
  `${title} is not told of what this run applied before that, and may carry it out again: look whether something is there twice.`;

const FRESH = "perform pg_stat_clear_snapshot();";

/** Readers are let through: an application may ask how far its database is. */
function lockIn(table: Relation): string {
  // Who may only read cannot lock; what has changed is seen all the same.
  return `begin lock table ${nameOf(table)} in share row exclusive mode; exception when insufficient_privilege or undefined_table then null; end;`;
}

function unlessLocked(table: Relation, statement: string): string {
  const may = `has_table_privilege(to_regclass(${literal(nameOf(table))}), 'update, delete, truncate')`;
  return `if not ${may} then ${statement} end if;`;
}

function movedIn({ title, history, appeared }: ToolWatch): string {
  if (history === null) return raiseIf(appeared, `the history of ${title} has appeared`, untold(title));
  const { table, mark } = history;
  const changed = raise(`the history of ${title} (${describeTable(table)}) has changed`, untold(title));
  // Parsed only where it is reached.
  return `if to_regclass(${literal(nameOf(table))}) is null then ${changed} elsif ${markOf(table)} <> ${literal(mark)} then ${changed} end if;`;
}

/** Raises where the tool holds its own lock, for connections on which we cannot hold that for longer than a transaction. */
export function advisoryIn({ keys, title }: Advisory): string {
  const list = keys.map((key) => `pg_try_advisory_xact_lock(${literal(String(key))}::bigint)`);
  return block(`if not (${list.join(" and ")}) then ${raise(`${title} holds its lock`)} end if;`);
}

/** The last look of a run. Throws `PlanRefused` (`ADOPT_TOOL_RUNNING`) where the tool has been at work in the meantime. */
export async function refuseMeanwhile(connection: Connection, watch: ToolWatch): Promise<void> {
  const { title, history, appeared } = watch;
  if (watch.touchedBy !== null) return;
  const isThere =
    history === null ||
    (await connection.query(`select where to_regclass(${literal(nameOf(history.table))}) is not null`)).rows
      .length > 0;
  const changed =
    history === null
      ? `select where exists (${appeared})`
      : `select where ${markOf(history.table)} <> ${literal(history.mark)}`;
  if (isThere && (await connection.query(changed)).rows.length === 0) return;
  throw new PlanRefused([
    {
      code: "ADOPT_TOOL_RUNNING",
      message: `${title} has been at work while this run was: its history is not what it was at the beginning. What this run applied may have been carried out twice.`,
      hint: `Look at what is there twice. Then run again: it says what ${title} has applied too.`,
      details: { tool: title },
    },
  ]);
}
