/**
 * Checks what a module sends before it is sent.
 *
 * A statement of the module must not end a transaction of the runner: nobody could say then what was kept.
 * Outside a transaction, the check counts whether anything can have been committed.
 */

import { analyse } from "../../core/sql/analyse.ts";
import { isTransactional } from "../../core/sql/classify.ts";
import { accept } from "../../core/sql/cursor.ts";
import { shownStatement } from "../../core/sql/shown.ts";
import { type Statement, splitStatements } from "../../core/sql/statements.ts";
import { lateSessionModes, modeSetting } from "../../core/sql/transaction-modes.ts";
import type { Step } from "../../core/step.ts";
import { StepFailed } from "../../errors.ts";
import type { Prepared } from "./prepared.ts";

/** Throws where the text would begin or end a transaction. Savepoints are allowed. */
export function refuseTransactionControl(text: string, { step }: Prepared): void {
  const { transactionControl } = analyse(text);
  if (transactionControl === null) return;
  const sent = shownStatement(transactionControl.text);
  throw new StepFailed({
    code: "STEP_ENDED_TRANSACTION",
    message: `${step.file} sends ${sent}, and a migration must not begin or end transactions itself.`,
    hint: "It was rolled back; nothing of it was kept: remove that statement, or declare the module with transaction: false, then run again.",
    place: { file: step.file },
  });
}

/**
 * A setting for the session's next transactions has no effect in a module that has only one. The returned
 * function throws at the first query behind such a setting. A setting that no query follows does no harm.
 */
export function refuseSessionModes({ step }: Prepared): (text: string) => void {
  let sent: readonly Statement[] = [];
  return (text) => {
    const isSetting = /default_transaction_isolation|\bcharacteristics\b/i.test(text);
    if (sent.length === 0 && !isSetting) return;
    const all = [...sent, ...splitStatements(text)];
    const late = lateSessionModes(all, true);
    if (late !== null) throw countsForNothing(step, late);
    sent = all.filter((one) => modeSetting(one.text)?.scope === "session");
  };
}

function countsForNothing(step: Step, late: Statement): StepFailed {
  return new StepFailed({
    code: "STEP_ENDED_TRANSACTION",
    message: `${step.file} sends ${shownStatement(late.text)}, which changes nothing in the transaction that it runs in.`,
    hint: "It was rolled back; nothing of it was kept: write it as SQL, where it may stand in front; or declare the module with transaction: false and begin the transaction with its isolation level.",
    place: { file: step.file },
  });
}

/** Throws where a module outside a transaction would leave a prepared transaction behind, or end somebody else's. */
export function refuseTwoPhase(text: string, { step }: Prepared): void {
  if (!/\bprepare/i.test(text)) return;
  const verbs = analyse(text).statements.map(({ kind }) =>
    kind.kind === "transaction-control" ? kind.verb : "",
  );
  const sent = verbs.find((verb) => /^PREPARE TRANSACTION$| PREPARED$/.test(verb));
  if (sent === undefined) return;
  throw new StepFailed({
    code: "STEP_ENDED_TRANSACTION",
    message: `${step.file} sends ${sent}: a prepared transaction keeps its locks when the run is over, and no migration may begin or end one.`,
    hint: "Commit in the module with COMMIT.",
    place: { file: step.file },
  });
}

/** Counts whether a module outside a transaction has committed anything. */
export interface CommitWatch {
  /**
   * Called with a text before it is sent. Call the returned function with the server's command tags when the
   * text has succeeded. It throws where the server answered `COMMIT` with `ROLLBACK`: the module caught an
   * error of that transaction.
   */
  readonly begun: (text: string) => (commands: readonly string[]) => void;
  /** Whether anything may have been committed. */
  readonly mayHaveKept: () => boolean;
}

/** `file` is named in errors. */
export function watchCommits(file: string): CommitWatch {
  let kept = false;
  let open = false;
  return {
    mayHaveKept: () => kept,
    begun(text) {
      const statements = analyse(text).statements;
      // These leave something behind even if they fail.
      const alone = ({ kind, text: one }: (typeof statements)[number]) =>
        (kind.kind !== "transaction-control" && !isTransactional(kind)) ||
        accept({ text: one, at: 0 }, "call") ||
        accept({ text: one, at: 0 }, "do");
      if (!open && statements.some(alone)) kept = true;
      if (statements.some(({ kind }) => kind.kind === "transaction-control") && statements.length > 1)
        kept = true;
      return (commands) => {
        const asked = statements.filter(({ text: one }) => /^(rollback|abort)\b/i.test(one)).length;
        const isLost = commands.filter((command) => command === "ROLLBACK").length > asked;
        if (isLost && statements.length === 1) {
          open = false;
          throw notCommitted(file);
        }
        for (const { kind } of statements) {
          if (kind.kind !== "transaction-control") kept ||= !open;
          else if (/^(BEGIN|START)/.test(kind.verb)) open = true;
          else {
            kept ||= /^(COMMIT|END|PREPARE)/.test(kind.verb);
            open = false;
          }
        }
        if (isLost) throw notCommitted(file);
      };
    },
  };
}

function notCommitted(file: string): StepFailed {
  return new StepFailed({
    code: "STEP_ENDED_TRANSACTION",
    message: `${file} sent COMMIT, and the server answered with ROLLBACK: a statement of that transaction had failed, so nothing of it was kept.`,
    hint: "Do not catch the error of a statement in a transaction; or catch it around a savepoint.",
    place: { file },
  });
}
