/** One step of a script for psql: the frames of a run, and between them the text as it is run. */
import type { StatementKind } from "../../core/sql/classify.ts";
import { encodingChange, utf8AfterReset } from "../../core/sql/encoding.ts";
import { indexGuard } from "../../core/sql/index-guard.ts";
import { literal, quotedName } from "../../core/sql/quote.ts";
import { sendsOneByOne } from "../../source/layouts/no-transaction.ts";
import { codePointOffset, locate } from "../../std/text.ts";
import type { MirroredStep } from "../../tools/tool.ts";
import { type Mirror, type MirrorSql, mirrorSqlOf } from "../mirror/mirror.ts";
import { guardOf, ownRole } from "../session/settings.ts";
import type { RunContext, Target } from "../session/target.ts";
import { begin } from "../session/transaction.ts";
import { entryOf } from "../step/context.ts";
import {
  applyFrame,
  closing,
  type FrameParts,
  revertFrame,
  type StepFrame,
  statementFrame,
} from "../step/frame.ts";
import { mayNeedOutside } from "../step/outside.ts";
import { type Body, type Prepared, type SplitStatement, statementsOf } from "../step/prepare.ts";
import { hashOf, runsInTransaction } from "../step/statement.ts";
import type { OfflineGuard } from "./guard.ts";
import { notRenderable, record } from "./module.ts";
import { comment, forPsql, resetForPsql } from "./psql.ts";

export interface StepContext {
  readonly context: RunContext;
  readonly mirror: Mirror | null;
  readonly guard: OfflineGuard;
}

/** What the tool is asked about; `null`: it knows nothing of such a step. */
export function guarded(
  target: Target,
  { step, migration }: Pick<Prepared, "step" | "migration">,
  text: string | null,
): MirroredStep | null {
  if (step.direction === "down" || step.kind === "repeatable" || step.reason !== "pending") return null;
  const { historyTable: ledger } = target.ledger.sql;
  return { revision: step.revision, key: migration?.tool ?? null, text, ledger };
}

function guardedBy(kept: MirrorSql, guard: string): MirrorSql {
  return { ...kept, open: `${kept.open} ${guard}`, closing: `${kept.closing} ${guard}` };
}

/** Throws `SourceError` `SOURCE_NOT_RENDERABLE`. */
export async function renderStep(
  target: Target,
  prepared: Prepared,
  { context, mirror, guard }: StepContext,
): Promise<string> {
  const { step, migration } = prepared;
  const body = await prepared.load();
  const settings = (body.kind === "sql" ? body.settings : undefined) ?? prepared.settings;
  const written = body.kind === "sql" ? (body.written ?? body.text) : null;
  const ledger = target.ledger.sql;
  const kept = mirrorSqlOf(mirror, { step, migration, text: written, sql: ledger, live: false });
  const asked = guarded(target, prepared, written);
  const parts: FrameParts = {
    ledger,
    author: context,
    reset: resetForPsql(target, settings),
    fence: "",
    ownRole: ownRole(target.settings),
    leave: guardOf(target.settings),
    mirror: asked === null ? kept : guardedBy(kept, guard([asked], "in its step")),
    modes: body.kind === "sql" ? body.modes : undefined,
    indexes: body.kind === "sql" ? indexGuard(body.text) : undefined,
  };
  if (body.kind === "sql") refuseEncoding(body.text, prepared);
  const title = comment(`${step.direction} ${step.revision} (${step.file})`);
  if (body.kind === "module" && prepared.form === "module-outside")
    throw notRenderable(prepared, "it runs outside a transaction");
  if (body.kind === "sql" && (prepared.form === "statements" || mayRunOutside(target, prepared, body)))
    return [title, ...renderStatements(parts, prepared, body)].join("\n");
  const entry = entryOf(prepared, body.kind === "sql" ? body.revert : null);
  const frame = step.direction === "up" ? applyFrame(parts, entry) : revertFrame(parts, step.revision);
  const text = body.kind === "module" ? await record(target, prepared, { body, context }) : body.text;
  if (body.kind === "module") refuseEncoding(text, prepared);
  return [title, ...framed(frame, text)].join("\n");
}

/** The runner would try it inside a transaction, and then without one where nothing is lost: `pipeline.ts`. */
function mayRunOutside(target: Target, { settings }: Prepared, body: Body & { kind: "sql" }): boolean {
  if (settings.transaction !== undefined) return false;
  const statements = statementsOf(body);
  const alone = statements.length === 1 || sendsOneByOne(target.source.layout);
  return alone && statements.some(triedOutside);
}

function triedOutside(statement: SplitStatement): boolean {
  return statement.several !== true && mayNeedOutside(statement);
}

/** What is behind it would be stored as other characters than `up` stores. */
function refuseEncoding(text: string, prepared: Prepared): void {
  const at = encodingChange(text);
  if (at === null) return;
  const { file } = prepared.step;
  const isFile = prepared.form !== "module" && prepared.form !== "module-outside";
  const place = isFile ? { file, ...locate(text, codePointOffset(text, at) + 1) } : { file };
  throw notRenderable(
    prepared,
    "it sets client_encoding, and psql would send the accents behind it as others",
    {
      place,
      hint: "Take that statement out: the file is UTF-8, and so is what is sent.",
    },
  );
}

function framed({ open, close }: StepFrame, text: string): readonly string[] {
  return [ended(open), ended(forPsql(utf8AfterReset(text))), ended(close)];
}

/** The semicolon is on a line of its own: the text may end in a comment. */
function ended(text: string): string {
  const trimmed = text.trimEnd();
  return trimmed.endsWith(";") && !/--[^\n]*$/.test(trimmed) ? trimmed : `${trimmed}\n;`;
}

/**
 * As `statements.ts` does it, except that nothing is reset between the statements: what the file sets stays set by
 * itself. A script that stops in the middle leaves the same rows behind as a run, and `godwit up` goes on from there.
 */
function renderStatements(
  parts: FrameParts,
  prepared: Prepared,
  body: Body & { kind: "sql" },
): readonly string[] {
  const { step } = prepared;
  const { ledger, author } = parts;
  const own = (sql: string) => `${begin()} ${parts.ownRole} ${sql}; commit;`;
  const entry = entryOf(prepared, body.revert);
  const again = step.kind === "repeatable" || step.reason === "changed";
  const replace = again ? `${ledger.remove(step.revision)}; ` : "";
  const forget = ledger.forgetStatements(step.revision, step.direction);
  const opening =
    step.direction === "up"
      ? own(`${parts.mirror.open} ${replace}${forget}; ${ledger.insert(entry, author, "partial")}`)
      : own(ledger.startReverting(step.revision));
  let setsLockTimeout = prepared.settings.lockTimeoutMs !== undefined;
  const statements = statementsOf(body).flatMap((statement, index): readonly string[] => {
    const { text, kind, modes } = statement;
    const { revision, direction } = step;
    const key = { revision, direction, position: index + 1, hash: hashOf(statement) };
    const finish = ledger.finishStatement(key, author);
    setsLockTimeout ||= /lock_timeout/i.test(text);
    if (runsInTransaction(statement) && !triedOutside(statement))
      return framed(statementFrame({ ...parts, reset: "", modes, indexes: indexGuard(text) }, finish), text);
    const patient = mayWait(statement) && !setsLockTimeout;
    return [
      own(ledger.startStatement(key, author, null)),
      ...(patient ? ["set lock_timeout = 0;"] : []),
      ended(forPsql(utf8AfterReset(text))),
      ...(patient ? [`set lock_timeout = ${literal(lockTimeoutOf(parts))};`] : []),
      ...isValid(kind),
      own(finish),
    ];
  });
  return [parts.reset, opening, ...statements, ended(closing(parts, step.direction, entry))];
}

/** These wait for other transactions, and nobody who reads or writes rows has to wait behind them. */
function mayWait({ kind: { kind } }: SplitStatement): boolean {
  return ["create-index-concurrently", "drop-index-concurrently", "reindex-concurrently"].includes(kind);
}

function lockTimeoutOf({ reset }: FrameParts): string {
  return /set lock_timeout = '(\d+)'/.exec(reset)?.[1] ?? "0";
}

/** `create index if not exists` is content with an index that is not valid. */
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
