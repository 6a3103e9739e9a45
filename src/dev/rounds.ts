/**
 * One round of development: the database is brought to what the files say.
 *
 * A round applies what is pending, but not a last file in which nothing is written yet. Before that it takes back the newest
 * applied migrations whose files have changed since: by their ways back, which keep all other rows, or else by the copy of the
 * database from before them. Where neither is there, nothing is taken back.
 *
 * The copy is made before the newest migration runs. Where sessions would have to end for it, it is made only if that
 * migration has no way back. So the copy may be older than the newest migration but one; what lies between runs again.
 * A crash at any point leaves either the database or its copy whole (`database/embedded/databases.ts`).
 */
import { createContext } from "../assemble/assemble.ts";
import { COPY, DATABASE, type DevServer } from "../assemble/dev.ts";
import type { Say } from "../assemble/embedded.ts";
import { migrateOptions } from "../assemble/options.ts";
import type { Config } from "../config/config.ts";
import { switchedOff } from "../config/switched-off.ts";
import type { Direction, Migration } from "../core/migration.ts";
import type { Held } from "../core/step.ts";
import { copyDatabase, copyIdleDatabase, isThere, sessionsOf } from "../database/embedded/databases.ts";
import {
  type ErrorCode,
  GodwitError,
  Interrupted,
  PlanRefused,
  type Problem,
  problemsOf,
  SourceError,
} from "../errors.ts";
import { migrate } from "../run/migrate.ts";
import type { Observe } from "../run/report/events.ts";
import type { Target } from "../run/session/target.ts";
import { preview, viewOf } from "../run/status.ts";
import { joinSentences } from "../std/sentences.ts";
import { asApplied, haveWaysBack, withoutFiles } from "./as-applied.ts";
import { type Draft, draftsOf, faultOfDraft, isUnwritten } from "./decide.ts";

export interface DevelopmentOptions {
  readonly config: Config;
  readonly say: Say;
  readonly observe: Observe;
  /** Ends what is under way. */
  readonly signal: AbortSignal;
}

/** What one look at the files has led to. */
export interface Round {
  /** The migrations that were taken back because their files had changed, the newest first. */
  readonly takenBack: readonly string[];
  readonly applied: readonly string[];
  /** The last files, in which nothing is written yet. They run once they have a statement. */
  readonly unwritten: readonly string[];
  /** What waits for a later phase. */
  readonly held: readonly Held[];
  /** Why no migration is run, if somebody has switched them off. */
  readonly switchedOff: string | null;
  /** Why it ended early. What was applied before stays. */
  readonly error: GodwitError | null;
}

/** What a round has done so far. */
interface RoundState {
  takenBack: readonly string[];
  readonly applied: string[];
  unwritten: readonly string[];
  held: readonly Held[];
  switchedOff: string | null;
}

export interface Rounds {
  readonly apply: () => Promise<Omit<Round, "error">>;
  /** The same, but a failure is a part of the round. */
  readonly attempt: () => Promise<Round>;
}

export function roundsOn(server: DevServer, { config, say, observe, signal }: DevelopmentOptions): Rounds {
  const own = new Set<string>();
  /** Whether the copy holds what the database would be without a migration that has failed. */
  let isCopied = false;
  const context = () => createContext(config, { observe, signal });
  const goal = (direction: Direction, to: string) => ({
    ...migrateOptions(config, direction, to),
    rollback: false,
  });

  /** Whether the copy is there, and from before this revision. */
  const isUsable = async (revision: string) => {
    if (!(await isThere(await server.databases(), COPY))) return false;
    await using copy = await server.target(COPY, observe);
    const { history } = await viewOf(copy.target, context());
    return !history.entries.some((entry) => entry.revision === revision);
  };

  const restore = async (revisions: readonly string[], why: string) => {
    const databases = await server.databases();
    const sessions = await sessionsOf(databases, DATABASE);
    await copyDatabase(databases, { from: COPY, to: DATABASE });
    const ended = sessions === 0 ? "" : `, and ${endedFor(sessions)} for that`;
    say(
      `${revisions.join(", ")} ${why}: database "${DATABASE}" is the copy from before that. Rows written since then are gone${ended}.`,
    );
  };

  const revert = async (target: Target, revisions: readonly string[], source: Target["source"]) => {
    const observed: Observe = (event) => {
      if (event.kind !== "warning" || event.problem.code !== "PLAN_VANISHED") observe(event);
    };
    try {
      const far = goal("down", `-${revisions.length}`);
      await migrate({ ...target, source }, far, { ...context(), observe: observed });
    } catch (error) {
      if (!(error instanceof GodwitError) || error instanceof Interrupted) throw error;
      const deepest = revisions.at(-1) ?? "";
      if (!(await isUsable(deepest))) throw noWayBack(deepest, error);
      await restore(revisions, "could not be reverted");
    }
  };

  const takeBack = async (target: Target): Promise<readonly string[]> => {
    const { files, history } = await viewOf(target, context());
    const { migrations } = files;
    const fault = faultOfDraft({ migrations, history, own });
    if (fault !== null) throw new SourceError([fault]);
    const drafts = draftsOf({ migrations, history, own });
    const revisions = drafts.map(({ revision }) => revision);
    const deepest = revisions.at(-1);
    if (deepest === undefined) return [];
    const canRevert = haveWaysBack({ migrations, history, revisions });
    if (!canRevert && !(await isUsable(deepest))) throw noWayBack(deepest, null);
    for (const draft of drafts) say(whyTakenBack(draft));
    if (canRevert) await revert(target, revisions, asApplied(target.source, { history, revisions }));
    else await restore(revisions, revisions.length === 1 ? "has no way back" : "have no ways back");
    for (const revision of revisions) own.delete(revision);
    isCopied = false;
    return revisions;
  };

  const copy = async (pending: readonly Migration[]) => {
    const databases = await server.databases();
    const names = { from: DATABASE, to: COPY };
    const sessions = await sessionsOf(databases, DATABASE);
    if (isCopied || pending.every(({ revertible }) => revertible)) {
      if (sessions === 0 && (await copyIdleDatabase(databases, names))) isCopied = true;
      return;
    }
    await copyDatabase(databases, names);
    isCopied = true;
    if (sessions === 0) return;
    say(
      `Copied database "${DATABASE}", because the next migration has no way back; ${endedFor(sessions)} for that.`,
    );
  };

  const carryOut = (progress: RoundState) =>
    bringToFiles(progress).catch((error: unknown) => {
      throw withReset(error);
    });

  const bringToFiles = async (progress: RoundState): Promise<void> => {
    signal.throwIfAborted();
    await server.reach();
    await using assembled = await server.target(DATABASE, observe);
    let { target } = assembled;
    progress.switchedOff = switchedOff(config.values);
    if (progress.switchedOff !== null) return;
    progress.takenBack = await takeBack(target);
    const { applied } = progress;
    const up = async (to: string) => {
      const { steps, held } = await migrate(target, goal("up", to), context());
      progress.held = held;
      for (const { revision } of steps) {
        applied.push(revision);
        own.add(revision);
      }
    };
    const { steps } = await preview(target, goal("up", "heads"), context());
    const { migrations } = await target.source.list();
    const byId = new Map(migrations.map((migration) => [migration.id, migration]));
    const all = steps.flatMap(({ revision, kind }) =>
      kind === "repeatable" ? [] : (byId.get(revision) ?? []),
    );
    const written = all.slice(0, all.findLastIndex((migration) => !isUnwritten(migration)) + 1);
    const unwritten = all.slice(written.length);
    progress.unwritten = unwritten.map(({ file }) => file);
    target = { ...target, source: withoutFiles(target.source, new Set(unwritten.map(({ id }) => id))) };
    const pending = written.map(({ id }) => id);
    const before = pending.at(-2);
    if (before !== undefined) await up(before);
    if (pending.length > 0) {
      await copy(migrations.filter(({ id }) => pending.includes(id) && !applied.includes(id)));
    }
    await up("heads");
    isCopied = false;
  };

  const begun = (): RoundState => ({
    takenBack: [],
    applied: [],
    unwritten: [],
    held: [],
    switchedOff: null,
  });
  const apply = async () => {
    const progress = begun();
    await carryOut(progress);
    return progress;
  };
  const attempt = async (): Promise<Round> => {
    const progress = begun();
    try {
      await carryOut(progress);
      return { ...progress, error: null };
    } catch (error) {
      if (signal.aborted) throw error;
      // Without its folder there is no server, whatever the files say.
      if (!(error instanceof GodwitError) || error.code.startsWith("EMBEDDED_")) throw error;
      return { ...progress, error };
    }
  };
  return { apply, attempt };
}

function whyTakenBack({ revision, isGone }: Draft): string {
  return isGone
    ? `The file of ${revision} is gone: it is taken back.`
    : `${revision} has changed: it is taken back, and runs again.`;
}

function endedFor(sessions: number): string {
  return sessions === 1 ? "one session was ended" : `${sessions} sessions were ended`;
}

/** The database and the files contradict each other, which a database that is made anew from the files does not. */
const CONTRADICTIONS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "PLAN_EDITED",
  "PLAN_VANISHED",
  "PLAN_REPLACED",
  "PLAN_LATE",
  "PLAN_MINIMUM_REVISION",
  "PLAN_PARTIAL",
  "PLAN_PARTIAL_EDITED",
  "LEDGER_NEWER",
  "LEDGER_FOREIGN",
  "LEDGER_DAMAGED",
]);

function withReset(error: unknown): unknown {
  if (!(error instanceof PlanRefused)) return error;
  const advised = (problem: Problem): Problem => {
    if (!CONTRADICTIONS.has(problem.code)) return problem;
    const hint = joinSentences(
      problem.hint,
      "In development, `godwit dev --reset` makes the database anew from the files.",
    );
    return { ...problem, ...(hint === undefined ? {} : { hint }) };
  };
  const [first = error.toProblem(), ...others] = error.problems;
  const again = new PlanRefused([advised(first), ...others.map(advised)], { cause: error.cause });
  return Object.assign(again, error.report === undefined ? {} : { report: error.report });
}

function noWayBack(revision: string, cause: GodwitError | null): PlanRefused {
  const [first] = cause === null ? [] : problemsOf(cause);
  const why = first?.message ?? cause?.message ?? "it has no way back.";
  return new PlanRefused(
    [
      {
        code: "DEV_NO_WAY_BACK",
        message: `${revision} was changed after it was applied, and cannot be taken back: ${why} There is no copy from before it either.`,
        hint: "Put back what the file said, and write the change into a new migration: `godwit new <name>`. Or `godwit dev --reset` makes the database anew from the files.",
        details: { revision },
      },
    ],
    ...(cause === null ? [] : [{ cause }]),
  );
}
