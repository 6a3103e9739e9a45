/** A plan and its input, as plain data. */
import type { Problem } from "../errors.ts";
import type { History } from "./history.ts";
import type { Direction, Migration, MigrationKind, Phase } from "./migration.ts";

export interface Goal {
  readonly direction: Direction;
  /**
   * A revision expression. Up: `head` (all), an id or unique prefix, `+2`. Down: `base`, an id (which stays applied),
   * `-1`.
   */
  readonly to: string;
  /** The phases to run. Migrations of other phases are held back and listed in `Plan.held`. */
  readonly phases: readonly Phase[];
  /** Down: exactly these revisions, whatever `to` says. A rollback takes back what its own run applied. */
  readonly only?: readonly string[] | undefined;
  /** Down: the backfill that `to` names gives back its old values, and nothing else is reverted. */
  readonly undo?: boolean | undefined;
}

export interface Policy {
  /** `true`: a late migration runs even if one after it is already applied. */
  readonly outOfOrder: boolean;
  /** After a failure: `stop`, or go on with everything that does not depend on the failed step. */
  readonly failure: "stop" | "continue";
  /** The configured project. It tells ledgers apart. */
  readonly project: string | null;
  /** What waits for a backfill of another run is planned again when that is done, also if it was asked for by name. */
  readonly waits?: boolean | undefined;
  /** Revisions that have already failed in this run. That later ones ran in spite of this is expected. */
  readonly failed?: ReadonlySet<string> | undefined;
  /** Pending migrations that another tool counts as applied although no record shows that it ran them. */
  readonly passedOver?: ReadonlyMap<string, PassedOver> | undefined;
}

export interface PassedOver {
  /** The tool, for messages. */
  readonly title: string;
  /** The tool may have run it. `false`: it counts as applied only because of what we wrote ourselves. */
  readonly mayHaveRun: boolean;
}

export interface Step {
  readonly revision: string;
  readonly kind: MigrationKind;
  readonly direction: Direction;
  readonly phase: Phase;
  readonly file: string;
  readonly checksum: string;
  /** `pending`, `changed` (a repeatable), `resume` (some of its statements are already done), `asked` (down). */
  readonly reason: "pending" | "changed" | "resume" | "asked";
  /** Down: the old values that a backfill has kept come back, whatever way back its file has. */
  readonly undo?: boolean | undefined;
  /** The backfills that its author requires. Left out: none. */
  readonly requires?: readonly string[] | undefined;
  /** A backfill for which others need not wait. */
  readonly background?: boolean | undefined;
  /** Steps of this plan that must succeed first. */
  readonly after: readonly string[];
}

/** A pending migration that is not part of this run, because its phase was not asked for. */
export interface Held {
  readonly revision: string;
  readonly phase: Phase;
}

export interface Plan {
  readonly direction: Direction;
  readonly goal: string;
  readonly steps: readonly Step[];
  readonly held: readonly Held[];
  /** Findings that do not stop the run: a database ahead of these files, a comment-only edit, … */
  readonly warnings: readonly Problem[];
  /** Backfills that another run is carrying out, and what waits for them. Left out: none. */
  readonly waiting?: readonly string[] | undefined;
  /** What another tool has applied, and `up` records before it carries out the plan. */
  readonly adopts?: Adopts | undefined;
  /** What each backfill of the plan will go through. Left out: it was not looked for, or there is none. */
  readonly backfills?: readonly BackfillOutlook[] | undefined;
  /** What must hold before the run and afterwards. A plan asks none of it. Left out: there are none. */
  readonly checks?: readonly { readonly name: string; readonly when: "before" | "after" }[] | undefined;
}

export interface BackfillOutlook {
  readonly revision: string;
  readonly table: string;
  readonly key: readonly string[];
  /** About how many, from the statistics. `null`: the table was never analysed. */
  readonly rows: number | null;
  /** How many of them an earlier run has done, and about how many are left. `null`: the table was never analysed. */
  readonly done: number;
  readonly left: number | null;
  /** What a person has to do before it begins or goes on. `null`: nothing. */
  readonly waitsFor: "approve" | "resume" | null;
  /** Rows that PostgreSQL has refused in an earlier run, and that are tried again. */
  readonly refused: number;
  /** The indexes of the table. */
  readonly indexes: number;
  /** The columns that it sets and that are in an index: `slug (products_slug_key)`. */
  readonly indexed: readonly string[];
  /** The share of a page that inserts fill, in percent. The rest is room for new versions of its rows. */
  readonly fillfactor: number;
  /** A function of the module changes its rows. None is called for a plan, so there can be no sample. */
  readonly byFunction: boolean;
  /** What a window that was rolled back says of the rest. Left out: none was asked for. `null`: none could be tried. */
  readonly sample?: BackfillSample | null | undefined;
  /** Why there is none, or why that of a larger window is missing. For people. */
  readonly unsampled?: string | null | undefined;
}

/** Figures for one window at a time, without waiting for anybody. */
export interface BackfillSample {
  /** The rows that the window had, and those that its statement changed. */
  readonly rows: number;
  readonly changed: number;
  readonly rowsPerSecond: number;
  /** Of the window. */
  readonly walBytes: number;
  /** Of all rows that are left. `null`: the table was never analysed. */
  readonly durationMs: number | null;
  readonly totalWalBytes: number | null;
  /** Triggers that ran. What they did outside of the database stays. */
  readonly triggers: readonly string[];
  /** Sequences whose numbers were used up. */
  readonly sequences: readonly string[];
  /** The backfill keeps old values, and the sample has kept none. */
  readonly withoutOldValues: boolean;
}

export interface Adopts {
  /** The tool's name in messages. */
  readonly title: string;
  /** `schema.table` */
  readonly table: string;
  readonly revisions: readonly string[];
}

/** The plan for one direction, before anything is refused. */
export interface Draft {
  readonly steps: readonly Step[];
  readonly held: readonly Held[];
  readonly waiting?: readonly string[] | undefined;
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

export interface PlanInput {
  /** As discovered. The plan does not depend on their order. */
  readonly migrations: readonly Migration[];
  /** Problems of discovery that belong to no single migration. */
  readonly problems: readonly Problem[];
  /** What discovery says of the files, and stops nothing. */
  readonly notes?: readonly Problem[] | undefined;
  /** The configured `order` of files without a number. */
  readonly order: readonly string[];
  readonly history: History;
  readonly goal: Goal;
  readonly policy: Policy;
}
