/** Guards, counts and sends the statements of a module while its function runs in its own process. */
import { INDEX_SQLSTATE, indexGuard } from "../../core/sql/index-guard.ts";
import type { Encoded } from "../../database/values/parameters.ts";
import { DatabaseError, type GodwitError, StepFailed } from "../../errors.ts";
import type { StepContext } from "./context.ts";
import { indexRefused } from "./frame-error.ts";
import {
  type CommitWatch,
  refuseSessionModes,
  refuseTransactionControl,
  refuseTwoPhase,
  watchCommits,
} from "./module-control.ts";
import { boundLockWaits, mayResetAll, sentWarning, setsLockTimeout } from "./own-lock-timeout.ts";
import type { Prepared } from "./prepared.ts";
import { traceSecret } from "./trace.ts";

/** What is known about the statements so far. A function that sends none for too long has never settled. */
export interface Activity {
  inFlight: number;
  lastMs: number;
  /** The server's first error since a statement last succeeded, also if the module caught it. */
  firstError: DatabaseError | undefined;
  /** The first error that refused a statement before it was sent, also if the module caught it. */
  refused: GodwitError | undefined;
  /** Counts what may have been committed, for a module outside a transaction. */
  readonly commits: CommitWatch;
}

/** The process may have to start and to import the module before the function is called. */
const IMPORT_MS = 30_000;

/** `file` is named in errors. */
export function createActivity(file: string): Activity {
  return {
    inFlight: 0,
    lastMs: performance.now() + IMPORT_MS,
    firstError: undefined,
    refused: undefined,
    commits: watchCommits(file),
  };
}

export interface Supervision {
  readonly activity: Activity;
  readonly prepared: Prepared;
  /** The module names a secret. */
  readonly secret: boolean;
}

export function supervised(context: StepContext, { activity, prepared, secret }: Supervision) {
  const { connection } = context;
  const refuseModes = refuseSessionModes(prepared);
  /** Called before each text is sent. The returned function is called when the text has succeeded. */
  const guard = (text: string): ((commands: readonly string[]) => void) => {
    const outside = !prepared.form.transactional;
    try {
      if (outside) refuseTwoPhase(text, prepared);
      else {
        refuseTransactionControl(text, prepared);
        refuseModes(text);
      }
    } catch (error) {
      activity.refused ??= error as GodwitError;
      throw error;
    }
    return outside ? activity.commits.begun(text) : () => {};
  };
  /** The refusal holds even if the module catches the error. */
  const refuseIndexes = async (look: string): Promise<void> => {
    try {
      await connection.execute(look);
    } catch (error) {
      if (!(error instanceof DatabaseError) || error.sqlState !== INDEX_SQLSTATE) throw error;
      const refused = indexRefused(error);
      activity.refused ??= refused;
      throw refused;
    }
  };
  /** Behind a pooler the run sets no timeout for a module outside a transaction. */
  const boundAgain = async (text: string): Promise<void> => {
    const inside = prepared.form.transactional;
    if (setsLockTimeout(text) || !(inside || context.kind.session)) return;
    const bound = boundLockWaits(prepared, context.target.settings, inside);
    // In a failed transaction nothing can be set, and nothing waits.
    await connection.execute(bound).catch(() => {});
  };
  const track = async <T>(
    text: string,
    run: () => Promise<T>,
    commandsOf: (result: T) => readonly string[],
  ): Promise<T> => {
    const succeeded = guard(text);
    context.sent?.(prepared.step.revision, text);
    const warning = sentWarning(text, prepared, context.target.settings);
    if (warning !== null) context.warn?.(warning);
    const look = indexGuard(text, { concurrently: true });
    activity.inFlight++;
    try {
      const result = await run();
      succeeded(commandsOf(result));
      activity.firstError = undefined;
      if (mayResetAll(text)) await boundAgain(text);
      if (look !== "") await refuseIndexes(look);
      return result;
    } catch (error) {
      if (secret) traceSecret(error);
      if (error instanceof StepFailed) activity.refused ??= error;
      if (error instanceof DatabaseError) activity.firstError ??= error;
      throw error;
    } finally {
      activity.inFlight--;
      activity.lastMs = performance.now();
    }
  };
  return {
    ask: (text: string, parameters: readonly (string | Uint8Array | null)[]) =>
      track(
        text,
        () => connection.ask(text, parameters as readonly Encoded[], { secret }),
        ({ command }) => [command],
      ),
    // The server only parses the text.
    parameterKinds: (text: string) =>
      track(
        "",
        () => connection.parameterKinds(text),
        () => [],
      ),
    execute: (text: string) =>
      track(
        text,
        () => connection.execute(text, { rows: "discard", secret }),
        (results) => results.map(({ command }) => command),
      ),
  };
}
