/**
 * One round of development: the database is brought to what the files say.
 *
 * A round applies what is pending. Before that it takes back the newest applied migration if its file has changed
 * since: by its way back, which keeps all other rows, or else by the copy of the database from before it.
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
import type { History } from "../core/history.ts";
import type { Direction, Migration } from "../core/migration.ts";
import type { Held } from "../core/step.ts";
import { copyDatabase, copyIdleDatabase, isThere, sessionsOf } from "../database/embedded/databases.ts";
import { GodwitError, Interrupted, PlanRefused, problemsOf } from "../errors.ts";
import { migrate } from "../run/migrate.ts";
import type { Observe } from "../run/report/events.ts";
import type { Target } from "../run/session/target.ts";
import { look, preview } from "../run/status.ts";
import type { Source } from "../source/source.ts";
import { draftOf } from "./decide.ts";

export interface DevelopmentOptions {
  readonly config: Config;
  readonly say: Say;
  readonly observe: Observe;
  /** Ends what is under way. */
  readonly signal: AbortSignal;
}

/** What one look at the files has led to. */
export interface Round {
  /** The migration that was taken back because its file had changed. `null`: none. */
  readonly takenBack: string | null;
  readonly applied: readonly string[];
  /** What waits for a later phase. */
  readonly held: readonly Held[];
  /** Why no migration is run, if somebody has switched them off. */
  readonly switchedOff: string | null;
  /** Why it ended early. What was applied before stays. */
  readonly error: GodwitError | null;
}

/** What a round has done so far. */
interface Progress {
  takenBack: string | null;
  readonly applied: string[];
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

  const restore = async (revision: string, cause: GodwitError) => {
    const databases = await server.databases();
    const isUsable = async () => {
      await using copy = await server.target(COPY, observe);
      const { history } = await look(copy.target, context());
      return !history.entries.some((entry) => entry.revision === revision);
    };
    if (!(await isThere(databases, COPY)) || !(await isUsable())) throw noWayBack(revision, cause);
    await copyDatabase(databases, { from: COPY, to: DATABASE });
    const why = cause.code === "PLAN_IRREVERSIBLE" ? "has no way back" : "could not be reverted";
    say(
      `${revision} ${why}: database "${DATABASE}" is the copy from before it. Rows written since then are gone.`,
    );
  };

  const takeBack = async (target: Target): Promise<string | null> => {
    const { files, history } = await look(target, context());
    const revision = draftOf({ migrations: files.migrations, history, own });
    if (revision === null) return null;
    say(`${revision} has changed: it is taken back, and runs again.`);
    const source = asApplied(target.source, { revision, history });
    const observed: Observe = (event) => {
      if (event.kind !== "warning" || event.problem.code !== "PLAN_VANISHED") observe(event);
    };
    try {
      await migrate({ ...target, source }, goal("down", "-1"), { ...context(), observe: observed });
    } catch (error) {
      if (!(error instanceof GodwitError) || error instanceof Interrupted) throw error;
      await restore(revision, error);
    }
    own.delete(revision);
    isCopied = false;
    return revision;
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
    const ended = sessions === 1 ? "One session was" : `${sessions} sessions were`;
    say(
      `Copied database "${DATABASE}", because the next migration has no way back. ${ended} ended for that.`,
    );
  };

  const carryOut = async (progress: Progress): Promise<void> => {
    signal.throwIfAborted();
    await server.reach();
    await using assembled = await server.target(DATABASE, observe);
    const { target } = assembled;
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
    const pending = steps.filter(({ kind }) => kind !== "repeatable").map(({ revision }) => revision);
    const before = pending.at(-2);
    if (before !== undefined) await up(before);
    if (pending.length > 0) {
      const { migrations } = await target.source.list();
      await copy(migrations.filter(({ id }) => pending.includes(id) && !applied.includes(id)));
    }
    await up("heads");
    isCopied = false;
  };

  const begun = (): Progress => ({ takenBack: null, applied: [], held: [], switchedOff: null });
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

/**
 * The files as the ledger knows them. Without the file of a draft, its way back is the one that the ledger has kept, which fits
 * what was applied. A module has none there, so its file is used as it is now.
 */
function asApplied(
  source: Source,
  { revision, history }: { readonly revision: string; readonly history: History },
): Source {
  const kept = new Map(history.entries.map((entry) => [entry.revision, entry.revertScript]));
  return {
    ...source,
    async list() {
      const listing = await source.list();
      const isKnown = ({ id }: Migration) => kept.has(id) && (id !== revision || kept.get(id) === null);
      return { ...listing, migrations: listing.migrations.filter(isKnown), problems: [] };
    },
  };
}

function noWayBack(revision: string, cause: GodwitError): PlanRefused {
  const [first] = problemsOf(cause);
  return new PlanRefused(
    [
      {
        code: "DEV_NO_WAY_BACK",
        message: `${revision} was changed after it was applied, and cannot be taken back: ${first?.message ?? cause.message} There is no copy from before it either.`,
        hint: "Put back what the file said, and write the change into a new migration: `godwit new <name>`. Or `godwit dev --reset` makes the database anew from the files.",
        details: { revision },
      },
    ],
    { cause },
  );
}
