/**
 * Another tool's history, kept in step with our own: its row is written in the transaction of the step, after ours, so that
 * both are there or none. First in that transaction its table is locked and asked whether the tool has been there
 * meanwhile; it reads before it locks anything, so this is what keeps a step from being carried out by both.
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
import type { Found } from "../../tools/recognise.ts";
import { describeTable, type HistoryWriter, nameOf, type ToolRow } from "../../tools/tool.ts";
import type { Target } from "../session/target.ts";

/** Raised where the tool has applied a migration itself. */
export const PRESENT_SQLSTATE = "GW002";

export interface Mirror extends Found {
  readonly writer: HistoryWriter;
  /** Its rows, by name, when this run looked; left out: nobody has. */
  readonly seen?: readonly string[];
  /** Makes the table; `null` where it is there. */
  readonly create: string | null;
}

/** SQL for a step's transaction; empty where nothing is kept in step. */
export interface MirrorSql {
  /** Before anything of the step is done. */
  readonly open: string;
  /** Before it is committed: that the tool is not doing the same at this moment. */
  readonly check: string;
  /** Before the last row of a step outside of a transaction. */
  readonly closing: string;
  /** After the ledger's own row. */
  readonly row: string;
}

export const NOTHING_KEPT: MirrorSql = { open: "", check: "", closing: "", row: "" };

export interface MirrorSqlInput {
  readonly step: Pick<Step, "revision" | "direction" | "kind" | "reason">;
  readonly migration: Migration | null;
  readonly text: string | null;
  readonly sql: LedgerSql;
  /** The other sessions are looked at; not by a script that is for somebody else to run. */
  readonly live: boolean;
  /** A person has deleted our row, so that it runs again. The tool still has its own. */
  readonly again?: boolean | undefined;
}

export function mirrorSqlOf(mirror: Mirror | null | undefined, input: MirrorSqlInput): MirrorSql {
  if (mirror == null || input.step.kind === "repeatable") return NOTHING_KEPT;
  const { table, writer, tool } = mirror;
  const { step, migration, text, sql } = input;
  const { revision } = step;
  const mirrored = { revision, key: migration?.tool ?? null, text, ledger: sql.historyTable };
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
  const anew = input.again === true ? `${lock} ${writer.down(table, mirrored)};` : lock;
  const locked = `${anew} ${block(guard)}`;
  const closing = `${lock} ${block(guard)}`;
  if (intruder === undefined) return { open: locked, check: "", closing, row: `${row};` };
  const busy = raiseIf(intruder.atWork(table, mirrored), `${revision} is being carried out by ${tool.title}`);
  // Under the lock nobody reads any more; who has read before is given the time to show what it is about.
  const open = block(`${afterReaders(intruder.readers(table))} ${guard} ${busy}`);
  return {
    open: `${anew} ${open}`,
    check: block(`perform pg_stat_clear_snapshot(); ${busy}`),
    closing: `${lock} ${block(`perform pg_stat_clear_snapshot(); ${guard} ${busy}`)}`,
    row: `${row};`,
  };
}

/** For a row that is written outside of its step; empty where none is. */
export function rememberedRow(
  target: Target,
  { mirror, revision }: Pick<MirroredRow, "mirror" | "revision">,
): string {
  if (mirror === null) return "";
  return `${remembering(mirror, target.ledger.sql, { revision, direction: "up" })};`;
}

/** So that a row which is missing later is known to have been there. */
function remembering(
  { tool, table }: Found,
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

/** Until each is gone, has gone on to something that can be seen, or has done nothing for a while. */
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
  const body = ` declare pids integer[]; begin ${statements} end `;
  let tag = "$kept$";
  while (body.includes(tag)) tag = `$k${tag.slice(1)}`;
  return `do ${tag}${body}${tag};`;
}

/** At the beginning of a step, or before the COMMIT of its only transaction. */
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

/** An error beside statements that commit by themselves: here a part may be done already, and the tool has all of it. */
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
        hint: `Look at the database, for its statements may have run twice. Put right what is there twice or missing, then say: godwit repair ${direction === "up" ? "--mark-done" : "--forget"} ${revision}`,
      },
    ],
    { cause: error },
  );
}

export interface MirroredRow {
  readonly mirror: Mirror | null;
  readonly files: Listing;
  readonly revision: string;
  readonly direction: Direction;
  /** What it stands on, as our ledger has it. */
  readonly parents?: readonly string[];
}

/**
 * A file that was applied under another name: the revision whose row in the tool's history is to have its name, by the text and
 * because its own file is gone. `null`: there is none, or the tool knows files by something else.
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

/** The tool's row under its new name, and what is remembered of it. */
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

/** For a revision whose present text counts from now on: what the tool compares with it, as SQL. */
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

/** For a revision that is declared and not run: the row as SQL; nothing where the tool has it already. */
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
  const step = { revision, key, text, ledger };
  const { table, writer } = mirror;
  const present = direction === "up" && mirror.create === null ? writer.present(table, step) : null;
  if (present !== null && (await connection.query(present)).rows.length > 0) return "";
  const create = mirror.create === null ? "" : `${mirror.create};`;
  const below = parents ?? [...(migration?.revises ?? []), ...(migration?.depends ?? [])];
  const down = () => writer.forget?.(table, { ...step, parents: below }) ?? writer.down(table, step);
  return `${create} ${direction === "up" ? writer.up(table, step) : down()};`;
}
