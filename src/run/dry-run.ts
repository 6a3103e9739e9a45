/**
 * `up --dry-run`: carries the plan out in one transaction and rolls it back. What cannot be in a transaction
 * is not tried, and said so; what fails behind such a one may fail only because of it.
 */
import { plan } from "../core/plan.ts";
import { needsNoTransaction } from "../database/sqlstate.ts";
import { DatabaseError, type Problem, SourceError } from "../errors.ts";
import { withAdopted } from "./adopted.ts";
import { lookAtTool } from "./adoption.ts";
import { sessionKind } from "./connect.ts";
import { withLock } from "./locked.ts";
import { type MigrateOptions, planInput } from "./migrate.ts";
import { callModule } from "./module.ts";
import { type Prepared, prepareSteps } from "./prepare.ts";
import { resetSession } from "./script.ts";
import type { RunContext, Target } from "./target.ts";
import { watch } from "./watch.ts";
import { rollback, stepError, type Work } from "./work.ts";

export interface DryRunReport {
  readonly target: string;
  readonly tried: readonly string[];
  readonly notTried: readonly { readonly revision: string; readonly because: string }[];
  readonly failed: {
    readonly revision: string;
    readonly problem: Problem;
    readonly uncertain: boolean;
  } | null;
}

export async function dryRun(
  target: Target,
  options: MigrateOptions,
  context: RunContext,
): Promise<DryRunReport> {
  const files = await target.source.list();
  return withLock(target, context, async (connection, lock) => {
    const known = { files, history: await target.ledger.read(connection) };
    const { entries } = await lookAtTool(target, connection, known);
    const history = withAdopted(known.history, entries, context);
    const decided = plan(planInput(target, options, files, history));
    context.observe({ kind: "planned", plan: decided });
    const migrations = new Map(files.migrations.map((migration) => [migration.id, migration]));
    const steps = await prepareSteps({ steps: decided.steps, migrations, source: target.source, history });
    const work: Work = {
      target,
      context,
      connection,
      lock,
      ledger: target.ledger,
      author: context,
      kind: sessionKind(connection, context),
      stop: AbortSignal.any([context.signal, lock.lost]),
      count: steps.length,
    };
    const tried: string[] = [];
    const notTried: { revision: string; because: string }[] = [];
    await connection.execute("begin isolation level read committed");
    try {
      for (const [index, prepared] of steps.entries()) {
        const { revision } = prepared.step;
        if (prepared.form === "statements" || prepared.form === "module-outside") {
          notTried.push({ revision, because: prepared.because ?? "it runs outside a transaction" });
          continue;
        }
        context.observe({ kind: "step-started", step: prepared.step, index, count: steps.length });
        try {
          await attempt(work, prepared);
          tried.push(revision);
        } catch (error) {
          if (error instanceof DatabaseError && needsNoTransaction(error.sqlState)) {
            await connection.execute("rollback to savepoint godwit_dry_run");
            notTried.push({ revision, because: error.message });
            continue;
          }
          const body = prepared.problem === null ? await prepared.load() : null;
          const problem = stepError(work, prepared, body, error);
          return {
            target: target.name,
            tried,
            notTried,
            failed: { revision, problem: problem.toProblem(), uncertain: notTried.length > 0 },
          };
        }
      }
      return { target: target.name, tried, notTried, failed: null };
    } finally {
      await rollback(connection);
    }
  });
}

async function attempt(work: Work, prepared: Prepared): Promise<void> {
  if (prepared.problem !== null) throw new SourceError([prepared.problem]);
  const { connection } = work;
  using _observed = watch(work, () => prepared.step, work.target.settings.lockTimeoutMs);
  await connection.execute(
    `savepoint godwit_dry_run; ${resetSession(work.kind, work.target.settings, prepared.settings)}`,
  );
  const body = await prepared.load();
  if (body.kind === "module") await callModule(work, prepared);
  else await connection.execute(body.text, { rows: "discard" });
  await connection.execute("set constraints all immediate");
}
