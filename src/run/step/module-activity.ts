/** The statements of a module, while its function is called in its own process: guarded, counted and sent. */
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

/** For the watch over promises that never settle. */
export interface Activity {
  inFlight: number;
  lastMs: number;
  /** The first error of the server since a statement last succeeded, also if the module caught it. */
  firstError: DatabaseError | undefined;
  /** What was refused before it was sent, also if the module caught that. */
  refused: GodwitError | undefined;
  /** What may have stayed, where no transaction is around it. */
  readonly commits: CommitWatch;
}

/** Before the function is called, its process may have to be started anew and its module to be imported. */
const IMPORT_MS = 30_000;

/** `file`: for what it throws. */
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
}

export function supervised(context: StepContext, { activity, prepared }: Supervision) {
  const { connection } = context;
  const refuseModes = refuseSessionModes(prepared);
  /** Asked before each text is sent; what it returns is told that it succeeded. */
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
  /** Also where the module catches the error. */
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
  /** Behind a pooler nothing was set for a module outside a transaction. */
  const boundAgain = async (text: string): Promise<void> => {
    const inside = prepared.form.transactional;
    if (setsLockTimeout(text) || !(inside || context.kind.session)) return;
    const bound = boundLockWaits(prepared, context.target.settings, inside);
    // In a transaction that has failed nothing can be set, and nothing waits.
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
        () => connection.ask(text, parameters as readonly Encoded[]),
        ({ command }) => [command],
      ),
    // Nothing runs.
    parameterKinds: (text: string) =>
      track(
        "",
        () => connection.parameterKinds(text),
        () => [],
      ),
    execute: (text: string) =>
      track(
        text,
        () => connection.execute(text, { rows: "discard" }),
        (results) => results.map(({ command }) => command),
      ),
  };
}
