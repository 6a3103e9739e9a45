/** The execution of one file, statement by statement. */
import { asciiComments } from "../../core/sql/comments.ts";
import type { Blocker } from "../../database/connection.ts";
import { DatabaseError } from "../../errors.ts";
import { codePointOffset } from "../../std/text.ts";
import type { Snapshot } from "../catalog/snapshot.ts";
import type { Body, SplitStatement } from "./body.ts";
import type { StepContext } from "./context.ts";
import type { FrameParts } from "./frame.ts";
import type { Prepared } from "./prepared.ts";
import type { SessionState } from "./session-state.ts";

/** The state that the statements of the file share. */
export interface FileExecution {
  readonly context: StepContext;
  readonly prepared: Prepared;
  readonly body: Body & { kind: "sql" };
  readonly parts: FrameParts;
  attempts: number;
  /**
   * The `SET` statements of the file so far. They are kept as text where the server can't be asked for its
   * settings.
   */
  settings: string[];
  /** How the file has changed the session so far, compared to a reset one. */
  state: SessionState;
  /** The file names `lock_timeout`, so the value that it sets holds for its later statements. */
  readonly setsLockTimeout: boolean;
  /** Words of the file that may name a customized option. */
  readonly custom: readonly string[];
  /** The sessions that blocked the statement that failed last. */
  blockers: readonly Blocker[];
  /** The last statement may have taken effect, and no row says that it is done. */
  unsettled: boolean;
  /** An earlier run has begun the statement, and its row does not say yet how that ended. */
  begunBefore: boolean;
  /** The end of the statement's transaction was sent, and the server has not answered. */
  closing: boolean;
  /** The snapshot of an attempt whose leftovers couldn't be cleared. */
  leftBehind: Snapshot | null;
  /** The last statement is half-done. Running it again finishes it. */
  halfDone: boolean;
}

/** Moves the position in an error from the statement to the file. */
export async function sendStatement(
  { context, body }: FileExecution,
  statement: SplitStatement,
  effective: string,
): Promise<void> {
  try {
    await context.connection.execute(asciiComments(effective), { rows: "discard" });
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    throw effective === statement.text
      ? error.movedBy(codePointOffset(body.text, statement.start))
      : error.withoutPosition();
  }
}
