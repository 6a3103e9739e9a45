/** What a program does with backfills. */
import type { Forgotten } from "../run/backfill-undo.ts";
import type { MigrateOptions } from "../run/plan.ts";
import type { Report } from "../run/report/report.ts";
import type { RunContext, Target } from "../run/session/target.ts";

export interface Backfills {
  /**
   * Gives the rows of one backfill their old values again, where nobody has changed them since. It is pending afterwards.
   * Throws like `down`.
   */
  undo(revision: string): Promise<Report>;
  /** Drops the old values that a backfill has kept. */
  forget(revision: string): Promise<Forgotten>;
}

interface Place {
  readonly target: Target;
  readonly context: RunContext;
}

export interface BackfillDoors {
  /** Throws `ConfigError` unless the value is text. */
  readonly text: (value: unknown, name: string) => Promise<void>;
  /** One call that runs a way back, and is announced. */
  readonly run: (
    revision: string,
    work: (place: Place & { readonly options: MigrateOptions }) => Promise<Report>,
  ) => Promise<Report>;
  readonly call: <T>(work: (place: Place) => Promise<T>) => Promise<T>;
}

export function backfillCalls({ text, run, call }: BackfillDoors): Backfills {
  const useCase = () => import("../run/backfill-undo.ts");
  return {
    async undo(revision) {
      await text(revision, "The revision of undo()");
      const { undoBackfill } = await useCase();
      return run(revision, ({ target, options, context }) => undoBackfill(target, options, context));
    },
    async forget(revision) {
      await text(revision, "The revision of forget()");
      const { forgetOldValues } = await useCase();
      return call(({ target, context }) => forgetOldValues(target, revision, context));
    },
  };
}
