/**
 * Reads the text or the module of a step. The text comes from its file, or from the way back that the ledger
 * keeps.
 */
import { type Backfill, keepsOldValues } from "../../core/backfill.ts";
import type { History } from "../../core/history.ts";
import type { Migration } from "../../core/migration.ts";
import type { Step } from "../../core/plan.ts";
import { analyse } from "../../core/sql/analyse.ts";
import { isTransactional } from "../../core/sql/classify.ts";
import { withoutRestrict } from "../../core/sql/restrict.ts";
import { shownStatement } from "../../core/sql/shown.ts";
import { splitStatements } from "../../core/sql/statements.ts";
import { leadingModes, readOnlyStatement } from "../../core/sql/transaction-modes.ts";
import { blanked, transactionUnits } from "../../core/sql/units.ts";
import { type Place, type Problem, SourceError } from "../../errors.ts";
import type { Content, Source } from "../../source/source.ts";
import { codePointOffset } from "../../std/text.ts";
import { type Body, placeOf } from "./body.ts";

export interface BodyInput {
  readonly source: Source;
  readonly history: History;
}

export async function loadBody(input: BodyInput, step: Step, migration: Migration | null): Promise<Body> {
  if (isUndo(step, migration)) return { kind: "undo", file: step.file };
  if (migration === null || (step.direction === "down" && !migration.revertible)) {
    const script = input.history.entries.find((entry) => entry.revision === step.revision)?.revertScript;
    if (script == null) throw new SourceError([gone(step)]);
    const body: Body = {
      kind: "sql",
      text: withoutRestrict(script),
      file: `${step.revision} (revert script in the ledger)`,
      line: 1,
      revert: null,
    };
    return input.source.layout === "plain" ? withModes(body) : withUnits(body);
  }
  const content = await input.source.read(migration, step.direction);
  const backfill = step.direction === "up" ? migration.backfill : undefined;
  if (content.kind === "module") return backfill === undefined ? content : ofModule(content, backfill);
  const down =
    step.direction === "up" && migration.revertible ? await input.source.read(migration, "down") : null;
  const { ownTransactions, ...rest } = content;
  const text = withoutRestrict(rest.text);
  const written = text === rest.text ? undefined : rest.text;
  const body = { ...rest, text, written, revert: down?.kind === "sql" ? down.text : null, backfill };
  if (backfill !== undefined) return body;
  return ownTransactions === true ? withUnits(body) : withModes(body);
}

/** A way back that its author has written counts first, unless the data alone is asked for. */
function isUndo(step: Step, migration: Migration | null): boolean {
  if (step.direction === "up") return false;
  return step.undo === true || (migration !== null && !migration.revertible && keepsOldValues(migration));
}

/** The statement is in no file. */
function ofModule(content: Content & { readonly kind: "module" }, backfill: Backfill): Body {
  const rows = backfill.columns === undefined ? undefined : content;
  return {
    ...{ kind: "sql", text: backfill.statement ?? "", file: content.file, line: 1 },
    ...{ revert: null, backfill, rows },
  };
}

/** Moves a `SET TRANSACTION` at the start of the text into the run's own `BEGIN`. */
function withModes(body: Body & { kind: "sql" }): Body {
  if (!/transaction/i.test(body.text)) return body;
  const statements = splitStatements(body.text);
  refuseReadOnly(body, readOnlyStatement(statements));
  const { modes: ownModes, session, said } = leadingModes(statements);
  const modes = { ...session, ...ownModes };
  if (said.length === 0) return { ...body, modes };
  return { ...body, text: blanked(body.text, said), written: body.written ?? body.text, modes, ownModes };
}

function refuseReadOnly(
  body: Body & { kind: "sql" },
  statement: { text: string; start: number } | null,
): void {
  if (statement === null) return;
  refuse(
    "SOURCE_TRANSACTION_CONTROL",
    `${body.file} asks for a read-only transaction (${statement.text.replace(/\s+/g, " ").slice(0, 80)}), in which its ledger row cannot be written.`,
    placeOf(body, codePointOffset(body.text, statement.start) + 1),
    "Remove READ ONLY: the isolation level alone is kept.",
  );
}

/** Splits a text into the transactions that it begins and ends. A single one becomes the transaction of the step. */
function withUnits(body: Body & { kind: "sql" }): Body {
  if (analyse(body.text).transactionControl === null) return withModes(body);
  const { text, units, refused, readOnly } = transactionUnits(body.text);
  refuseReadOnly(body, readOnly);
  if (refused !== null)
    refuse(
      "SOURCE_TRANSACTION_CONTROL",
      `${body.file} contains ${shownStatement(refused.text)}, which cannot be carried out for it.`,
      placeOf(body, codePointOffset(body.text, refused.start) + 1),
      "Begin and end transactions with BEGIN and COMMIT, or not at all.",
    );
  const single = units.length <= 1 && units.every(({ kind }) => isTransactional(kind));
  const whole = { ...body, text, written: body.written ?? body.text };
  return single ? { ...whole, modes: units[0]?.modes, ownModes: units[0]?.modes } : { ...whole, units };
}

export function refuse(code: Problem["code"], message: string, place: Place, hint?: string): never {
  throw new SourceError([{ code, message, place, hint }]);
}

function gone(step: Step): Problem {
  return {
    code: "SOURCE_FILE_UNREADABLE",
    message: `${step.revision} has no file any more, and the ledger kept no way back for it.`,
    hint: "Restore the file from version control.",
  };
}
