/**
 * The app and its migrations, side by side.
 *
 *   app:         started at once ────────────────────────────────► its exit code is ours
 *   migrations:  asked whether they run ─► attempts ─► ended │ stopped when the app ends
 *
 * A signal reaches both. Whatever becomes of the migrations, the app goes on; whatever becomes of the app, nothing of ours
 * is left when it has ended.
 */
import { constants } from "node:os";
import { GodwitError, type Problem, problemsOf } from "../../errors.ts";
import { orAbort } from "../../std/time.ts";
import { type App, appBeside, type Beside, startApp } from "./app.ts";
import { type AttemptsOptions, migrate, type Result } from "./attempts.ts";
import type { Voice, Witness } from "./voice.ts";

export type Migrations =
  | { readonly skipped: string }
  | Omit<AttemptsOptions, "voice" | "witness" | "signal" | "graceMs">;

export interface SuperviseOptions {
  readonly app: readonly string[];
  /** The app, if a launcher has started it. */
  readonly beside?: Beside | undefined;
  /** Beside such an app: whether we stay when the migrations have ended. Asked then. */
  readonly stays?: () => boolean;
  /** The app starts when the migrations have ended. */
  readonly wait: boolean;
  /** How long the app may take to end after a signal; 0: as long as whoever sent the signal lets it. Asked then. */
  readonly appGraceMs: () => number;
  /** What to run, or why not. A rejection is a failed migration. */
  readonly migrations: () => Promise<Migrations>;
  readonly voice: Voice;
  readonly witness: Witness;
  /** Aborted here when a signal ends everything, and when the app has ended. */
  readonly stop: AbortController;
  /** Gives the signals of this process to the one who is handed in, those that have come before too. */
  readonly takeSignals: (handler: (name: NodeJS.Signals) => void) => void;
}

/** These end the run. The others are for the app alone. */
const ENDING: ReadonlySet<NodeJS.Signals> = new Set<NodeJS.Signals>(["SIGTERM", "SIGINT", "SIGHUP"]);
/** A migration that is stopped rolls back and releases its lock; its own limit is 8 s. */
const STOP_GRACE_MS = 10_000;

/** Resolves with the exit code: the app's. Throws only if the app could not be started. */
export async function supervise(options: SuperviseOptions): Promise<number> {
  const { wait, takeSignals, voice, stop } = options;
  let app: App | undefined;
  let ending: NodeJS.Signals | undefined;
  let grace: NodeJS.Timeout | undefined;
  takeSignals((name) => {
    app?.signal(name);
    if (!ENDING.has(name)) return;
    ending ??= name;
    stop.abort();
    const graceMs = options.appGraceMs();
    if (graceMs > 0 && app !== undefined) grace ??= setTimeout(() => app?.signal("SIGKILL"), graceMs);
  });
  let isMigrating = false;
  const migrating = async () => {
    isMigrating = true;
    const result = await migrateIfWanted(options, stop.signal);
    isMigrating = false;
    return result;
  };
  let migrations: Promise<Result> | undefined;
  try {
    if (wait) {
      migrations = migrating();
      await migrations;
      if (ending !== undefined) return 128 + constants.signals[ending];
    }
    const { beside, stays } = options;
    app = beside === undefined ? await startApp(options.app) : appBeside(beside);
    migrations ??= migrating();
    if (beside !== undefined && (await isDone(gone(migrations), app)) && stays?.() !== true) return 0;
    const code = await app.ended;
    clearTimeout(grace);
    if (isMigrating && !stop.signal.aborted)
      voice.write("info", "The app has ended: the migrations are stopped.");
    stop.abort();
    await app.sweep();
    return code;
  } finally {
    stop.abort();
    if (migrations !== undefined) await gone(migrations);
  }
}

async function gone(migrations: Promise<Result>): Promise<void> {
  await (await migrations).gone;
}

/** Whether the migrations end before the app does. */
function isDone(migrations: Promise<void>, app: App): Promise<boolean> {
  return Promise.race([migrations.then(() => true), app.ended.then(() => false)]);
}

async function migrateIfWanted(options: SuperviseOptions, signal: AbortSignal): Promise<Result> {
  const { voice, witness } = options;
  try {
    // A configuration that does not settle must not keep us when the app has ended.
    const wanted = await orAbort(options.migrations(), signal);
    if ("skipped" in wanted) {
      voice.write("warn", wanted.skipped);
      const told = witness.end({ ok: true, skipped: wanted.skipped, problems: [] });
      return { ok: true, problems: [], gone: Promise.resolve(told) };
    }
    return await migrate({ ...wanted, voice, witness, signal, graceMs: STOP_GRACE_MS });
  } catch (error) {
    if (signal.aborted) return { ok: false, problems: [], gone: Promise.resolve() };
    const problems: readonly Problem[] = problemsOf(error);
    for (const problem of problems) voice.problem("error", problem);
    if (!(error instanceof GodwitError)) voice.write("error", String((error as Error)?.stack ?? error));
    voice.write("error", "The migrations were not begun. The app goes on.");
    const told = witness.end({ ok: false, problems });
    return { ok: false, problems, gone: Promise.resolve(told) };
  }
}
