/**
 * Another tool's history, kept in step with our own: its row is written in the transaction of the step, after ours, so that
 * both are there or none. First in that transaction its table is locked and asked whether the tool has been there
 * meanwhile; it reads before it locks anything, so this is what keeps a step from being carried out by both.
 */
import type { Direction, Migration } from "../core/migration.ts";
import { stored } from "../core/sql/quote.ts";
import type { Step } from "../core/step.ts";
import type { Connection } from "../database/connection.ts";
import { PlanRefused } from "../errors.ts";
import type { LedgerSql } from "../ledger/sql.ts";
import type { Listing } from "../source/source.ts";
import type { Found } from "../tools/recognise.ts";
import { describeTable, type Keep, nameOf } from "../tools/tool.ts";
import type { Target } from "./target.ts";

/** Raised where the tool has applied a migration itself. */
export const PRESENT_SQLSTATE = "GW002";

export interface Keeper extends Found {
  readonly keep: Keep;
  /** Makes the table; `null` where it is there. */
  readonly create: string | null;
  /** The version of the file in front of this one. */
  previous(revision: string): string | null;
}

/** SQL for a step's transaction; empty where nothing is kept in step. */
export interface Kept {
  /** Before anything of the step is done. */
  readonly open: string;
  /** Before it is committed: that the tool is not doing the same at this moment. */
  readonly check: string;
  /** After the ledger's own row. */
  readonly row: string;
}

export const NOTHING_KEPT: Kept = { open: "", check: "", row: "" };

export interface KeptInput {
  readonly step: Pick<Step, "revision" | "direction" | "kind" | "reason">;
  readonly migration: Migration | null;
  readonly text: string | null;
  readonly sql: LedgerSql;
  /** The other sessions are looked at; not by a script that is for somebody else to run. */
  readonly live: boolean;
}

export function keptIn(keeper: Keeper | null | undefined, input: KeptInput): Kept {
  if (keeper == null || input.step.kind === "repeatable") return NOTHING_KEPT;
  const { table, keep, tool } = keeper;
  const { step, migration, text, sql } = input;
  const { revision } = step;
  const previous = keeper.previous(revision);
  const kept = { revision, key: migration?.tool ?? null, text, ledger: sql.historyTable, previous };
  const lock = `lock table ${nameOf(table)} in access exclusive mode;`;
  const row = `${step.direction === "up" ? keep.up(table, kept) : keep.down(table, kept)}; ${remembering(keeper, sql, step)}`;
  if (step.direction === "down") return { open: lock, check: "", row: `${row};` };
  const present = keep.present(table, kept);
  const guard = present === null ? "" : raiseIf(present, `${revision} is in the history of ${tool.title}`);
  const intruder = input.live ? keep.intruder : undefined;
  if (intruder === undefined) return { open: `${lock} ${block(guard)}`, check: "", row: `${row};` };
  const busy = raiseIf(intruder.atWork(table, kept), `${revision} is being carried out by ${tool.title}`);
  // Under the lock nobody reads any more; who has read before is given the time to show what it is about.
  const open = block(`${afterReaders(intruder.readers(table))} ${guard} ${busy}`);
  return {
    open: `${lock} ${open}`,
    check: block(`perform pg_stat_clear_snapshot(); ${busy}`),
    row: `${row};`,
  };
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

function raiseIf(query: string, message: string): string {
  return `if exists (${query}) then raise exception using errcode = '${PRESENT_SQLSTATE}', message = ${stored(message)}; end if;`;
}

/** Until each is gone, has gone on to something that can be seen, or has done nothing for a while. */
function afterReaders(readers: string): string {
  return `pids := array(${readers});
 for attempt in 1..100 loop
  exit when not exists (select from (${readers}) r where r.pid = any (pids));
  perform pg_sleep(0.02);
  perform pg_stat_clear_snapshot();
 end loop;`;
}

function block(statements: string): string {
  if (statements === "") return "";
  const body = ` declare pids integer[]; begin ${statements} end `;
  let tag = "$kept$";
  while (body.includes(tag)) tag = `$k${tag.slice(1)}`;
  return `do ${tag}${body}${tag};`;
}

export function appliedByTool(message: string, cause: unknown): PlanRefused {
  return new PlanRefused(
    [
      {
        code: "ADOPT_TOOL_RUNNING",
        message: `${message}: it was applied there while this run was at work. Nothing of it was done here.`,
        hint: "Let the other tool finish, then run again: what it did is taken over.",
      },
    ],
    { cause },
  );
}

export interface KeptRow {
  readonly keeper: Keeper | null;
  readonly files: Listing;
  readonly revision: string;
  readonly direction: Direction;
}

/** For a revision whose present text counts from now on: what the tool compares with it, as SQL. */
export async function acceptedRow(
  target: Target,
  _connection: Connection,
  { keeper, files, revision }: KeptRow,
): Promise<string> {
  const migration = files.migrations.find(({ id }) => id === revision) ?? null;
  if (keeper === null || keeper.create !== null || migration === null) return "";
  const ledger = target.ledger.sql.historyTable;
  const key = migration.tool ?? null;
  const step = { revision, key, text: null, ledger, previous: keeper.previous(revision) };
  const row = keeper.keep.accept?.(keeper.table, step) ?? null;
  return row === null ? "" : `${row};`;
}

/** For a revision that is declared and not run: the row as SQL; nothing where the tool has it already. */
export async function keptRow(
  target: Target,
  connection: Connection,
  { keeper, files, revision, direction }: KeptRow,
): Promise<string> {
  if (keeper === null) return "";
  const migration = files.migrations.find(({ id }) => id === revision) ?? null;
  if (migration === null && direction === "up") return "";
  const content = migration === null ? null : await target.source.read(migration, "up");
  const text = content?.kind === "sql" ? content.text : null;
  const key = migration?.tool ?? null;
  const ledger = target.ledger.sql.historyTable;
  const step = { revision, key, text, ledger, previous: keeper.previous(revision) };
  const { table, keep } = keeper;
  const remember = remembering(keeper, target.ledger.sql, { revision, direction });
  const present = direction === "up" && keeper.create === null ? keep.present(table, step) : null;
  if (present !== null && (await connection.query(present)).rows.length > 0) return "";
  const create = keeper.create === null ? "" : `${keeper.create};`;
  return `${create} ${direction === "up" ? keep.up(table, step) : keep.down(table, step)}; ${remember};`;
}
