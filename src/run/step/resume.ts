/** Whether a run can continue what an earlier run has begun, for each form of a step. */
import type { Connection } from "../../database/connection.ts";
import { PlanRefused } from "../../errors.ts";
import type { RecordedStatement } from "../../ledger/ledger.ts";
import type { StatementKey } from "../../ledger/rows.ts";
import type { Snapshot } from "../catalog/snapshot.ts";
import { isJudged, judge } from "../catalog/took-effect.ts";
import { type Committed, decideByHand } from "../report/committed.ts";
import type { Target } from "../session/target.ts";
import { type Body, hashOf, type SplitStatement, statementsOf } from "./body.ts";
import type { FileExecution } from "./file-execution.ts";
import type { Prepared } from "./prepared.ts";

/**
 * Throws `PlanRefused` where the catalog can't tell whether a statement took effect, or the file has changed
 * since.
 */
export async function refuseStatements(
  target: Target,
  connection: Connection,
  prepared: Prepared,
): Promise<void> {
  const { step } = prepared;
  const body = await prepared.load();
  if (body.kind !== "sql") return;
  const statements = statementsOf(body);
  const recorded = await target.ledger.statements(connection, step.revision, step.direction);
  checkUnchanged({ prepared, body }, statements, recorded);
  for (const { position, state, before } of recorded) {
    const statement = statements[position - 1];
    if (state === "done" || statement === undefined) continue;
    const verdict = await judge(connection, statement, (before ?? null) as Snapshot | null);
    if (verdict === "unknown") throw undecided({ body }, { revision: step.revision, position }, statement);
  }
}

/** What was kept of a file whose statement was begun, where no row says how it ended. */
export function openStatement(body: (Body & { kind: "sql" }) | null, position: number): Committed {
  const statement = body === null ? undefined : statementsOf(body)[position - 1];
  const judged = statement !== undefined && isJudged(statement.kind);
  return { extent: "unknown", position, line: statement?.line, judged };
}

/** Throws `PlanRefused` in any case. */
export function refuseAny(_: Target, __: Connection, prepared: Prepared): Promise<void> {
  return Promise.reject(interrupted(prepared));
}

/** Throws `PlanRefused` unless the author says that the module may run twice. */
export async function refuseUnlessIdempotent(_: Target, __: Connection, prepared: Prepared): Promise<void> {
  if (prepared.settings.idempotent !== true) throw interrupted(prepared);
}

/** Throws `PlanRefused` where a statement that an earlier run has begun was changed since. */
export function checkUnchanged(
  { prepared, body }: Pick<FileExecution, "prepared" | "body">,
  statements: readonly SplitStatement[],
  recorded: readonly RecordedStatement[],
): void {
  for (const row of recorded) {
    const statement = statements[row.position - 1];
    if (statement !== undefined && hashOf(statement) === row.hash) continue;
    const { revision, direction } = prepared.step;
    const { file } = body;
    const complete =
      direction === "up"
        ? `if it is complete, say: \`godwit repair --mark-done ${revision}\``
        : `if it is taken back, say: \`godwit repair --forget ${revision}\``;
    throw new PlanRefused([
      {
        code: "PLAN_PARTIAL_EDITED",
        message: `Statement ${row.position} of ${file} was ${row.state === "done" ? "carried out" : "begun"} by an earlier run and has been changed since.`,
        hint: `Restore that statement and put the change into a later one; or look at the database, and ${complete}`,
        place: { file, line: statement?.line },
      },
    ]);
  }
}

export function undecided(
  { body: { file } }: Pick<FileExecution, "body">,
  key: Pick<StatementKey, "revision" | "position">,
  statement: SplitStatement,
): PlanRefused {
  return new PlanRefused([
    {
      code: "PLAN_PARTIAL",
      message: `An earlier run ended during statement ${key.position} of ${file}, and the catalog cannot tell whether it took effect.`,
      hint: `Look at the database. If it did: \`godwit repair --mark-done ${key.revision}:${key.position}\`. If not: \`godwit repair --retry ${key.revision}:${key.position}\``,
      place: { file, line: statement.line },
    },
  ]);
}

/** An earlier run has begun the step, and nobody knows how far it came. */
export function interrupted({ step, form }: Pick<Prepared, "step" | "form">): PlanRefused {
  return new PlanRefused([
    {
      code: "PLAN_PARTIAL",
      message: `An earlier run ended in the middle of ${step.direction === "down" ? "the way back of " : ""}${step.file}, outside a transaction; how far it came is not known.`,
      hint: decideByHand(step.revision, step.direction, form.sends === "program"),
      place: { file: step.file },
    },
  ]);
}
