/**
 * Turns the events of a run into lines on stderr. On a terminal the running step is one line that is rewritten every
 * second. Elsewhere each step is a line, and a long step is reported about every ten seconds.
 */

import type { Step } from "../../core/plan.ts";
import { endSession } from "../../core/sql/end-session.ts";
import type { Blocker } from "../../database/connection.ts";
import type { Problem } from "../../errors.ts";
import type { Observe, RunEvent } from "../../run/report/events.ts";
import type { Rollback } from "../../run/report/report.ts";
import { redact } from "../../std/secret.ts";
import { joinSentences } from "../../std/sentences.ts";
import { formatDuration } from "../../std/time.ts";
import { createBackfillProgress } from "./backfill-progress.ts";
import { createImportProgress } from "./import-progress.ts";
import type { Level, Log } from "./log.ts";

const REPORT_EVERY_MS = 10_000;
/** From then on a wait for another run comes with the way to end it. Most runs are over before. */
const HELP_AFTER_MS = 30_000;

/** For so long what a backfill has said of itself holds. */
const TOLD_MS = 3_000;

export interface ProgressWriter {
  readonly observe: Observe;
}

export function createProgress(log: Log): ProgressWriter {
  let reportedAt = 0;
  /** In this try of the step, who is in the way and was said. */
  const said = new Set<number>();
  let verb = "applied";
  let sayHolderAtMs = 0;
  /** Until then the line of a backfill is the newer one. */
  let toldUntil = 0;
  const onImport = createImportProgress(log);
  const onBackfill = createBackfillProgress(log);

  const sayNews = (who: string, blockers: readonly Blocker[], fields: Waiting["fields"]) => {
    sayBlockers(log, who, { blockers: blockers.filter(({ pid }) => !said.has(pid)), fields });
    for (const { pid } of blockers) said.add(pid);
  };

  const onProgress = ({ step, elapsedMs, blockers }: RunEvent & { kind: "step-progress" }) => {
    // A backfill says more of itself.
    if (blockers.length === 0 && performance.now() < toldUntil) return;
    const waiting = blockers.length > 0 ? `, waiting for ${describeBlocker(blockers[0])}` : "";
    log.live(`${step.revision} ${formatDuration(elapsedMs)}${waiting}`);
    sayNews(step.revision, blockers, fieldsOf(step));
    if (elapsedMs - reportedAt < REPORT_EVERY_MS) return;
    reportedAt = elapsedMs;
    log.write("info", `${step.revision} has been running for ${formatDuration(elapsedMs)}${waiting}`, {
      ...fieldsOf(step),
      duration: elapsedMs,
      unlessLive: true,
    });
  };

  const observe = (event: RunEvent): void => {
    switch (event.kind) {
      case "database-waiting":
        log.write(
          "warn",
          `${event.problem.message} Try ${event.attempt} of ${event.attempts}, again in ${formatDuration(event.delayMs)}`,
          { code: event.problem.code },
        );
        return;
      case "connected":
        log.write(
          "debug",
          `connected to database ${event.database} as ${event.user}, PostgreSQL ${Math.floor(event.version / 10_000)}.${event.version % 10_000}`,
        );
        return;
      case "lock-waiting":
        if (event.waitedMs >= sayHolderAtMs) {
          while (sayHolderAtMs <= event.waitedMs) sayHolderAtMs = Math.max(HELP_AFTER_MS, sayHolderAtMs * 2);
          sayHolder(log, event);
        } else log.live(waitingLine(event));
        return;
      case "lock-acquired":
        sayHolderAtMs = 0;
        log.live("");
        if (event.waitedMs > 1000) log.write("info", `got the lock after ${formatDuration(event.waitedMs)}`);
        return;
      case "adopted": {
        const { revisions, title, table } = event;
        const what = revisions.length === 1 ? revisions[0] : `${revisions.length} migrations`;
        log.write("info", `${title} has applied ${what} (${table}): adopted into the ledger`);
        return;
      }
      case "told": {
        const { revisions, title, table } = event;
        const what = revisions.length === 1 ? revisions[0] : `${revisions.length} migrations`;
        const are = revisions.length === 1 ? "is" : "are";
        log.write("info", `${what}, applied before, ${are} now also in the history of ${title} (${table})`);
        return;
      }
      case "planned":
        verb = event.plan.direction === "up" ? "applied" : "reverted";
        return;
      case "warning":
        log.problem("warn", event.problem);
        return;
      case "step-started":
        reportedAt = 0;
        toldUntil = 0;
        said.clear();
        log.live(`${event.step.revision} …`);
        log.write("debug", `${event.step.revision} begins`, fieldsOf(event.step));
        return;
      case "statement-started":
        log.write(
          "debug",
          `${event.step.revision} statement ${event.position}: ${firstLine(event.text)}`,
          fieldsOf(event.step),
        );
        return;
      case "step-progress":
        onProgress(event);
        return;
      case "waiting-for-backfill":
        onBackfill(event);
        return;
      case "backfill-progress":
      case "backfill-beside":
      case "backfill-paused":
      case "backfill-resumed":
      case "backfill-unseen":
      case "backfill-held":
        toldUntil = event.kind === "backfill-paused" ? Number.POSITIVE_INFINITY : performance.now() + TOLD_MS;
        onBackfill(event);
        return;
      case "step-retry":
        sayNews(event.step.revision, event.blockers, fieldsOf(event.step));
        said.clear();
        log.write("warn", `${event.step.revision}: ${rolledBack(event)}`, {
          ...fieldsOf(event.step),
          code: event.problem.code,
        });
        return;
      case "run-retry":
        sayNews("the run", event.blockers, {});
        said.clear();
        log.write("warn", rolledBack(event), { code: event.problem.code });
        return;
      case "step-done": {
        const { durationMs, attempts } = event.report;
        const tries = attempts > 1 ? `, ${attempts} tries` : "";
        log.done(`${event.step.revision} ${verb}`, `${formatDuration(durationMs)}${tries}`, {
          ...fieldsOf(event.step),
          duration: durationMs,
        });
        return;
      }
      case "step-failed":
        log.failed(`${event.step.revision} failed`, fieldsOf(event.step));
        return;
      case "log":
        log.write(event.level, `${event.step.revision}: ${event.message}`, fieldsOf(event.step));
        return;
      case "notice":
        log.write("debug", `${event.severity.toLowerCase()} from the server: ${event.message}`);
        return;
      case "connection-lost":
        log.write("warn", `${event.problem.message} Connecting again; what was committed stays`, {
          code: event.problem.code,
        });
        return;
      case "thumbnails-progress":
        log.live(event.total === 0 ? "" : `pictures of ${event.import}: ${event.done} of ${event.total}`);
        return;
      case "check-started":
        log.live(`check ${event.check} …`);
        return;
      case "check-done":
        if (event.problem === null)
          log.done(`check ${event.check} passed`, formatDuration(event.durationMs), {
            duration: event.durationMs,
          });
        else log.failed(`check ${event.check} failed`, { code: event.problem.code });
        return;
      case "rollback-started":
        log.write("warn", `The run has failed: taking back ${event.revisions.join(", ")}`);
        return;
      case "rollback-done":
        sayRollback(log, event.rollback);
        return;
      case "finished":
        log.live("");
        return;
      case "drift-checked": // a warning names what was found
        return;
      default:
        onImport(event);
    }
  };
  return { observe };
}

function rolledBack({
  problem,
  attempt,
  attempts,
  delayMs,
}: RunEvent & { readonly kind: "step-retry" | "run-retry" }): string {
  const next = `Rolled back; try ${attempt + 1} of ${attempts} in ${formatDuration(delayMs)}`;
  return joinSentences(problem.message, next) ?? next;
}

/** What became of what the failed run had applied. */
function sayRollback(log: Log, { outcome, reverted, kept, unknown, problem }: Rollback): void {
  const named = (names: readonly string[]) => (names.length === 0 ? "nothing" : names.join(", "));
  if (outcome === "done") {
    log.write("warn", `Taken back: ${named(reverted)}. Nothing that this run applied is left`);
    return;
  }
  const open = unknown.length === 0 ? "" : `; not known: ${unknown.join(", ")}`;
  log.write("error", `Taken back: ${named(reverted)}; still applied: ${named(kept)}${open}`);
  if (problem !== undefined) log.problem("error", problem);
}

function describeBlocker(blocker: Blocker | undefined): string {
  if (blocker === undefined) return "nobody";
  const { pid, user, applicationName, state, transactionAgeMs } = blocker;
  const what = [
    ...(user === null ? [] : [`user ${user}`]),
    ...(applicationName === "" ? [] : [applicationName]),
    ...(state === null ? [] : [state]),
    ...(transactionAgeMs === null ? [] : [`in its transaction for ${formatDuration(transactionAgeMs)}`]),
  ];
  return `process ${pid} (${what.join(", ")})`;
}

interface Waiting {
  readonly blockers: readonly Blocker[];
  readonly fields: Readonly<Record<string, unknown>>;
}

function sayBlockers(log: Log, who: string, { blockers, fields }: Waiting): void {
  for (const blocker of blockers)
    log.write("warn", `${who} is waiting for ${describeBlocker(blocker)}: ${firstLine(blocker.query)}`, {
      ...fields,
      hint: `to end it: ${endSession(blocker.pid)}`,
    });
}

type LockWaiting = RunEvent & { kind: "lock-waiting" };

/** Many containers may wait at once, so each says it at growing distances: at once, after 30 s, 60 s, 2 min, … */
function sayHolder(log: Log, event: LockWaiting): void {
  const { holder, waitedMs } = event;
  const hint =
    holder === null || waitedMs < HELP_AFTER_MS
      ? {}
      : { hint: `${holder.note ?? "to end it"}: ${holder.release}` };
  log.write("info", waitingLine(event), hint);
}

function waitingLine({ holder, waitedMs, tool }: LockWaiting): string {
  const waited = waitedMs < 1000 ? "" : ` for ${formatDuration(waitedMs)}`;
  const whom = tool === undefined ? "another run" : `${tool}, which holds its own lock`;
  if (holder === null) return `waiting${waited} for ${whom}`;
  const { pid, host, user, heldForMs, doing, statementForMs } = holder;
  const who = [...(pid === null ? [] : [`process ${pid}`]), ...(host === null ? [] : [`on ${host}`])];
  if (waitedMs < HELP_AFTER_MS)
    return `waiting${waited} for ${whom}${who.length === 0 ? "" : `: ${who.join(" ")}`}`;
  const what = [
    ...who,
    ...(user === null ? [] : [`user ${user}`]),
    ...(heldForMs === null ? [] : [`holding it for ${formatDuration(heldForMs)}`]),
    ...(statementForMs == null ? [] : [`in its statement for ${formatDuration(statementForMs)}`]),
  ];
  return `waiting${waited} for ${whom}: ${what.join(", ")}${doing === null ? "" : `: ${firstLine(doing)}`}`;
}

function fieldsOf(step: Step) {
  return { filename: step.file };
}

function firstLine(text: string): string {
  const [line = ""] = redact(text).trim().split(/\r?\n/, 1);
  return line.length > 100 ? `${line.slice(0, 99)}…` : line;
}

export type { Level, Problem };
