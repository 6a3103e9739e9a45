/** What a failure of a step says in a dry run: whether it is certain, or whether something before it is missing. */
import {
  isRaised,
  isRetryableTransaction,
  needsNoTransaction,
  UNSAFE_NEW_ENUM_VALUE,
} from "../database/sqlstate.ts";
import { DatabaseError, Interrupted, StepFailed } from "../errors.ts";
import { joinSentences } from "../std/sentences.ts";
import type { DryRunResults } from "./report/dry-run-report.ts";
import { type StepContext, whereIs } from "./step/context.ts";
import { losesNothingOutside } from "./step/pipeline.ts";
import type { Prepared } from "./step/prepared.ts";
import { stepError } from "./step/step-error.ts";
import { placeOfTrace, traceOf } from "./step/trace.ts";

interface Failed {
  readonly prepared: Prepared;
  readonly error: unknown;
  readonly results: DryRunResults;
}

/** Puts a failure where it belongs. Throws what ends the whole dry run. */
export async function judge(context: StepContext, { prepared, error, results }: Failed): Promise<void> {
  const { connection, stop } = context;
  const { revision } = prepared.step;
  if (connection.lost.aborted) throw connection.lost.reason;
  if (stop.reason instanceof Interrupted) {
    await connection.execute("rollback to savepoint godwit_dry_run").catch((failure: unknown) => {
      if (hasEnded(failure)) results.committedBy = prepared.step.file;
    });
    throw stop.reason;
  }
  const body = prepared.problem === null ? await prepared.load() : null;
  const place =
    body?.kind === "module" ? await placeOfTrace(traceOf(error), whereIs(context, prepared.step)) : undefined;
  const problem = stepError(context, prepared, body, error, { place });
  if (stop.aborted) throw problem;
  await connection.execute("rollback to savepoint godwit_dry_run").catch(() => {
    throw problem; // there is no transaction any more
  });
  // What a migration raises itself says nothing of the server.
  const isServers = error instanceof DatabaseError && !isRaised(error.routine);
  const sqlState = isServers ? error.sqlState : undefined;
  // A value that a step before it has added is committed when `up` comes to it.
  const committedByUp = sqlState === UNSAFE_NEW_ENUM_VALUE;
  const needsNone = needsNoTransaction(sqlState);
  if (needsNone && (committedByUp || losesNothingOutside(context, { prepared, error, body }))) {
    results.notTried.push({ revision, because: (error as Error).message });
    return;
  }
  // What cannot be read or parsed, or does what we refuse, is wrong whatever comes before it.
  const ofItsOwn =
    prepared.problem !== null ||
    sqlState === "42601" ||
    needsNone ||
    (error instanceof StepFailed && error.code === "STEP_ENDED_TRANSACTION");
  const uncertain = !ofItsOwn && (results.hasGaps || isRetryableTransaction(sqlState));
  const told = problem.toProblem();
  const doubt = doubtOf(body?.file ?? prepared.step.file, results);
  const own = error instanceof DatabaseError ? error.hint : undefined;
  const hint = joinSentences(own, doubt);
  results.failures.push({ revision, problem: uncertain ? { ...told, hint } : told, uncertain });
}

/** The file may be right: what is wrong may be what was not done before it. */
function doubtOf(file: string, { notTried, failures }: DryRunResults): string {
  const gaps = [...notTried, ...failures].map(({ revision }) => revision);
  const named = gaps.length > 3 ? [...gaps.slice(0, 3), "…"] : gaps;
  const why =
    gaps.length === 0
      ? "Perhaps it failed only because another session was in its way"
      : `Perhaps it failed only because this was not carried out before it: ${named.join(", ")}`;
  return `${why}. ${file} may be right: try it where nothing is in its way, or look at what it needs.`;
}

/** The transaction or its savepoint is gone. */
export function hasEnded(error: unknown): boolean {
  return error instanceof DatabaseError && ["25P01", "3B001"].includes(error.sqlState ?? "");
}
