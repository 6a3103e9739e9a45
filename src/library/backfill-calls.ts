/** The calls of a migrator about its backfills. All but `undo` and `forget` need no lock, and may come from any process. */
import type { Forgotten } from "../run/backfill-undo.ts";
import type { BackfillStatus, BackfillWord } from "../run/backfills.ts";
import type { MigrateOptions } from "../run/plan.ts";
import type { Report } from "../run/report/report.ts";
import type { RunContext, Target } from "../run/session/target.ts";
import type { Opened } from "./loaded.ts";

/** Backfills, from beside the run that works on them. A revision may be the start of one. */
export interface Backfills {
  /** All of them, of the files and of the ledger, or the one that is named. Changes nothing. */
  status(revision?: string): Promise<readonly BackfillStatus[]>;
  /** No window begins after the one that is under way. A run that works on it waits, and a later one does not begin it. */
  pause(revision: string): Promise<BackfillStatus>;
  resume(revision: string): Promise<BackfillStatus>;
  /** At most so many rows in a second. `null`: as many as it can. */
  rate(revision: string, rate: number | null): Promise<BackfillStatus>;
  /** The backfill, as its file is now, may begin. Only one that declares `approve` waits for this. */
  approve(revision: string): Promise<BackfillStatus>;
  /**
   * Gives the rows of one backfill their old values again, where nobody has changed them since. It is pending afterwards.
   * Throws like `down`.
   */
  undo(revision: string): Promise<Report>;
  /** Drops the old values that a backfill has kept. */
  forget(revision: string): Promise<Forgotten>;
}

type Call = <T>(work: (opened: Opened, context: RunContext) => Promise<T>) => Promise<T>;

export interface BackfillDoors {
  readonly read: Call;
  readonly tell: Call;
  /** One call that runs a way back, and is announced. */
  readonly run: (
    revision: string,
    work: (target: Target, options: MigrateOptions, context: RunContext) => Promise<Report>,
  ) => Promise<Report>;
}

export function backfillCalls({ read, tell: change, run }: BackfillDoors): Backfills {
  const checkRevision = async (name: string, revision: string) => {
    const { checkValue, TEXT } = await import("../config/given.ts");
    checkValue(revision, `The revision of backfills.${name}()`, TEXT);
  };
  const tell = async (name: string, revision: string, word: BackfillWord) => {
    await checkRevision(name, revision);
    return change(async ({ assembled }, context) => {
      const { tellBackfill } = await import("../run/backfills.ts");
      return tellBackfill(assembled.target, { revision, word }, context);
    });
  };
  return {
    async status(revision) {
      if (revision !== undefined) await checkRevision("status", revision);
      return read(async ({ assembled }, context) => {
        const { backfillsOf } = await import("../run/backfills.ts");
        return backfillsOf(assembled.target, context, revision);
      });
    },
    pause: (revision) => tell("pause", revision, { kind: "pause" }),
    resume: (revision) => tell("resume", revision, { kind: "resume" }),
    approve: (revision) => tell("approve", revision, { kind: "approve" }),
    async rate(revision, rate) {
      const { checkValue } = await import("../config/given.ts");
      const { isRate, RATE } = await import("../core/backfill.ts");
      const is = (value: unknown) => value === null || isRate(value);
      checkValue(rate, "The rate of backfills.rate()", { expected: `${RATE}, or null`, is });
      return tell("rate", revision, { kind: "rate", rate });
    },
    async undo(revision) {
      await checkRevision("undo", revision);
      const { undoBackfill } = await import("../run/backfill-undo.ts");
      return run(revision, undoBackfill);
    },
    async forget(revision) {
      await checkRevision("forget", revision);
      const { forgetOldValues } = await import("../run/backfill-undo.ts");
      return change(({ assembled }, context) => forgetOldValues(assembled.target, revision, context));
    },
  };
}
