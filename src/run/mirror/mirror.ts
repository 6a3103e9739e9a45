/**
 * Mirrors each step into another tool's history. The tool's row is written in the transaction of the step, after our
 * own row, so both exist or neither does. That transaction first locks the tool's table and checks whether the tool
 * has applied the migration meanwhile. The tool reads its table before it locks anything. So without this check both
 * could run the same step.
 */
import type { History } from "../../core/history.ts";
import type { Direction, Migration } from "../../core/migration.ts";
import { literal, stored } from "../../core/sql/quote.ts";
import { restored } from "../../core/sql/stored.ts";
import type { Step } from "../../core/step.ts";
import type { Connection } from "../../database/connection.ts";
import { DatabaseError, PlanRefused } from "../../errors.ts";
import type { LedgerSql } from "../../ledger/sql.ts";
import type { Listing } from "../../source/source.ts";
import type { RecognisedHistory } from "../../tools/recognise.ts";
import {
  type Around,
  describeTable,
  type HistoryWriter,
  type MirroredStep,
  nameOf,
  type ToolRow,
} from "../../tools/tool.ts";
import type { Target } from "../session/target.ts";

/** The SQLSTATE that a guard raises when the tool has applied the migration itself. */
export const PRESENT_SQLSTATE = "GW002";

export interface Mirror extends RecognisedHistory {
  readonly writer: HistoryWriter;
  /** The names of its rows when this run looked. Left out: no run has looked. */
  readonly seen?: readonly string[];
  /** The table's rows around a revision. Left out: the table was not looked at. */
  readonly around?: (revision: string) => Around;
  /** SQL that creates the table. `null`: the table exists. */
  readonly create: string | null;
}

/** SQL for the transaction of a step. Each text is empty if no history is mirrored. */
export interface MirrorSql {
  /** Runs before the first statement of the step. */
  readonly open: string;
  /** Runs before the commit, and checks that the tool is not running the same step at this moment. */
  readonly check: string;
  /** Runs before the last row of a step outside of a transaction. */
  readonly closing: string;
  /** Runs after the row of the ledger. */
  readonly row: string;
}

const NOTHING_KEPT: MirrorSql = { open: "", check: "", closing: "", row: "" };

export interface MirrorSqlInput {
  readonly step: Pick<Step, "revision" | "direction" | "kind" | "reason">;
  readonly migration: Migration | null;
  readonly text: string | null;
  readonly sql: LedgerSql;
  /** Whether other sessions are looked at. A script that somebody else runs does not look at them. */
  readonly live: boolean;
  /** A person has deleted our row, so that it runs again. The tool still has its own. */
  readonly again?: boolean | undefined;
}

export function mirrorSqlOf(mirror: Mirror | null | undefined, input: MirrorSqlInput): MirrorSql {
  if (mirror == null || input.step.kind === "repeatable") return NOTHING_KEPT;
  const { table, writer, tool } = mirror;
  const { step, migration, text, sql } = input;
  const { revision } = step;
  const key = migration?.tool ?? null;
  const mirrored = { revision, key, text, ledger: sql.historyTable, ...aroundIn(mirror, revision) };
  const lock = `lock table ${nameOf(table)} in access exclusive mode;`;
  const row = `${step.direction === "up" ? writer.up(table, mirrored) : writer.down(table, mirrored)}; ${remembering(mirror, sql, step)}`;
  const moved = mirror.seen === undefined ? undefined : writer.moved?.(table, mirrored, mirror.seen);
  const goneOn =
    moved === undefined
      ? ""
      : raiseIf(moved, `the history of ${tool.title} (${describeTable(table)}) has gone on`);
  if (step.direction === "down")
    return { open: `${lock} ${block(goneOn)}`, check: "", closing: "", row: `${row};` };
  const present = writer.present(table, mirrored);
  const isIn = present === null ? "" : raiseIf(present, `${revision} is in the history of ${tool.title}`);
  const guard = `${isIn} ${goneOn}`;
  const intruder = input.live ? writer.intruder : undefined;
  const begin = input.again === true ? `${lock} ${writer.down(table, mirrored)};` : lock;
  const locked = `${begin} ${block(guard)}`;
  const closing = `${lock} ${block(guard)}`;
  if (intruder === undefined) return { open: locked, check: "", closing, row: `${row};` };
  const busy = raiseIf(intruder.atWork(table, mirrored), `${revision} is being carried out by ${tool.title}`);
  // From the lock on, nobody reads the table. A session that has just read it gets time to show what it is doing.
  const open = block(`${afterReaders(intruder.readers(table))} ${guard} ${busy}`);
  return {
    open: `${begin} ${open}`,
    check: block(`perform pg_stat_clear_snapshot(); ${busy}`),
    closing: `${lock} ${block(`perform pg_stat_clear_snapshot(); ${guard} ${busy}`)}`,
    row: `${row};`,
  };
}

/** SQL that remembers a row which was written outside of its step. Empty if no history is mirrored. */
export function rememberedRow(
  target: Target,
  { mirror, revision }: Pick<MirroredRow, "mirror" | "revision">,
): string {
  if (mirror === null) return "";
  return `${remembering(mirror, target.ledger.sql, { revision, direction: "up" })};`;
}

/** SQL that remembers the row, so that a later run knows that it existed. */
function remembering(
  { tool, table }: RecognisedHistory,
  sql: LedgerSql,
  { revision, direction }: Pick<Step, "revision" | "direction">,
): string {
  const key = { tool: tool.name, history: describeTable(table) };
  return sql.rememberToolRow(key, revision, direction);
}

export function raiseIf(query: string, message: string, hint?: string): string {
  return `if exists (${query}) then ${raise(message, hint)} end if;`;
}

export function raise(message: string, hint?: string): string {
  const more = hint === undefined ? "" : `, hint = ${literal(hint)}`;
  return `raise exception using errcode = '${PRESENT_SQLSTATE}', message = ${stored(message)}${more};`;
}

/** Waits until each of these sessions has ended or shows other work. It gives up after about two seconds. */
export function afterReaders(readers: string): string {
  return `pids := array(${readers});
 for attempt in 1..100 loop
  exit when not exists (select from (${readers}) r where r.pid = any (pids));
  perform pg_sleep(0.02);
  perform pg_stat_clear_snapshot();
 end loop;`;
}

export function block(statements: string): string {
  if (statements.trim() === "") return "";
  const body = ` declare pids integer[]; said text; begin ${statements} end `;
  let tag = "$kept$";
  while (body.includes(tag)) tag = `$k${tag.slice(1)}`;
  return `do ${tag}${body}${tag};`;
}

/** The error for a tool that was found at work at the start of a step, or before the COMMIT of its only transaction. */
export function appliedByTool(message: string, cause: DatabaseError): PlanRefused {
  return new PlanRefused(
    [
      {
        code: "ADOPT_TOOL_RUNNING",
        message: `${message}: it is at work while this run is. Nothing of this step was done here.`,
        hint: [
          "Let the other tool finish, then run again: what it did is taken over, or asked about.",
          cause.hint,
        ]
          .filter((sentence) => sentence !== undefined)
          .join(" "),
      },
    ],
    { cause },
  );
}

/**
 * The same error for a step whose statements commit one by one. Here a part may be done already, and the tool has
 * done all of it.
 */
export function presentBeside(
  error: unknown,
  { revision, direction }: Pick<Step, "revision" | "direction">,
): unknown {
  if (!(error instanceof DatabaseError) || error.sqlState !== PRESENT_SQLSTATE) return error;
  return new PlanRefused(
    [
      {
        code: "ADOPT_TOOL_RUNNING",
        message: `${restored(error.message)}: it was at work there since this step was begun here.`,
        hint: `Look at the database, for its statements may have run twice. Put right what is there twice or missing, then say: \`godwit repair ${direction === "up" ? "--mark-done" : "--forget"} ${revision}\``,
      },
    ],
    { cause: error },
  );
}

function aroundIn({ around }: Mirror, revision: string): Pick<MirroredStep, "around"> {
  return around === undefined ? {} : { around: () => around(revision) };
}

export interface MirroredRow {
  readonly mirror: Mirror | null;
  readonly files: Listing;
  readonly revision: string;
  readonly direction: Direction;
  /** The revisions that it depends on, as our ledger has them. */
  readonly parents?: readonly string[];
}

/**
 * The former name of a file that was applied and then renamed. It has the same text, its own file is gone, and the
 * tool has a row with its name. `null`: there is none, or the tool does not know files by their names.
 */
export function renamedFrom(
  mirror: Mirror | null,
  {
    history,
    files,
    revision,
    rows,
  }: {
    readonly history: History;
    readonly files: Listing;
    readonly revision: string;
    readonly rows: readonly ToolRow[];
  },
): string | null {
  const migration = files.migrations.find(({ id }) => id === revision);
  if (mirror?.writer.rename === undefined || migration === undefined) return null;
  const isThere = (name: string) => rows.some(({ keys }) => keys.includes(name));
  const from = history.entries.find(
    (one) =>
      one.state === "applied" &&
      one.checksum === migration.checksum &&
      isThere(one.revision) &&
      !files.migrations.some(({ id }) => id === one.revision),
  );
  return from === undefined || isThere(migration.tool?.version ?? revision) ? null : from.revision;
}

/** SQL that gives the tool's row its new name, and SQL that remembers it under that name. */
export function renamedRow(
  { ledger: { sql } }: Target,
  mirror: Mirror,
  { files, revision, from }: { readonly files: Listing; readonly revision: string; readonly from: string },
): { readonly kept: string; readonly memory: string } {
  const key = files.migrations.find(({ id }) => id === revision)?.tool ?? null;
  const step = { revision, key, text: null, ledger: sql.historyTable };
  return {
    kept: `${mirror.writer.rename?.(mirror.table, step, from)};`,
    memory: `${remembering(mirror, sql, { revision: from, direction: "down" })}; ${remembering(mirror, sql, { revision, direction: "up" })};`,
  };
}

/** SQL that updates what the tool compares with the file, after a person accepted the present text of a revision. */
export async function acceptedRow(
  target: Target,
  _connection: Connection,
  { mirror, files, revision }: MirroredRow,
): Promise<string> {
  const migration = files.migrations.find(({ id }) => id === revision) ?? null;
  if (mirror === null || mirror.create !== null || migration === null) return "";
  const ledger = target.ledger.sql.historyTable;
  const key = migration.tool ?? null;
  const step = { revision, key, text: null, ledger };
  const row = mirror.writer.accept?.(mirror.table, step) ?? null;
  return row === null ? "" : `${row};`;
}

/**
 * SQL that writes the tool's row for a revision that is declared and not run. Empty if the tool has the row already, or
 * another one that implies it.
 */
export async function mirroredRow(
  target: Target,
  connection: Connection,
  { mirror, files, revision, direction, parents }: MirroredRow,
): Promise<string> {
  if (mirror === null) return "";
  const migration = files.migrations.find(({ id }) => id === revision) ?? null;
  if (migration === null && direction === "up") return "";
  const content = migration === null ? null : await target.source.read(migration, "up");
  const text = content?.kind === "sql" ? content.text : null;
  const key = migration?.tool ?? null;
  const ledger = target.ledger.sql.historyTable;
  const step = { revision, key, text, ledger, ...aroundIn(mirror, revision) };
  const { table, writer } = mirror;
  if (direction === "up" && mirror.create === null)
    for (const there of [writer.present(table, step), writer.implied?.(table, step) ?? null])
      if (there !== null && (await connection.query(there)).rows.length > 0) return "";
  const create = mirror.create === null ? "" : `${mirror.create};`;
  const below = parents ?? [...(migration?.revises ?? []), ...(migration?.depends ?? [])];
  const down = () => writer.forget?.(table, { ...step, parents: below }) ?? writer.down(table, step);
  return `${create} ${direction === "up" ? writer.up(table, step) : down()};`;
}
