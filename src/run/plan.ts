/** What is asked of a plan: from the options of a run, the files and the ledger to the input of `core/plan.ts`. */
import { isBackground } from "../core/backfill.ts";
import { fingerprint, fingerprintsWithin } from "../core/checksum.ts";
import { graphOf } from "../core/graph.ts";
import type { History } from "../core/history.ts";
import type { Direction } from "../core/migration.ts";
import type { Goal, plan } from "../core/plan.ts";
import { withoutFile } from "../core/renamed.ts";
import { literal } from "../core/sql/quote.ts";
import { regclass } from "../core/sql/regclass.ts";
import type { PassedOver, Plan, PlanInput } from "../core/step.ts";
import type { Connection } from "../database/connection.ts";
import { SourceError } from "../errors.ts";
import type { RecordedHistory } from "../ledger/ledger.ts";
import type { MaxRisk } from "../prediction/max-risk.ts";
import type { Listing } from "../source/source.ts";
import type { Check } from "./checks/check.ts";
import { runningBackfills } from "./half-done.ts";
import type { Target } from "./session/target.ts";

export interface MigrateOptions {
  readonly goal: Goal;
  readonly failure: "stop" | "continue";
  readonly outOfOrder: boolean;
  /** `up`: what this run has applied is reverted if it fails. A plan without a way back is refused. */
  readonly rollback?: boolean | undefined;
  /** `up`: refused if the schema was changed by hand since the last run. */
  readonly requireNoDrift?: boolean | undefined;
  /** `up`: rehearses first, and is refused if a step is riskier than this. */
  readonly maxRisk?: Exclude<MaxRisk, "any"> | undefined;
  /** How long its steps will take, by their rehearsal. It is kept in the log, beside which `plan --calibration` puts what they took. */
  readonly predicted?: ReadonlyMap<string, number> | undefined;
  /** Throws if this may not be carried out. */
  readonly approve?: ((plan: Plan) => void) | undefined;
  /** `up`: what must hold before it and afterwards. */
  readonly checks?: readonly Check[] | undefined;
  /** Asked once the plan is known and has steps, before anything of it is done. It throws to refuse the run. */
  readonly beforeSteps?: ((connection: Connection) => Promise<void>) | undefined;
  /** `up`: waits for backfills that another run is carrying out, and then goes on with what needs them. */
  readonly waitForBackfills?: boolean | undefined;
  /** The moment from which backfills begin no window. */
  readonly until?: Date | undefined;
  /** `down`: exactly what the run with this id has applied. */
  readonly appliedBy?: string | undefined;
  /** Of a rollback: is told what is planned, and then says how to run again where a step fails. */
  readonly onPlanned?: ((input: PlanInput) => void) | undefined;
  readonly runAgain?: (() => string | undefined) | undefined;
  /** The name of the target, where the command has to name it. */
  readonly targetName?: string | undefined;
  /** The flags that a command needs to be about the same project, each with a space before it. */
  readonly projectFlags?: string | undefined;
}

/** Whether this is all there is, files included: `up`, `up heads`, and `up head`, as Alembic calls it. */
export function includesImports({ direction, to, phases }: Goal): boolean {
  return direction === "up" && (to === "head" || to === "heads") && phases.includes("import");
}

/**
 * With the pending files that hold the texts of applied ones without a file, as a squash makes them. Reads files only
 * where there are both.
 */
async function withPutTogether<H extends History>(
  { source, settings }: Target,
  { migrations }: Listing,
  history: H,
): Promise<H> {
  const known = new Set(history.entries.map(({ revision }) => revision));
  const pending = migrations.filter(({ id, kind }) => kind === "sql" && !known.has(id));
  const ids = new Set(migrations.map(({ id }) => id));
  if (pending.length === 0 || history.entries.every(({ revision }) => ids.has(revision))) return history;
  const gone = withoutFile(graphOf(migrations, { order: settings.order }), history);
  const wanted = new Map(
    gone.flatMap((one) => (one.fingerprint === null ? [] : [[one.fingerprint, one.revision]])),
  );
  wanted.delete(fingerprint(""));
  const found = new Map<string, readonly string[]>();
  for (const migration of wanted.size === 0 ? [] : pending) {
    if (migration.problem !== undefined) continue;
    // A file that cannot be read is reported when it is to run.
    const content = await source.read(migration, "up").catch(() => null);
    if (content?.kind !== "sql") continue;
    const within = fingerprintsWithin(content.text, new Set(wanted.keys()));
    const parts = [...within].flatMap((one) => wanted.get(one) ?? []);
    if (parts.length > 0) found.set(migration.id, parts);
  }
  return found.size === 0 ? history : { ...history, putTogether: found };
}

/**
 * What a plan has to know beside the ledger: pending files that hold the texts of applied ones, and how far half-done
 * backfills are that others may wait for.
 */
export async function forPlanning<H extends History>(
  target: Target,
  connection: Connection,
  { files, history }: { readonly files: Listing; readonly history: H },
): Promise<H> {
  const together = await withPutTogether(target, files, history);
  const backfillTables = await tablesOf(target, connection, { files, history });
  const known = backfillTables === null ? together : { ...together, backfillTables };
  const halfDone = new Set(known.entries.flatMap((one) => (one.state === "partial" ? [one.revision] : [])));
  const byId = new Map(files.migrations.map((migration) => [migration.id, migration]));
  // What has no file here may be a backfill of a newer release.
  const isBackfill = (id: string) => !byId.has(id) || byId.get(id)?.backfill !== undefined;
  if (![...halfDone].some(isBackfill)) return known;
  const recorded = await target.ledger.backfills.all(connection);
  const running = await runningBackfills(target, connection, halfDone);
  return { ...known, backfills: new Map(recorded.map((one) => [one.revision, one])), running };
}

/**
 * Which tables unfinished backfills name. `null`: nothing depends on it, because none of them is in the background, or all
 * name theirs in the same words. A table that is not there yet is left out.
 */
async function tablesOf(
  { settings }: Target,
  connection: Connection,
  { files, history }: { readonly files: Listing; readonly history: History },
): Promise<ReadonlyMap<string, string> | null> {
  const applied = new Set(history.entries.flatMap((one) => (one.state === "applied" ? [one.revision] : [])));
  const open = files.migrations.filter((one) => one.backfill !== undefined && !applied.has(one.id));
  const names = [...new Set(open.flatMap(({ backfill }) => backfill?.table ?? []))];
  if (names.length < 2 || !open.some(isBackground)) return null;
  const { searchPath } = settings;
  const path =
    searchPath === null ? "" : `select pg_catalog.set_config('search_path', ${literal(searchPath)}, true); `;
  const tables = new Map<string, string>();
  for (const name of names) {
    const asked = `${path}select ${regclass(name)}::pg_catalog.oid::pg_catalog.text as oid`;
    // What is no name is refused where its backfill begins.
    const answer = await connection.execute(asked).catch(() => []);
    const oid = answer.at(-1)?.rows[0]?.oid;
    if (typeof oid === "string") tables.set(name, oid);
  }
  return tables;
}

/** What a plan of this goal does: `base` and `-1` say how far to go back. */
export function directionOf(to: string): Direction {
  return to === "base" || /^-\d+$/.test(to) ? "down" : "up";
}

/** With what another tool takes for applied. */
export function beside(
  input: ReturnType<typeof planInput>,
  passedOver: ReadonlyMap<string, PassedOver>,
): ReturnType<typeof planInput> {
  return { ...input, policy: { ...input.policy, passedOver } };
}

export function planInput(
  target: Target,
  options: MigrateOptions,
  files: Listing,
  history: History,
): Parameters<typeof plan>[0] {
  return {
    migrations: files.migrations,
    problems: files.problems,
    notes: files.notes,
    order: target.settings.order,
    history,
    goal: options.goal,
    policy: {
      ...{ outOfOrder: options.outOfOrder, failure: options.failure, project: target.settings.project },
      waits: options.waitForBackfills,
    },
  };
}

/** The goal that is left of a run; `null`: nothing. That of a rollback is what the ledger says its run applied. */
export function goalOf(
  { goal, appliedBy }: MigrateOptions,
  done: number,
  { entries }: RecordedHistory,
): Goal | null {
  if (appliedBy === undefined) return goalLeft(goal, done);
  // What that run adopted or declared was there before.
  const own = entries.filter((entry) => entry.runId === appliedBy && !entry.baseline);
  return { ...goal, only: own.map(({ revision }) => revision) };
}

/** Under `continue` they stopped nobody, but what they were meant for is not done. */
export function refuseUnusable({ problems: [first, ...others] }: Listing): void {
  if (first !== undefined) throw new SourceError([first, ...others]);
}

/** Of a goal that counts steps, what is left of it; `null`: nothing. */
function goalLeft(goal: Goal, done: number): Goal | null {
  const [, sign, count] = /^([+-])(\d+)$/.exec(goal.to) ?? [];
  if (sign === undefined || done === 0) return goal;
  const left = Number(count) - done;
  return left > 0 ? { ...goal, to: `${sign}${left}` } : null;
}

/** Which command does the rest of a goal that counts steps. The same command again would count from its beginning. */
export function restOfGoal(
  { goal, targetName, projectFlags = "", rollback }: MigrateOptions,
  done: number,
): string | undefined {
  // What is done is taken back, so the same command is right.
  if (rollback === true) return undefined;
  const [, count] = /^[+-](\d+)$/.exec(goal.to) ?? [];
  if (count === undefined || (done === 0 && targetName === undefined)) return undefined;
  const left = goalLeft(goal, done);
  if (left === null) return `All that ${goal.to} asked for is done; the same command would do more.`;
  const command = `godwit ${goal.direction} ${left.to}${projectFlags}`;
  return done === 0
    ? `For this target alone: \`${command}\`.`
    : `Of ${goal.to}, ${done} ${done === 1 ? "is" : "are"} done: the rest is \`${command}\`, for the same command would count again.`;
}
