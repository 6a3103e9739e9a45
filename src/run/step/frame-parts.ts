/** What a run puts around one step: the parts of its frame, and its row in the ledger. */
import {
  type ExpectationGuard,
  expectationGuard,
  NOTHING_EXPECTED,
} from "../../core/sql/expectation-guard.ts";
import { indexGuard } from "../../core/sql/index-guard.ts";
import type { Entry } from "../../ledger/rows.ts";
import { type MirrorSql, mirrorSqlOf } from "../mirror/mirror.ts";
import { advisoryIn, watchedIn } from "../mirror/tool-watch.ts";
import { guardOf, leaveSession, ownRole, resetSession } from "../session/settings.ts";
import type { Body } from "./body.ts";
import type { StepContext } from "./context.ts";
import type { FrameParts } from "./frame.ts";
import type { Prepared } from "./prepared.ts";

/** `follows`: the server begins this step right after the commit of another one. */
export function frameParts(
  context: StepContext,
  prepared: Prepared,
  body: Body | null = null,
  follows = false,
): FrameParts {
  return {
    ledger: context.ledger.sql,
    author: context.author,
    reset: resetSession(context.kind, context.target.settings, prepared.settings),
    fence: context.lock.fence,
    ownRole: ownRole(context.target.settings, context.kind),
    leave: `${guardOf(context.target.settings)} ${leaveSession(context.kind)}`,
    modes: body?.kind === "sql" ? body.modes : undefined,
    indexes: body?.kind === "sql" ? indexGuard(body.text) : undefined,
    expected: expectedOf(prepared),
    mirror: mirrorSqlBeside(context, prepared, { body, follows }),
  };
}

/** What is expected is about the way up. */
export function expectedOf({ step, settings }: Prepared): ExpectationGuard {
  return step.direction === "up" ? expectationGuard(settings.expect, step.file) : NOTHING_EXPECTED;
}

/** The SQL that writes the step into another tool's history, or asks whether that tool has run it. */
function mirrorSqlBeside(
  { mirror, watch, advisory, ledger, again }: StepContext,
  prepared: Prepared,
  { body, follows }: { readonly body: Body | null; readonly follows: boolean },
): MirrorSql {
  const { step, migration } = prepared;
  const text = body?.kind === "sql" ? (body.written ?? body.text) : null;
  const kept =
    watch == null
      ? mirrorSqlOf(mirror, {
          ...{ step, migration, text, sql: ledger.sql, live: true },
          again: again?.has(step.revision),
        })
      : watchedIn(watch, { revision: step.revision, text, follows });
  if (advisory == null) return kept;
  const locked = advisoryIn(advisory);
  return { ...kept, open: `${locked} ${kept.open}`, closing: `${locked} ${kept.closing}` };
}

export function entryOf(prepared: Prepared, revert: string | null): Entry {
  const { step, migration } = prepared;
  return {
    revision: step.revision,
    kind: step.kind,
    again: step.reason === "changed",
    phase: step.phase,
    number: migration?.number ?? null,
    parents: [...new Set([...(migration?.revises ?? []), ...(migration?.depends ?? [])])],
    file: step.file,
    checksum: step.checksum,
    fingerprint: migration?.fingerprint ?? null,
    revertScript: revert,
    minimumRevision: migration?.settings.minimumRevision ?? null,
  };
}
