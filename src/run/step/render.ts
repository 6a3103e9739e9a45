/** The script of each form of a step: the frames of a run, and between them the text. */
import type { StatementKind } from "../../core/sql/classify.ts";
import { indexGuard } from "../../core/sql/index-guard.ts";
import { literal, quotedName } from "../../core/sql/quote.ts";
import { sendsOneByOne } from "../../source/layouts/no-transaction.ts";
import { begin } from "../session/transaction.ts";
import { type Body, hashOf, type SplitStatement, statementsOf } from "./body.ts";
import { refuseRowsOutside } from "./expected-rows.ts";
import {
  applyFrame,
  closing,
  type FrameParts,
  revertFrame,
  type StepFrame,
  statementFrame,
} from "./frame.ts";
import { entryOf } from "./frame-parts.ts";
import { mayNeedOutside, mayWait, runsInTransaction } from "./outside.ts";
import type { Prepared } from "./prepared.ts";
import type { ScriptPen } from "./script-pen.ts";

export async function renderTransaction(
  pen: ScriptPen,
  prepared: Prepared,
  body: Body,
): Promise<readonly string[]> {
  if (body.kind !== "sql") throw new Error("Only SQL is one text.");
  if (mayRunOutside(pen, prepared, body)) return renderStatements(pen, prepared, body);
  return framed(pen, frameOf(pen, prepared, body.revert), body.text);
}

export async function renderModule(pen: ScriptPen, prepared: Prepared): Promise<readonly string[]> {
  return framed(pen, frameOf(pen, prepared, null), await pen.recorded());
}

/** A script can't say what such a module would commit. */
export function refuseModuleOutside(pen: ScriptPen): Promise<readonly string[]> {
  return Promise.reject(pen.refused("it runs outside a transaction"));
}

/** What was kept, and in how many windows it comes back, is known only while it runs. */
export function refuseUndo(pen: ScriptPen): Promise<readonly string[]> {
  return Promise.reject(
    pen.refused("it brings old values back in windows that follow the time that they take"),
  );
}

/** How many windows it takes, and how many rows each has, is known only while it runs. */
export function refuseBackfill(pen: ScriptPen): Promise<readonly string[]> {
  return Promise.reject(pen.refused("it is a backfill, whose windows follow the time that they take"));
}

export function refuseProgram(pen: ScriptPen): Promise<readonly string[]> {
  return Promise.reject(pen.refused("the runner of the target carries it out"));
}

function frameOf({ parts }: ScriptPen, prepared: Prepared, revert: string | null): StepFrame {
  const { step } = prepared;
  return step.direction === "up"
    ? applyFrame(parts, entryOf(prepared, revert))
    : revertFrame(parts, step.revision);
}

function framed({ own, text }: ScriptPen, { open, close }: StepFrame, body: string): readonly string[] {
  return [own(open), text(body), own(close)];
}

/**
 * The runner would try the statement inside a transaction first, and then outside if nothing is lost
 * (`pipeline.ts`).
 */
function mayRunOutside({ layout }: ScriptPen, { settings }: Prepared, body: Body & { kind: "sql" }): boolean {
  if (settings.transaction !== undefined) return false;
  const statements = statementsOf(body);
  const alone = statements.length === 1 || sendsOneByOne(layout);
  return alone && statements.some(triedOutside);
}

function triedOutside(statement: SplitStatement): boolean {
  return statement.several !== true && mayNeedOutside(statement);
}

/**
 * Writes what `statements.ts` does, except that nothing is reset between the statements: what the file sets
 * stays set. A script that stops in the middle leaves the same rows as a run, and `godwit up` continues from
 * there.
 */
export async function renderStatements(
  pen: ScriptPen,
  prepared: Prepared,
  body: Body,
): Promise<readonly string[]> {
  if (body.kind !== "sql") throw new Error("Only SQL is written statement by statement.");
  refuseRowsOutside(prepared, prepared.because ?? "PostgreSQL may accept it outside a transaction only");
  const { step } = prepared;
  const { parts } = pen;
  const { ledger, author } = parts;
  const transaction = (sql: string) => `${begin()} ${parts.ownRole} ${sql}; commit;`;
  const entry = entryOf(prepared, body.revert);
  const again = step.kind === "repeatable" || step.reason === "changed";
  const replace = again ? `${ledger.remove(step.revision)}; ` : "";
  const forget = ledger.forgetStatements(step.revision, step.direction);
  const opening =
    step.direction === "up"
      ? transaction(`${parts.mirror.open} ${replace}${forget}; ${ledger.insert(entry, author, "partial")}`)
      : transaction(ledger.startReverting(step.revision));
  let setsLockTimeout = prepared.settings.lockTimeoutMs !== undefined;
  const statements = statementsOf(body).flatMap((statement, index): readonly string[] => {
    const { text, kind, modes } = statement;
    const { revision, direction } = step;
    const key = { revision, direction, position: index + 1, hash: hashOf(statement) };
    const finish = ledger.finishStatement(key, author);
    setsLockTimeout ||= /lock_timeout/i.test(text);
    if (runsInTransaction(statement) && !triedOutside(statement))
      return framed(
        pen,
        statementFrame({ ...parts, reset: "", modes, indexes: indexGuard(text) }, finish),
        text,
      );
    const patient = mayWait(kind) && !setsLockTimeout;
    return [
      transaction(ledger.startStatement(key, author, null)),
      ...(patient ? ["set lock_timeout = 0;"] : []),
      pen.text(text),
      ...(patient ? [`set lock_timeout = ${literal(lockTimeoutOf(parts))};`] : []),
      ...isValid(kind),
      transaction(finish),
    ];
  });
  return [parts.reset, opening, ...statements, pen.own(closing(parts, step.direction, entry))];
}

function lockTimeoutOf({ reset }: FrameParts): string {
  return /set lock_timeout = '(\d+)'/.exec(reset)?.[1] ?? "0";
}

/** `create index if not exists` accepts an index that is not valid. */
function isValid(kind: StatementKind): readonly string[] {
  if (kind.kind !== "create-index-concurrently" || kind.index === null) return [];
  const { schema, name } = kind.index;
  const index = `${schema === null ? "" : `${quotedName(schema)}.`}${quotedName(name)}`;
  return [
    `do $godwit$ begin
  if exists (select from pg_catalog.pg_index where indexrelid = to_regclass(${literal(index)}) and not indisvalid) then
    raise exception 'an index is not valid after CREATE INDEX CONCURRENTLY' using detail = ${literal(index)};
  end if;
end $godwit$;`,
  ];
}
