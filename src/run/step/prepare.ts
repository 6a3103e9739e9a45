/**
 * Reads and analyses every planned file before the first one runs. A broken file then stops the run before it
 * begins.
 */
import type { Migration } from "../../core/migration.ts";
import type { Step } from "../../core/plan.ts";
import { mentionedNames } from "../../core/sql/mentions.ts";
import { GodwitError, SourceError } from "../../errors.ts";
import { problemOf } from "../../source/problems.ts";
import { orAbort } from "../../std/time.ts";
import type { Body } from "./body.ts";
import { rowsOutside } from "./expected-rows.ts";
import { FORMS } from "./forms.ts";
import { type BodyInput, loadBody } from "./load-body.ts";
import type { Prepared } from "./prepared.ts";
import { whyOutside } from "./why-outside.ts";

/** Texts are kept in memory up to this many bytes in all. Beyond that, files are read again when they run. */
const KEEP_BYTES = 8 * 1024 * 1024;

export interface PrepareInput extends BodyInput {
  readonly steps: readonly Step[];
  readonly migrations: ReadonlyMap<string, Migration>;
  /** Ends the reading. Its reason is thrown, and is no problem of a file. */
  readonly signal: AbortSignal;
}

/** Statements and functions that end advisory locks of the session. One inside a function is found at the end of the run. */
const FREES_LOCKS = new Set(["discard", "pg_advisory_unlock", "pg_advisory_unlock_all"]);

/** Never throws for a broken migration. Its step is returned with a `problem`. */
export async function prepareSteps(input: PrepareInput): Promise<readonly Prepared[]> {
  let kept = 0;
  const prepared: Prepared[] = [];
  for (const step of input.steps) {
    input.signal.throwIfAborted();
    const migration = input.migrations.get(step.revision) ?? null;
    const load = () => loadBody(input, step, migration);
    const base = { step, migration, settings: migration?.settings ?? {} };
    try {
      const problem = migration && problemOf(migration, step.direction);
      if (problem != null) throw new SourceError([problem]);
      if (input.source.program !== undefined && migration !== null && goesByProgram(step, migration)) {
        const program: Body = { kind: "program", file: migration.file };
        prepared.push({
          ...base,
          form: FORMS.program,
          because: "the runner of the target carries it out",
          // It works in sessions of its own.
          mayFreeLock: false,
          load: () => Promise.resolve(program),
          problem: null,
        });
        continue;
      }
      const body = await orAbort(load(), input.signal);
      if (body.kind === "program") throw new Error("No file is a program.");
      if (body.kind === "undo") {
        const because = "it brings old values back in windows";
        prepared.push({ ...base, form: FORMS.undo, because, mayFreeLock: false, load, problem: null });
        continue;
      }
      if (body.kind === "module") {
        const outside = base.settings.transaction === false;
        prepared.push({
          ...base,
          form: FORMS[outside ? "module-outside" : "module"],
          because: outside ? "the module says so" : null,
          mayFreeLock: true,
          load,
          problem: outside ? rowsOutside(base, "the module says so") : null,
        });
        continue;
      }
      if (body.backfill !== undefined) {
        prepared.push({
          ...base,
          form: FORMS.backfill,
          because: "it is a backfill",
          mayFreeLock: false,
          load: () => Promise.resolve(body),
          problem: null,
        });
        continue;
      }
      const settings = body.settings ?? base.settings;
      const because =
        whyOutside(body, settings) ??
        (step.reason === "resume" ? "an earlier run has begun it outside a transaction" : null);
      kept += body.text.length;
      const keep = kept <= KEEP_BYTES;
      prepared.push({
        ...base,
        settings,
        form: FORMS[because === null ? "transaction" : "statements"],
        because,
        mayFreeLock: mentionedNames(body.text, FREES_LOCKS).size > 0,
        load: keep ? () => Promise.resolve(body) : load,
        problem: because === null ? null : rowsOutside({ step, settings }, because),
      });
    } catch (error) {
      input.signal.throwIfAborted();
      if (!(error instanceof GodwitError)) throw error;
      const problem = error.toProblem();
      prepared.push({ ...base, form: FORMS.transaction, because: null, mayFreeLock: false, load, problem });
    }
  }
  return prepared;
}

/** What was applied before the target had a program has its way back in the ledger. */
function goesByProgram({ direction }: Step, { revertible }: Migration): boolean {
  return direction === "up" || revertible;
}
