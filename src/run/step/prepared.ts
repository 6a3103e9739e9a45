/** A step that has been read and analysed, and the form in which it is carried out. */
import type { Migration, MigrationSettings } from "../../core/migration.ts";
import type { Step } from "../../core/plan.ts";
import type { Connection } from "../../database/connection.ts";
import type { DatabaseError, Problem } from "../../errors.ts";
import type { Source } from "../../source/source.ts";
import type { StepReport } from "../report/report.ts";
import type { SessionKind } from "../session/settings.ts";
import type { Target } from "../session/target.ts";
import type { Body } from "./body.ts";
import type { StepContext, StepOutcome } from "./context.ts";
import type { ScriptPen } from "./script-pen.ts";

export interface Prepared {
  readonly step: Step;
  readonly migration: Migration | null;
  readonly settings: MigrationSettings;
  /** How the step is carried out. */
  readonly form: Form;
  /** Why the step does not run in one transaction, in words for people. */
  readonly because: string | null;
  /** The step may give the run's lock away. The lock is asked for before the next step begins. */
  readonly mayFreeLock: boolean;
  readonly load: () => Promise<Body>;
  readonly problem: Problem | null;
}

/** Everything in which the ways of carrying out a step differ. `forms.ts` has a row for each. */
export interface Form {
  /** One transaction of the run is around the whole step. If the step fails, nothing of it is kept. */
  readonly transactional: boolean;
  /** How the text reaches the server: in one message, in one for each statement, for each window of a table, as a function sends it, or not at all: a program of the user's does. */
  readonly sends: "whole" | "statements" | "windows" | "calls" | "program";
  /** Carries out the first of these steps, which all have this form. It may go on with the steps behind it. */
  readonly run: (
    context: StepContext,
    steps: readonly Prepared[],
    firstIndex: number,
    onDone: (report: StepReport) => void,
  ) => Promise<Stretch>;
  /**
   * Runs the step inside the transaction of a dry run. Returns the server's first error that a module
   * swallowed, if any. `null` means that the step can't run in a transaction.
   */
  readonly try: ((context: StepContext, prepared: Prepared) => Promise<DatabaseError | undefined>) | null;
  /**
   * Throws what would refuse the step before it begins, in the transaction of a dry run. For a step that can't run there.
   * `null` means that nothing can be asked.
   */
  readonly examine: ((context: StepContext, prepared: Prepared) => Promise<void>) | null;
  /** The lines of a script for the step. Throws `SourceError` where a script can't do what a run does. */
  readonly render: (pen: ScriptPen, prepared: Prepared, body: Body) => Promise<readonly string[]>;
  /** Throws `PlanRefused` where an earlier run has begun the step and nobody can tell how to continue. */
  readonly refuseResume: (
    target: Target,
    connection: Connection,
    prepared: Prepared,
    look: ResumeLook,
  ) => Promise<void>;
  /**
   * How an author makes such a step run without a transaction, for a hint. `null` means that the layout has no
   * way.
   */
  readonly advise: (layout: Source["layout"]) => string | null;
}

/** What is asked of a half-done step before it goes on. */
export interface ResumeLook {
  readonly kind: SessionKind;
  /** No step before it changes the schema, so it finds what is there now. */
  readonly findsSchema: boolean;
}

/** How far a number of consecutive steps came. */
export interface Stretch {
  /** The number of steps that are done. `onDone` was called for each. */
  readonly done: number;
  /** The step behind those. */
  readonly failed: {
    readonly prepared: Prepared;
    readonly outcome: StepOutcome & { readonly ok: false };
  } | null;
}
