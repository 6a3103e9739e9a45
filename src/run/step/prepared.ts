/** A step that has been read and analysed, and the form in which it is carried out. */
import type { Migration, MigrationSettings } from "../../core/migration.ts";
import type { Step } from "../../core/plan.ts";
import type { Connection } from "../../database/connection.ts";
import type { DatabaseError, Problem } from "../../errors.ts";
import type { Source } from "../../source/source.ts";
import type { StepReport } from "../report/report.ts";
import type { Target } from "../session/target.ts";
import type { Body } from "./body.ts";
import type { StepContext, StepOutcome } from "./context.ts";
import type { ScriptPen } from "./script-pen.ts";

export interface Prepared {
  readonly step: Step;
  readonly migration: Migration | null;
  readonly settings: MigrationSettings;
  /** How it will be carried out. */
  readonly form: Form;
  /** Why it does not run in one transaction, for people. */
  readonly because: string | null;
  readonly load: () => Promise<Body>;
  readonly problem: Problem | null;
}

/** All that differs between the ways of carrying out a step. `forms.ts` has a row for each. */
export interface Form {
  /** One transaction of the run is around the whole step, so a failure keeps nothing of it. */
  readonly transactional: boolean;
  /** How the text reaches the server: in one message, in one for each statement, or as a function sends it. */
  readonly sends: "whole" | "statements" | "calls";
  /** Carries out the first of these steps, which are all of this form. It may go on with those behind it. */
  readonly run: (
    context: StepContext,
    steps: readonly Prepared[],
    firstIndex: number,
    onDone: (report: StepReport) => void,
  ) => Promise<Stretch>;
  /**
   * Runs the step inside the transaction of a dry run. Returns an error of the server that the step has caught.
   * `null`: such a step cannot run in a transaction.
   */
  readonly try: ((context: StepContext, prepared: Prepared) => Promise<DatabaseError | undefined>) | null;
  /** The step as the lines of a script. Throws `SourceError` where a script cannot do what a run does. */
  readonly render: (pen: ScriptPen, prepared: Prepared, body: Body) => Promise<readonly string[]>;
  /** Throws `PlanRefused` where what an earlier run has begun cannot be gone on with. */
  readonly refuseResume: (target: Target, connection: Connection, prepared: Prepared) => Promise<void>;
  /** How its author has such a step run without a transaction, for a hint; `null`: the layout has no way. */
  readonly advise: (layout: Source["layout"]) => string | null;
}

/** How far consecutive steps came. */
export interface Stretch {
  /** How many of them are done. `onDone` was told each. */
  readonly done: number;
  /** The one behind those. */
  readonly failed: {
    readonly prepared: Prepared;
    readonly outcome: StepOutcome & { readonly ok: false };
  } | null;
}
