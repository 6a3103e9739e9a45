/**
 * Corrects what the ledger says, never what is in the database. Each correction is logged with who, where
 * and when. Refused for a ledger of another project, and for another database than the one confirmed.
 */

import { runningAmong } from "../core/background.ts";
import type { Direction } from "../core/migration.ts";
import { sharesVersion } from "../core/version.ts";
import type { Result } from "../database/connection.ts";
import { ConfigError, PlanRefused, type Problem } from "../errors.ts";
import { damaged } from "../ledger/damage.ts";
import type { RecordedHistory } from "../ledger/ledger.ts";
import type { LogEntry } from "../ledger/rows.ts";
import type { Listing } from "../source/source.ts";
import { matchRows } from "../tools/match.ts";
import { type Applied, describeTable, type ToolRow } from "../tools/tool.ts";
import { lostIn, twinIn, unsettledIn } from "./adopt/answers.ts";
import { acceptedOver, backfillLeft, refuseLostAccept } from "./backfill-left.ts";
import { type Correction, correctedRows, findRevision, type Repair, unchanged } from "./corrections.ts";
import { runningBackfills } from "./half-done.ts";
import { declaredGuard, notDeclared } from "./mirror/declared-guard.ts";
import { acceptedRow, mirroredRow, rememberedRow, renamedFrom, renamedRow } from "./mirror/mirror.ts";
import { type Advisory, keepToolOut, refuseLockedRow } from "./mirror/tool-lock.ts";
import { lookAt, type ToolView } from "./mirror/tool-look.ts";
import { firstLook, forgetRow, seenRow, settleRow } from "./mirror/tool-memory.ts";
import { type RepairPlace, rebuild } from "./rebuild.ts";
import { refusedRepair } from "./repairable.ts";
import { withWarnings } from "./session/local-commits.ts";
import { withLock } from "./session/locked.ts";
import { refuseForeignRepair } from "./session/owner.ts";
import type { RunContext, Target } from "./session/target.ts";
import { writeUnderLock } from "./session/transaction.ts";

export interface RepairReport {
  readonly target: string;
  readonly database: string;
  readonly kind: Repair["kind"];
  /** `null`: all that was lost (`rebuild`). */
  readonly revision: string | null;
  /** `down`: the row stood half-way back, and what was said is about its way back. */
  readonly direction: Direction;
  /** The history of another tool that was written as well, with its table; `null`: none. */
  readonly told: string | null;
  readonly warnings: readonly Problem[];
  /** The history of another tool that still has the checksum of what an accepted file said before; `null`: none. */
  readonly stale: string | null;
  /** Revisions whose rows `rebuild` has created again. */
  readonly rebuilt: readonly string[];
  /** Of those that `rebuild` found, what a person has to decide. */
  readonly left: readonly string[];
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
    const history = await target.ledger.read(connection, { evenDamaged: true });
    refuseForeignRepair(target, files, history);
    const place = { target, connection, lock, context, files, history };
    const done =
      request.kind === "rebuild"
        ? { revision: null, direction: "up" as const, told: null, stale: null, ...(await rebuild(place)) }
        : await correct(place, request);
    return { target: target.name, database, kind: request.kind, ...done } as const;
  });
  return { ...report, warnings: warnings() };
}

async function correct(
  { target, connection, lock, context, files, history }: RepairPlace,
  request: Correction,
): Promise<Omit<RepairReport, "target" | "database" | "kind" | "warnings">> {
  const revision = findRevision(request, files, history);
  const { damage } = history;
  const contradicted =
    damage !== null &&
    (damage.returned.includes(revision) || damage.lost.some((one) => one.revision === revision));
  const open = contradicted || damage?.halfWay.includes(revision) === true;
  const refusal = damage === null || open ? null : damaged(damage);
  if (refusal !== null) throw refusal;
  const entry = history.entries.find((one) => one.revision === revision);
  const running = runningAmong([revision], {
    ...history,
    running: await runningBackfills(target, connection, [revision]),
  });
  if (running[0] !== undefined) throw new PlanRefused([running[0]]);
  const reverting = entry?.state === "reverting";
  const position = ("position" in request ? request.position : null) ?? null;
  const kind = request.kind;
  const sql = target.ledger.sql;
  // The other tool is told the same. Otherwise the next run would adopt the difference from its history.
  const direction = kind === "forget" || reverting ? "down" : "up";
  // Only the log says what was adopted. Without it, the other tool is told nothing.
  const isTold = position === null && kind !== "retry" && damage?.tables.includes("migration_log") !== true;
  const hold = (advisory: Advisory) => keepToolOut(target, connection, advisory, context);
  const look = isTold ? await lookAt(target, connection, { files, history, runsNothing: true }, hold) : null;
  if (look?.found !== undefined) await refuseLockedRow(connection, look.found);
  const mirror = look?.mirror ?? null;
  const parents = entry === undefined ? {} : { parents: entry.parents };
  const row = { mirror, files, revision, direction, ...parents } as const;
  const known = new Set(history.entries.map((one) => one.revision));
  // The file was renamed, and its new name is applied: the tool's row belongs to that name, and stays.
  const isNamesakes =
    kind === "forget" && files.migrations.some((one) => known.has(one.id) && sharesVersion(one, revision));
  if (kind === "mark-done" && isTold && direction === "up" && look?.mirror != null)
    refuseSwallowed(look, { files, revision });
  const rowsThere = look?.found?.history.rows ?? [];
  const from =
    kind === "mark-done" ? renamedFrom(mirror, { history, files, revision, rows: rowsThere }) : null;
  const moved =
    mirror === null || from === null ? null : renamedRow(target, mirror, { files, revision, from });
  const write = kind === "accept" ? acceptedRow : mirroredRow;
  const kept = isNamesakes ? "" : (moved?.kept ?? (await write(target, connection, row)));
  // What is there although the tool's row is gone is not missed any more.
  const isLost = look !== null && mirror === null && lostIn(look).has(revision);
  const twin = kind === "mark-done" && look !== null ? twinIn(look, revision) : undefined;
  const there =
    look === null
      ? ""
      : [firstLook(target, look), seenRow(target, look, revision)].filter((sql) => sql !== "").join("; ");
  // Its row is gone from the tool's history, or is removed now: one that appears later is the tool's doing.
  const isOut =
    kind === "forget" && look !== null && !isNamesakes && (mirror !== null || !hasRow(look, revision));
  const memory = {
    "mark-done": () =>
      look === null
        ? ""
        : [
            ...(twin === undefined ? [] : [`${settleRow(target, look, twin)};`]),
            ...(isLost ? [`${forgetRow(target, look, revision)};`] : []),
            ...(there === "" ? [] : [`${there};`]),
            ...(isLost || kept === "" ? [] : [moved?.memory ?? rememberedRow(target, row)]),
          ].join(" "),
    forget: () => (look === null || !isOut ? "" : `${forgetRow(target, look, revision)};`),
    accept: () => "",
    retry: () => "",
  }[kind]();
  const without = !history.created || damage?.tables.includes("migration_statements") === true;
  await refuseLostAccept(target, connection, { files, kind, revision, state: entry?.state });
  const refused = refusedRepair(
    { kind, position },
    {
      revision,
      entry,
      migration: files.migrations.find((one) => one.id === revision),
      statements: without
        ? []
        : await target.ledger.statements(connection, revision, reverting ? "down" : "up"),
      contradicted,
      rowMissing: kind === "mark-done" && direction === "up" && (kept !== "" || isLost || twin !== undefined),
      halfFilled:
        entry?.state === "partial" && (await target.ledger.backfills.state(connection, revision)) !== null,
    },
  );
  if (refused !== null) throw new PlanRefused([refused]);
  if (!history.created) await target.ledger.create(connection, target.settings.project);
  const rows = await correctedRows(target, { ...request, revision }, files, history);
  const stands = { kind, revision, state: entry?.state };
  const logged: LogEntry = {
    event: EVENTS[kind],
    revision,
    direction: reverting ? "down" : null,
    durationMs: null,
    details: position !== null ? { position } : await acceptedOver(target, connection, stands),
  };
  const [before, after] = frameOf(target, history);
  const own = `${rows(sql, context)}; ${sql.log(context, logged)};`;
  const declared = kind === "mark-done" && direction === "up" && kept !== "" ? mirror : null;
  const guard =
    declared === null ? "" : await declaredGuard(target, declared, { files, revisions: [revision] });
  const isWhole = position === null && damage === null;
  const left = isWhole ? await backfillLeft(target, connection, { ...row, ...stands }) : null;
  const results = await writeUnderLock(
    connection,
    lock,
    `${guard} ${before} ${own} ${memory} ${after} ${MARK} ${kept}`,
  ).catch((error: unknown) => {
    throw notDeclared(error, declared);
  });
  if (results.at(-1)?.command !== "COMMIT") throw unchanged(revision);
  if (left !== null) context.observe({ kind: "warning", problem: left });
  const told =
    mirror === null || !hasWritten(results) ? null : `${mirror.tool.title} (${describeTable(mirror.table)})`;
  const answer = { revision, direction: reverting ? "down" : "up", told } as const;
  const stale = kind === "accept" && told === null ? staleIn(look, revision) : null;
  return { ...answer, stale, rebuilt: [], left: [] };
}

/**
 * Throws `PlanRefused` if the row of this one implies others of which nobody has said what became of them. These are
 * missed, or only the tool's present number speaks of them. Nobody would be asked about them again.
 */
function refuseSwallowed(look: ToolView, { files, revision }: { files: Listing; revision: string }): void {
  const { tool, sets } = look;
  const migration = files.migrations.find(({ id }) => id === revision);
  if (sets === null || tool.writer?.moved === undefined || migration === undefined) return;
  const number = tool.layouts.length === 0 ? undefined : /^\d+/.exec(revision)?.[0];
  const version = migration.tool?.version ?? number ?? revision;
  const row: ToolRow = { keys: [version], name: version, checksum: null, at: null };
  const { applied } = matchRows(tool, { rows: [row], problems: [], warnings: [] }, files.migrations);
  const lost = lostIn(look);
  const open = new Set([...lost, ...unsettledIn(sets)]);
  const { known, takenOut } = sets.ours;
  // What is pending would count as applied there from now on, and the next run would take it over.
  const isPending = ({ id, implied }: Applied) =>
    implied?.declared === true && !known.has(id) && !takenOut.has(id);
  const [first, ...others] = applied.flatMap((one) =>
    one.id !== revision && (open.has(one.id) || isPending(one)) ? [one.id] : [],
  );
  if (first === undefined) return;
  const otherwise = lost.has(first)
    ? `\`godwit repair --forget ${first}\` if it was taken back`
    : tool.layouts.length === 0
      ? `\`godwit up ${first}\` if it is not`
      : `if it is not, set the number of ${tool.title} to the last one that is`;
  throw new PlanRefused([
    {
      code: "REPAIR_REFUSED",
      message: `${tool.title} would take ${[first, ...others].join(", ")} for applied with ${revision}, and nobody has said what became of ${others.length === 0 ? "it" : "them"}.`,
      hint: `Say that first: \`godwit repair --mark-done ${first}\` if it is there, ${otherwise}; or \`godwit baseline ${revision}\` if all of it is there. Nothing was changed.`,
      details: { revision, first: [first, ...others] },
    },
  ]);
}

function hasRow({ sets }: ToolView, revision: string): boolean {
  return sets?.match.applied.some(({ id, row }) => id === revision && row !== null) === true;
}

/** The history of another tool that still has the checksum of the text that was applied, and may refuse the new one. */
function staleIn(look: ToolView | null, revision: string): string | null {
  if (look?.found === undefined) return null;
  const { mirror, found, sets } = look;
  const own = sets?.match.applied.find(({ id }) => id === revision)?.row;
  const holds = mirror === null ? own?.checksum != null : mirror.writer.ownFiles === true;
  return holds ? `${found.tool.title} (${describeTable(found.table)})` : null;
}

/**
 * Creates missing tables of the ledger for the correction. The table of statements is dropped again if it was missing: an empty
 * one would say of each half-done migration that no statement of it is done.
 */
function frameOf(target: Target, { damage }: RecordedHistory): readonly [string, string] {
  if (damage === null || damage.tables.length === 0) return ["", ""];
  const { sql } = target.ledger;
  const drop = damage.tables.includes("migration_statements") ? `${sql.dropStatements()};` : "";
  return [sql.create(target.settings.project), drop];
}

/** Stands before the statements for the tool's table, so that their results can be told from ours. */
const MARK = "select 'tool' as mark;";

/** Whether the statements for the tool's table have changed a row. */
function hasWritten(results: readonly Result[]): boolean {
  const mark = results.findIndex(({ rows }) => rows[0]?.mark === "tool");
  return results
    .slice(mark + 1, -1)
    .some(
      ({ command, rowCount }) => !["DELETE", "UPDATE", "INSERT"].includes(command) || (rowCount ?? 0) > 0,
    );
}

const EVENTS = {
  accept: "accepted",
  forget: "forgotten",
  "mark-done": "marked-done",
  retry: "retry",
} as const;
