/** A step that was running when the connection was lost. The ledger says what of it was kept. */
import type { Step } from "../../core/plan.ts";
import type { Connection } from "../../database/connection.ts";
import { StepFailed } from "../../errors.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import { delay } from "../../std/time.ts";
import { advise, type Committed, NOTHING } from "../report/committed.ts";
import type { Target } from "../session/target.ts";
import { windowsKept } from "./backfill/kept.ts";
import { rowsGoneThrough } from "./backfill/undo-window.ts";
import { type Body, startOf, statementsOf } from "./body.ts";
import { openStatement } from "./resume.ts";

export async function endsSession(
  target: Target,
  connection: Connection,
  step: Step,
  { rerun, body }: { readonly rerun: string | undefined; readonly body: Body | null },
): Promise<{ readonly problem: StepFailed; readonly committed: Committed }> {
  const sql = body?.kind === "sql" ? body : null;
  const file = sql?.file ?? step.file;
  // Only what runs outside a transaction leaves a row before it is done.
  const begun = step.reason === "resume";
  const committed = begun ? await keptOf(target, connection, { step, body: sql }) : NOTHING;
  const line = committed.extent === "some" && committed.parts !== "windows" ? committed.line : undefined;
  const problem = new StepFailed({
    code: "STEP_FAILED",
    message: `The connection was lost twice while ${step.revision} was running; it is not tried again.`,
    place: line === undefined ? { file } : { file, line },
    hint: `Look into the server's log: a statement of it may crash the server or end its own session. ${advise(committed, { ...step, file, rerun, oldValues: body?.kind === "undo" })}`,
  });
  return { problem, committed };
}

/**
 * What of a step was kept. The ledger answers that, once no session of the run is left that may still commit: such a session goes
 * on at the server with what was sent to it, COMMIT too.
 */
export async function keptNow(
  target: Target,
  connection: Connection,
  { step, body }: { readonly step: Step; readonly body: Body | null },
): Promise<Committed> {
  const { entries } = await target.ledger.read(connection, { evenDamaged: true });
  const entry = entries.find(({ revision }) => revision === step.revision);
  const begun = entry?.state === (step.direction === "up" ? "partial" : "reverting");
  const sql = body?.kind === "sql" ? body : null;
  return begun ? await keptOf(target, connection, { step, body: sql }) : NOTHING;
}

/** How far a step is, in parts that stay: statements, and rows of a backfill or of its way back. */
export async function partsKept(
  ledger: Ledger,
  connection: Connection,
  { reason, revision, direction }: Step,
): Promise<number> {
  if (reason !== "resume") return 0;
  const recorded = await ledger.statements(connection, revision, direction);
  const statements = recorded.filter(({ state }) => state === "done").length;
  if (direction === "up")
    return statements + ((await ledger.backfills.state(connection, revision))?.rows ?? 0);
  const undone = await ledger.undo(connection, revision);
  return statements + (undone === null ? 0 : rowsGoneThrough(undone));
}

/** A session of ours at the server. */
export interface ServerSession {
  readonly pid: number;
  /** When we had it, on the clock of `performance.now()`. */
  readonly sinceMs: number;
}

const LOOK_EVERY_MS = 50;

/** Its number may be another's by now, which began later than ours. */
export async function endSession(connection: Connection, { pid, sinceMs }: ServerSession): Promise<void> {
  const ours = `from pg_catalog.pg_stat_activity where pid operator(pg_catalog.=) $1 and usename operator(pg_catalog.=) session_user
    and backend_start operator(pg_catalog.<=) (pg_catalog.clock_timestamp() operator(pg_catalog.-) $2::interval)`;
  const old = () => [pid, `${Math.floor(performance.now() - sinceMs)} ms`];
  await connection.query(`select pg_catalog.pg_terminate_backend(pid) ${ours}`, old());
  while ((await connection.query(`select pid ${ours}`, old())).rows.length > 0) await delay(LOOK_EVERY_MS);
}

async function keptOf(
  target: Target,
  connection: Connection,
  { step, body }: { readonly step: Step; readonly body: (Body & { kind: "sql" }) | null },
): Promise<Committed> {
  const recorded = await target.ledger.statements(connection, step.revision, step.direction);
  const begun = recorded.find(({ state }) => state === "started");
  if (begun !== undefined) return openStatement(body, begun.position);
  const done = recorded.length;
  if (done > 0) {
    // The statement behind the done ones is the one that ends the session.
    const statements = body === null ? [] : statementsOf(body);
    const next = statements[done];
    const { line, column } = body === null || next === undefined ? {} : startOf(body, next);
    const parts = body?.units === undefined ? "statements" : "transactions";
    return { extent: "some", done, line, column, count: body === null ? null : statements.length, parts };
  }
  const windows = await windowsKept(target.ledger, connection, step);
  if (windows !== null) return windows;
  return step.kind === "module" ? { extent: "unknown", position: null } : NOTHING;
}
