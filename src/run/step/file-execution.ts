/** The execution of one file, statement by statement: what its statements share. */
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

/** A file at work, statement by statement. */
export interface FileExecution {
  readonly context: StepContext;
  readonly prepared: Prepared;
  readonly body: Body & { kind: "sql" };
  readonly parts: FrameParts;
  attempts: number;
  /** What the file has set so far, as statements: where the server cannot be asked for it. */
  settings: string[];
  /** How the session differs from a reset one, by what the file has done so far. */
  state: SessionState;
  /** The file names `lock_timeout`: what it sets holds for the statements behind it. */
  readonly setsLockTimeout: boolean;
  /** What may be the name of a customized option in the file. */
  readonly custom: readonly string[];
  /** Who was in the way of the statement that failed last. */
  blockers: readonly Blocker[];
  /** The statement begun last may have taken effect, and is not called done. */
  unsettled: boolean;
  /** What was there before an attempt whose leftovers could not be cleared. */
  leftBehind: Snapshot | null;
  /** The statement begun last has left something half-done, which running it again finishes. */
  halfDone: boolean;
}

/** The server counts from the start of what it was sent, people from the start of the file. */
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
