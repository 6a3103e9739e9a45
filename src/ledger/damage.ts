/**
 * A damaged ledger: tables are missing or contradict each other. A run refuses it, because to go on would be a guess.
 */
import type { HistoryEntry } from "../core/history.ts";
import { PlanRefused, type Problem } from "../errors.ts";
import type { LedgerTable } from "./damage-sql.ts";

export interface Damage {
  readonly schema: string;
  /** Tables that are gone, or that have lost the one row that they hold. */
  readonly tables: readonly LedgerTable[];
  /** Revisions that the log or the statements know and the history does not. In the order of the log. */
  readonly lost: readonly Lost[];
  /** Revisions that have a row in the history, although the log says that they were reverted. */
  readonly returned: readonly string[];
  /** Unfinished revisions whose progress was in a table that is gone. */
  readonly halfWay: readonly string[];
}

export interface Lost {
  readonly revision: string;
  readonly state: HistoryEntry["state"];
  /** What the log says about it. `null`: it was started and never completed. */
  readonly logged: Logged | null;
}

export interface Logged {
  readonly at: string;
  readonly event: string;
  readonly runId: string;
  readonly durationMs: number | null;
  readonly executedBy: string;
  readonly host: string;
  readonly gitCommit: string | null;
  readonly version: string;
  readonly details: Readonly<Record<string, unknown>> | null;
}

export function damaged(damage: Damage): PlanRefused | null {
  const [first, ...others] = [
    ...(damage.tables.length > 0 ? [withoutTables(damage)] : damage.lost.length > 0 ? [lost(damage)] : []),
    ...(damage.returned.length > 0 ? [returned(damage)] : []),
  ];
  return first === undefined ? null : new PlanRefused([first, ...others]);
}

/** Whether both the history and the log are gone, so that nothing says what is applied. */
export function isBeyondRebuilding({ tables }: Damage): boolean {
  return tables.includes("migration_history") && tables.includes("migration_log");
}

function withoutTables(damage: Damage): Problem {
  const { schema, tables, lost, halfWay } = damage;
  const message = [
    `The ledger in schema "${schema}" has lost ${tables.join(", ")}`,
    ...(lost.length === 0 ? [] : [`what is left of it says that ${there(lost)}`]),
  ].join("; ");
  const left = LEFT.filter((table) => !tables.includes(table)).map((table) => `"${schema}".${table}`);
  const hint = isBeyondRebuilding(damage)
    ? `Restore them from a backup. Where there is none: drop what is left (drop table ${left.join(", ")};), then declare what is in the database with \`godwit baseline <revision>\`.`
    : halfWay.length > 0
      ? `Restore them from a backup; or look how far ${namesOf(halfWay)} got, say it with \`godwit repair --mark-done ${halfWay[0]}\` (all of it) or \`godwit repair --forget ${halfWay[0]}\` (nothing of it), then \`godwit repair --rebuild\`.`
      : "Restore them from a backup, or rebuild them from what is left: `godwit repair --rebuild`. Nothing was changed.";
  return {
    code: "LEDGER_DAMAGED",
    message: `${message}.`,
    hint,
    details: { tables, lost: revisionsOf(lost) },
  };
}

const LEFT: readonly LedgerTable[] = ["migration_ledger", "migration_statements", "migration_tool_rows"];

function lost({ schema, lost }: Damage): Problem {
  const [first] = lost;
  return {
    code: "LEDGER_DAMAGED",
    message: `migration_history in schema "${schema}" has lost rows: the rest of the ledger says that ${there(lost)}.`,
    hint: `Restore them from a backup, or rebuild them from the log and the files: \`godwit repair --rebuild\`. What is not in the database: \`godwit repair --forget ${first?.revision}\`. Nothing was changed.`,
    details: { lost: revisionsOf(lost) },
  };
}

function returned({ schema, returned }: Damage): Problem {
  return {
    code: "LEDGER_DAMAGED",
    message: `migration_history in schema "${schema}" says that ${namesOf(returned)} ${are(returned)} applied, and the log that ${returned.length === 1 ? "it was" : "they were"} taken back.`,
    hint: `Restore both from one backup; or look at the database, and say of each: \`godwit repair --mark-done ${returned[0]}\` (it is there) or \`godwit repair --forget ${returned[0]}\` (it is not). Nothing was changed.`,
    details: { returned },
  };
}

function there(lost: readonly Lost[]): string {
  const applied = lost.filter(({ state }) => state === "applied");
  const others = lost.filter(({ state }) => state !== "applied");
  return [
    ...(applied.length === 0 ? [] : [`${namesOf(revisionsOf(applied))} ${are(applied)} applied`]),
    ...(others.length === 0 ? [] : [`${namesOf(revisionsOf(others))} ${are(others)} half-way`]),
  ].join(" and ");
}

function are(list: readonly unknown[]): string {
  return list.length === 1 ? "is" : "are";
}

function revisionsOf(lost: readonly Lost[]): readonly string[] {
  return lost.map(({ revision }) => revision);
}

function namesOf(ids: readonly string[]): string {
  return ids.length > 5 ? `${ids.slice(0, 4).join(", ")} and ${ids.length - 4} more` : ids.join(", ");
}
