/**
 * Corrects what the ledger says, never what is in the database. Each correction is logged with who, where
 * and when. Refused for a ledger of another project, and for another database than the one confirmed.
 */

import type { HistoryEntry } from "../core/history.ts";
import { type Direction, PHASES } from "../core/migration.ts";
import { plan } from "../core/plan.ts";
import { resolveRevision } from "../core/revision.ts";
import { literal } from "../core/sql/quote.ts";
import { ConfigError, GodwitError, PlanRefused, type Problem, problemsOf } from "../errors.ts";
import type { RecordedHistory } from "../ledger/ledger.ts";
import type { Author, LedgerSql, LogEntry } from "../ledger/sql.ts";
import type { Listing } from "../source/source.ts";
import { describeTable } from "../tools/tool.ts";
import { lookAt } from "./adoption.ts";
import { entryFor } from "./entry.ts";
import { keptRow } from "./keep.ts";
import { withWarnings } from "./local-commits.ts";
import { withLock } from "./locked.ts";
import { planInput } from "./migrate.ts";
import type { RunContext, Target } from "./target.ts";
import { forgetRow } from "./tool-memory.ts";

export type Repair =
  /** The file was edited on purpose: its present text is the one that counts. */
  | { readonly kind: "accept"; readonly revision: string }
  /** The row goes; the file, if there is one, is pending again. */
  | { readonly kind: "forget"; readonly revision: string }
  /**
   * Complete, says a person who looked: a whole migration, or one statement of it. One that stopped on its way back is
   * complete when it is taken back: its row goes.
   */
  | { readonly kind: "mark-done"; readonly revision: string; readonly position: number | null }
  /** Without effect, says a person who looked: it may run again. */
  | { readonly kind: "retry"; readonly revision: string; readonly position: number | null };

export interface RepairReport {
  readonly target: string;
  readonly database: string;
  readonly kind: Repair["kind"];
  readonly revision: string;
  /** `down`: the row stood half-way back, and what was said is about its way back. */
  readonly direction: Direction;
  /** The history of another tool that was written as well, with its table; `null`: none. */
  readonly told: string | null;
  readonly warnings: readonly Problem[];
}

export interface RepairOptions {
  /** The name of the database that the person believes to be repairing. */
  readonly confirm: string;
}

export async function repair(
  target: Target,
  request: Repair,
  options: RepairOptions,
  given: RunContext,
): Promise<RepairReport> {
  const { context, warnings } = withWarnings(given);
  const files = await target.source.list();
  const report = await withLock(target, context, async (connection, lock) => {
    const { database } = connection.server;
    if (options.confirm !== database)
      throw new ConfigError({
        code: "CONFIG_INVALID",
        message: `This is database "${database}", not "${options.confirm}".`,
        hint: "Check the URL. Nothing was changed.",
      });
    const history = await target.ledger.read(connection);
    refuseForeign(target, files, history);
    if (!history.created && request.kind === "mark-done")
      await target.ledger.create(connection, target.settings.project);
    const revision = find(request, files, history);
    const rows = await statementsFor(target, { ...request, revision } as Repair, files, history);
    const reverting = stateOf(history, revision) === "reverting";
    const sql = target.ledger.sql;
    const logged: LogEntry = {
      event: EVENTS[request.kind],
      revision,
      direction: reverting ? "down" : null,
      durationMs: null,
      details: "position" in request && request.position !== null ? { position: request.position } : null,
    };
    // What the other tool is told must not differ, or it would be taken over again from there.
    const direction = request.kind === "forget" || reverting ? "down" : "up";
    const whole = !("position" in request) || request.position === null;
    const isTold = whole && (request.kind === "forget" || request.kind === "mark-done");
    const look = isTold ? await lookAt(target, connection, { files, history }) : null;
    const keeper = look?.keeper ?? null;
    const kept = await keptRow(target, connection, { keeper, files, revision, direction });
    // What is there although the tool's row is gone is not missed any more.
    const isMissed = look !== null && keeper === null && request.kind === "mark-done";
    const settled = isMissed ? forgetRow(target, look, revision) : "";
    const results = await connection.execute(
      `begin; ${lock.fence} ${rows(sql, context)}; ${sql.log(context, logged)}; ${kept} ${settled}; commit`,
    );
    if (results.at(-1)?.command !== "COMMIT") throw unchanged(revision);
    const told =
      keeper === null || kept === "" ? null : `${keeper.tool.title} (${describeTable(keeper.table)})`;
    return {
      target: target.name,
      database,
      kind: request.kind,
      revision,
      direction: reverting ? "down" : "up",
      told,
    } as const;
  });
  return { ...report, warnings: warnings() };
}

const EVENTS = {
  accept: "accepted",
  forget: "forgotten",
  "mark-done": "marked-done",
  retry: "retry",
} as const;

type Rows = (sql: LedgerSql, author: Author) => string;

async function statementsFor(
  target: Target,
  request: Repair,
  files: Listing,
  history: RecordedHistory,
): Promise<Rows> {
  const { revision } = request;
  const migration = files.migrations.find((one) => one.id === revision);
  const state = stateOf(history, revision);
  // One that stopped on its way back has its statements under that direction.
  const direction = state === "reverting" ? "down" : "up";
  switch (request.kind) {
    case "accept": {
      if (migration === undefined) throw missing(revision, "has no file");
      const row = await entryFor(target, migration);
      return (sql) => sql.accept(revision, row.checksum, row.fingerprint, row.revertScript);
    }
    case "forget":
      return (sql) =>
        `${sql.forgetStatements(revision, "up")}; ${sql.forgetStatements(revision, "down")}; ${sql.remove(revision)}`;
    case "mark-done": {
      if (request.position !== null)
        return (sql) => `${sql.statementDone(revision, direction, request.position as number)}`;
      // Complete is what was begun: of a way back, that it is taken back.
      if (direction === "down") return (sql, author) => sql.revert(revision, author);
      if (state !== undefined) return (sql) => sql.markApplied(revision);
      if (migration === undefined) throw missing(revision, "is neither in the files nor in the ledger");
      const row = await entryFor(target, migration);
      return (sql, author) => sql.baseline(row, author);
    }
    case "retry":
      if (request.position !== null)
        return (sql) => `${sql.forgetStatements(revision, direction)} and position = ${request.position}`;
      if (direction === "down")
        return (sql) => `${sql.forgetStatements(revision, direction)}; ${sql.markApplied(revision)}`;
      return (sql) =>
        `${sql.forgetStatements(revision, "up")}; ${sql.remove(revision)} and state = ${literal("partial")}`;
  }
}

function stateOf({ entries }: RecordedHistory, revision: string): HistoryEntry["state"] | undefined {
  return entries.find((entry) => entry.revision === revision)?.state;
}

function find(request: Repair, files: Listing, history: RecordedHistory): string {
  const known = new Set([
    ...history.entries.map((entry) => entry.revision),
    ...files.migrations.map((one) => one.id),
  ]);
  return resolveRevision(request.revision, [...known]);
}

/** The same judgement as before a run; every other problem is what repair is for. */
function refuseForeign(
  target: Target,
  files: Listing,
  history: { entries: readonly HistoryEntry[]; project: string | null },
): void {
  const goal = { direction: "up", to: "heads", phases: PHASES } as const;
  try {
    plan(planInput(target, { goal, failure: "stop", outOfOrder: true }, files, history));
  } catch (error) {
    if (!(error instanceof GodwitError)) throw error;
    const [foreign] = problemsOf(error).filter((problem) => problem.code === "LEDGER_FOREIGN");
    if (foreign !== undefined) throw new PlanRefused([foreign]);
  }
}

function missing(revision: string, why: string): ConfigError {
  return new ConfigError({
    code: "REVISION_UNKNOWN",
    message: `${revision} ${why}.`,
    hint: "godwit status lists what is known.",
  });
}

function unchanged(revision: string): ConfigError {
  return new ConfigError({
    code: "REVISION_UNKNOWN",
    message: `The ledger was not changed for ${revision}.`,
  });
}
