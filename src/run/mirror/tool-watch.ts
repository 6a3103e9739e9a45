/**
 * Watches a tool that we do not mirror to: the tool whose folder this is, or whose history was adopted. The
 * transaction of each step checks twice whether the tool has worked since this run looked: before its first statement
 * and before its commit. Without a table, a step that is sent behind others checks only before its commit. We write
 * nothing to its history, so each change there is the tool's own.
 */
import type { Migration } from "../../core/migration.ts";
import { identifier, literal } from "../../core/sql/quote.ts";
import type { Connection } from "../../database/connection.ts";
import { PlanRefused } from "../../errors.ts";
import type { RecordedHistory } from "../../ledger/ledger.ts";
import { readers, sends, waitsToWrite } from "../../tools/intruder.ts";
import { describeTable, nameOf, type Relation, type Tool } from "../../tools/tool.ts";
import { isOwnLayout, TOOLS, toolsOf } from "../../tools/tools.ts";
import type { Target } from "../session/target.ts";
import { type FoundHistory, readHistory } from "./histories.ts";
import { afterReaders, block, type MirrorSql, PRESENT_SQLSTATE, raise, raiseIf } from "./mirror.ts";
import { parseMirror } from "./mirror-setting.ts";
import { type Advisory, toolRunning } from "./tool-lock.ts";

/** The tables that have the names of the tools' tables, taken before the history is searched. */
export interface BeforeLook {
  readonly tools: readonly Tool[];
  /**
   * Whether all tools are watched. Before our first run in our own layout, any tool may have come to the same files.
   */
  readonly any: boolean;
  readonly oids: readonly string[];
}

export interface ToolWatch {
  readonly title: string;
  /** Whether the tool takes no lock. Then a session that has read its table may be about to act on it. */
  readonly readsAhead: boolean;
  /** The name of its table. If it has none yet: all names that it may get. */
  readonly names: readonly string[];
  readonly history: { readonly table: Relation; readonly mark: string } | null;
  /** A query with a row (`name`) for each table with one of these names that has appeared since. */
  readonly appeared: (names: readonly string[]) => string;
  /** A condition that is false while no table has one of these names, in a usual spelling. An index answers it. */
  readonly suspected: (names: readonly string[]) => string;
  /** A query with a row while the tool holds its lock. `null`: its lock is not a row of a table. */
  readonly locked: string | null;
  /** The first step whose own text names the tool's table. From then on, a change there may be ours. */
  touchedBy: string | null;
  /** If all tools are watched: names that our own steps mention. Tables with these names no longer count. */
  readonly spoken: Set<string> | null;
}

export async function beforeLook(
  target: Target,
  connection: Connection,
  { entries }: Pick<RecordedHistory, "entries">,
): Promise<BeforeLook> {
  const { source, settings } = target;
  const own = toolsOf(source.layout);
  const any = isOwnLayout(source.layout) && entries.length === 0 && parseMirror(settings.mirror) !== "none";
  const tools = any ? [...own, ...TOOLS.filter((tool) => !own.includes(tool))] : own;
  if (tools.length === 0) return { tools, any, oids: [] };
  const { rows } = await connection.query<{ oid: string }>(tablesOf(target, namesOf(tools)));
  return { tools, any, oids: rows.map(({ oid }) => oid) };
}

/**
 * The tables to look for. A table that has just appeared may be empty, and the table of the lock may exist before it.
 */
function namesOf(tools: readonly Tool[]): readonly string[] {
  const names = tools.flatMap(({ table }) => [table, `${table}lock`, `${table}_lock`]);
  return [...new Set(names.map((name) => name.toLowerCase()))];
}

function tablesOf({ settings: { schema } }: Target, names: readonly string[]): string {
  const only = schema == null ? "" : ` and n.nspname = ${literal(schema)}`;
  return `select c.oid::text as oid, n.nspname || '.' || c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where c.relkind in ('r', 'p') and n.nspname !~ '^pg_'${only} and lower(c.relname) = any (${namesIn(names)}::text[])`;
}

/** Names that a tool really uses: as it writes them, as SQL without quotes does, and in capital letters. */
function spelledNames(tools: readonly Tool[]): readonly string[] {
  const names = tools.flatMap(({ table, lockedBy }) =>
    lockedBy === undefined ? [table] : [table, `${table}lock`, `${table}_lock`],
  );
  return [...new Set(names.flatMap((name) => [name, name.toLowerCase(), name.toUpperCase()]))];
}

/** `lower()` would hide the name from the index. And for `exists` the server would rather read all tables. */
function suspectsIn(
  { settings: { schema } }: Target,
  names: readonly string[],
  spellings: readonly string[],
): string {
  const only = schema == null ? "" : ` and c.relnamespace = to_regnamespace(${literal(identifier(schema))})`;
  const spelled = spellings.filter((name) => names.includes(name.toLowerCase()));
  return `(select count(*) from pg_class c where c.relname = any (${namesIn(spelled)}::name[])${only}`;
}

/** One literal: the server reads it far faster than `array[…]`. The names are those of tools, and need no quotes. */
const namesIn = (names: readonly string[]) => `'{${names.join(",")}}'`;

/** Prepares the watch. Throws `PlanRefused` (`ADOPT_TOOL_RUNNING`) if the history has changed since it was read. */
export async function watchTool(
  target: Target,
  connection: Connection,
  {
    before: { tools, oids, any },
    found,
    migrations,
  }: {
    readonly before: BeforeLook;
    readonly found: FoundHistory | null;
    readonly migrations: readonly Migration[];
  },
): Promise<ToolWatch | null> {
  const tool = found?.tool ?? tools[0];
  if (tool === undefined) return null;
  const isAny = found === null && any;
  const title = isAny ? "another tool" : tool.title;
  const lock = tool.advisoryKeys !== undefined || tool.lockedBy !== undefined;
  const readsAhead = !isAny && tool.layouts.length > 0 && (!lock || tool.mayNotLock === true);
  const watch = { title, readsAhead, touchedBy: null, spoken: isAny ? new Set<string>() : null };
  if (found === null) {
    const known = oids.length === 0 ? "" : ` and c.oid not in (${oids.join(", ")})`;
    const appeared = (names: readonly string[]) => `${tablesOf(target, names)}${known} and ${NOT_OURS}`;
    const spellings = spelledNames(tools);
    const suspected = (names: readonly string[]) => `${suspectsIn(target, names, spellings)}${known}) > 0`;
    return { ...watch, names: namesOf(tools), history: null, appeared, suspected, locked: null };
  }
  const { table, all } = found;
  const { rows } = await connection.query<{ mark: string }>(`select ${markOf(table)} as mark`);
  const whole = await readHistory(connection, found);
  const again = tool.own?.(whole, migrations) ?? whole;
  if (JSON.stringify(again) !== JSON.stringify(found.history)) throw toolRunning(title);
  const locked = tool.lockedBy?.(table, all) ?? null;
  const history = { table, mark: rows[0]?.mark ?? "" };
  return { ...watch, names: [table.name], history, appeared: () => "", suspected: () => "false", locked };
}

/**
 * Excludes tables that we are creating. Whoever creates a table holds this lock until the commit, and nobody else
 * sees the table.
 */
const NOT_OURS =
  "not exists (select from pg_locks l where l.relation = c.oid and l.pid = pg_backend_pid() and l.mode = 'AccessExclusiveLock' and l.granted)";

/** A value that changes with every write to the table. It needs the row headers only. */
const markOf = (table: Relation) =>
  `(select count(*) || ':' || coalesce(sum(t.xmin::text::numeric), 0) from ${nameOf(table)} t)`;

export interface WatchedStep {
  readonly revision: string;
  /** `null`: the step is a module, and its statements are not known. */
  readonly text: string | null;
  /** The server begins this step right after the commit of another one, whose last look is its first. */
  readonly follows?: boolean | undefined;
}

/** SQL for the transactions of a step. Call it for the steps in the order in which they run. */
export function watchedIn(watch: ToolWatch, { revision, text, follows = false }: WatchedStep): MirrorSql {
  const { title, names, history, locked, readsAhead } = watch;
  const [name = ""] = names;
  const stop = (query: string, message: string) => raiseIf(query, message, howToTell(title));
  speak(watch, { revision, text });
  const isOwn = watch.touchedBy !== null;
  const wasOwn = isOwn && watch.touchedBy !== revision;
  const lock = history === null ? "" : lockIn(history.table);
  const held = locked === null ? "" : stop(locked, `${title} holds its lock`);
  const moved = movedIn(watch);
  const soon = history === null ? ifSuspected(watch, moved) : moved;
  const settle = readsAhead ? afterReaders(readers({ name })) : "";
  const busy = [
    ...(history === null
      ? []
      : [stop(waitsToWrite(history.table), `${title} waits to write to ${describeTable(history.table)}`)]),
    ...(text === null || !readsAhead
      ? []
      : [stop(sends(text), `${revision} is being carried out by ${title}`)]),
  ].join(" ");
  // From the lock on, nobody else writes to the table. If there was no table, the tool may have created one
  // meanwhile.
  const meanwhile = history === null ? soon : unlessLocked(history.table, moved);
  const first = wasOwn || (follows && history === null) ? "" : moved;
  const around = `${held} ${settle} ${busy}`.trim() === "" ? "" : FRESH;
  return {
    open: block(`${lock} ${held} ${settle} ${first} ${busy}`),
    check: `${history === null ? BY_INDEX : ""} ${block(`${around} ${held} ${settle} ${isOwn ? "" : meanwhile} ${busy}`)}`,
    closing: block(`${lock} ${FRESH} ${held} ${isOwn ? "" : moved} ${busy}`),
    row: "",
  };
}

/**
 * Notes which names of tables this step mentions itself. If one tool is watched, a module counts as mentioning its
 * table, because its statements are not known.
 */
function speak(watch: ToolWatch, { revision, text }: WatchedStep): void {
  const { names, spoken } = watch;
  const lower = text?.toLowerCase();
  const said = names.filter((name) => lower?.includes(name.toLowerCase()) === true);
  if (spoken === null ? said.length > 0 : text === null) watch.touchedBy ??= revision;
  for (const name of said) spoken?.add(name);
}

/** A hint: the tool may be repeating what this run committed earlier. */
const howToTell = (title: string) =>
  `${title} is not told of what this run applied before that, and may carry it out again: look whether something is there twice.`;

/** A transaction that has created tables leaves the server without a good guess of what the index saves. */
const BY_INDEX = "set local enable_seqscan = off;";

const FRESH = "perform pg_stat_clear_snapshot();";

/** Locks the table against writers. Readers pass, because an application may check how far its database is. */
function lockIn(table: Relation): string {
  // A role that can only read cannot lock the table. It still sees what has changed.
  return `begin lock table ${nameOf(table)} in share row exclusive mode; exception when insufficient_privilege or undefined_table then null; end;`;
}

function unlessLocked(table: Relation, statement: string): string {
  const may = `has_table_privilege(to_regclass(${literal(nameOf(table))}), 'update, delete, truncate')`;
  return `if not ${may} then ${statement} end if;`;
}

function movedIn(watch: ToolWatch): string {
  const { title, history } = watch;
  if (history === null) {
    const query = appearedIn(watch);
    if (watch.spoken === null)
      return raiseIf(query, `the history of ${title} has appeared`, howToTell(title));
    // As a text, the query is read only when the look gets there.
    const message = `'a history of another tool (' || said || ') has appeared'`;
    return `execute ${literal(`select min(found.name) from (${query}) found`)} into said; if said is not null then raise exception using errcode = '${PRESENT_SQLSTATE}', message = ${message}, hint = ${literal(howToTell(title))}; end if;`;
  }
  const { table, mark } = history;
  const changed = raise(`the history of ${title} (${describeTable(table)}) has changed`, howToTell(title));
  // PL/pgSQL parses the query on the table only when it reaches it.
  return `if to_regclass(${literal(nameOf(table))}) is null then ${changed} elsif ${markOf(table)} <> ${literal(mark)} then ${changed} end if;`;
}

function appearedIn(watch: ToolWatch): string {
  return watch.appeared(unspokenIn(watch));
}

/** The look of each step. The looks before and after a run find a name in any spelling. */
function ifSuspected(watch: ToolWatch, statement: string): string {
  return `if ${watch.suspected(unspokenIn(watch))} then ${statement} end if;`;
}

function unspokenIn({ names, spoken }: ToolWatch): readonly string[] {
  return names.filter((name) => spoken?.has(name) !== true);
}

/**
 * SQL that raises if the tool holds its lock. It is for connections that cannot hold that lock longer than a
 * transaction.
 */
export function advisoryIn({ keys, title }: Advisory): string {
  const list = keys.map((key) => `pg_try_advisory_xact_lock(${literal(String(key))}::bigint)`);
  return block(`if not (${list.join(" and ")}) then ${raise(`${title} holds its lock`)} end if;`);
}

/** The last look of a run. Throws `PlanRefused` (`ADOPT_TOOL_RUNNING`) if the tool has worked meanwhile. */
export async function refuseMeanwhile(connection: Connection, watch: ToolWatch): Promise<void> {
  const { title, history } = watch;
  if (watch.touchedBy !== null) return;
  const isThere =
    history === null ||
    (await connection.query(`select where to_regclass(${literal(nameOf(history.table))}) is not null`)).rows
      .length > 0;
  const changed =
    history === null
      ? `select where exists (${appearedIn(watch)})`
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
