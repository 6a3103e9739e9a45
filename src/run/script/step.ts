/** One step of a script for psql, written with the same frames as in a run. */
import { encodingChange, utf8AfterReset } from "../../core/sql/encoding.ts";
import { indexGuard } from "../../core/sql/index-guard.ts";
import { codePointOffset, locate } from "../../std/text.ts";
import type { MirroredStep } from "../../tools/tool.ts";
import { type Mirror, type MirrorSql, mirrorSqlOf } from "../mirror/mirror.ts";
import { guardOf, ownRole } from "../session/settings.ts";
import type { RunContext, Target } from "../session/target.ts";
import type { FrameParts } from "../step/frame.ts";
import { expectedOf } from "../step/frame-parts.ts";
import type { Prepared } from "../step/prepared.ts";
import type { ScriptPen } from "../step/script-pen.ts";
import type { OfflineGuard } from "./guard.ts";
import { notRenderable, record } from "./module.ts";
import { comment, forPsql, resetForPsql } from "./psql.ts";

export interface ScriptContext {
  readonly context: RunContext;
  readonly mirror: Mirror | null;
  readonly guard: OfflineGuard;
  /** The guard of a step that reverts. */
  readonly downGuard: OfflineGuard;
}

/** What another tool's history is asked about the step; `null` if it can't know such a step. */
export function guarded(
  target: Target,
  { step, migration }: Pick<Prepared, "step" | "migration">,
  text: string | null,
): MirroredStep | null {
  if (step.direction === "down" || step.kind === "repeatable" || step.reason !== "pending") return null;
  const { historyTable: ledger } = target.ledger.sql;
  return { revision: step.revision, key: migration?.tool ?? null, text, ledger };
}

/** The same for a step that reverts. */
export function guardedDown(
  target: Target,
  { step, migration }: Pick<Prepared, "step" | "migration">,
): MirroredStep | null {
  if (step.direction !== "down" || step.kind === "repeatable") return null;
  const { historyTable: ledger } = target.ledger.sql;
  return { revision: step.revision, key: migration?.tool ?? null, text: null, ledger };
}

function guardedBy(kept: MirrorSql, guard: string): MirrorSql {
  return { ...kept, open: `${kept.open} ${guard}`, closing: `${kept.closing} ${guard}` };
}

/** Throws `SourceError` `SOURCE_NOT_RENDERABLE`. */
export async function renderStep(
  target: Target,
  prepared: Prepared,
  { context, mirror, guard, downGuard }: ScriptContext,
): Promise<string> {
  const { step, migration } = prepared;
  const body = await prepared.load();
  const settings = (body.kind === "sql" ? body.settings : undefined) ?? prepared.settings;
  const written = body.kind === "sql" ? (body.written ?? body.text) : null;
  const ledger = target.ledger.sql;
  const kept = mirrorSqlOf(mirror, { step, migration, text: written, sql: ledger, live: false });
  const [up, down] = [guarded(target, prepared, written), guardedDown(target, prepared)];
  const back = down === null ? "" : downGuard([down], "in its step");
  const asked = up === null ? back : guard([up], "in its step");
  const parts: FrameParts = {
    ledger,
    author: context,
    reset: resetForPsql(target, settings),
    fence: "",
    ownRole: ownRole(target.settings),
    leave: guardOf(target.settings),
    mirror: asked === "" ? kept : guardedBy(kept, asked),
    expected: expectedOf(prepared),
    modes: body.kind === "sql" ? body.modes : undefined,
    indexes: body.kind === "sql" ? indexGuard(body.text) : undefined,
  };
  const title = comment(`${step.direction} ${step.revision} (${step.file})`);
  const pen: ScriptPen = {
    layout: target.source.layout,
    parts,
    own: ended,
    text: (sql) => ended(forPsql(utf8AfterReset(sql))),
    recorded: async () => {
      if (body.kind !== "module") throw new Error("Only a module is recorded.");
      const text = await record(target, prepared, { body, context });
      refuseEncoding(text, prepared, false);
      return text;
    },
    refused: (why) => notRenderable(prepared, why),
  };
  if (body.kind === "sql") refuseEncoding(body.text, prepared, true);
  return [title, ...(await prepared.form.render(pen, prepared, body))].join("\n");
}

/**
 * psql would send the text behind such a setting in another encoding, and other characters would be stored than
 * by `up`.
 */
function refuseEncoding(text: string, prepared: Prepared, isFile: boolean): void {
  const at = encodingChange(text);
  if (at === null) return;
  const { file } = prepared.step;
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

/** The semicolon gets a line of its own where the text may end in a comment. */
function ended(text: string): string {
  const trimmed = text.trimEnd();
  return trimmed.endsWith(";") && !/--[^\n]*$/.test(trimmed) ? trimmed : `${trimmed}\n;`;
}
