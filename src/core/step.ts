/** A plan and what it is made from, as plain data. */
import type { Problem } from "../errors.ts";
import type { History } from "./history.ts";
import type { Direction, Migration, MigrationKind, Phase } from "./migration.ts";

export interface Goal {
  readonly direction: Direction;
  /**
   * A revision expression. Up: `head` (all), an id or unique prefix, `+2`. Down: `base`, an id (it stays),
   * `-1`.
   */
  readonly to: string;
  /** Phases asked for; migrations of others are held back and named in `Plan.held`. */
  readonly phases: readonly Phase[];
}

export interface Policy {
  /** Late migrations run, although one after them is applied already. */
  readonly outOfOrder: boolean;
  /** After a failure: `stop`, or go on with all that does not depend on what failed. */
  readonly failure: "stop" | "continue";
  /** The configured project, to tell ledgers apart. */
  readonly project: string | null;
  /** Revisions that have failed in this run already: that later ones were carried out all the same is no surprise. */
  readonly failed?: ReadonlySet<string> | undefined;
  /** Pending ones that another tool takes for applied, though nothing says that it ran them, with its title. */
  readonly passedOver?: ReadonlyMap<string, string> | undefined;
}

export interface Step {
  readonly revision: string;
  readonly kind: MigrationKind;
  readonly direction: Direction;
  readonly phase: Phase;
  readonly file: string;
  readonly checksum: string;
  /** `pending`, `changed` (a repeatable), `resume` (some of its statements are done already), `asked` (down). */
  readonly reason: "pending" | "changed" | "resume" | "asked";
  /** Steps of this same plan that must have succeeded first. */
  readonly after: readonly string[];
}

/** A migration that is pending and not part of this run, because its phase was not asked for. */
export interface Held {
  readonly revision: string;
  readonly phase: Phase;
}

export interface Plan {
  readonly direction: Direction;
  readonly goal: string;
  readonly steps: readonly Step[];
  readonly held: readonly Held[];
  /** Worth knowing, no reason to stop: a database ahead of these files, a comment-only edit, … */
  readonly warnings: readonly Problem[];
}

/** What one direction makes of it, before anything is refused. */
export interface Draft {
  readonly steps: readonly Step[];
  readonly held: readonly Held[];
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

export interface PlanInput {
  /** As discovered, in any order: the plan does not depend on it. */
  readonly migrations: readonly Migration[];
  /** Problems of discovery that belong to no migration. */
  readonly problems: readonly Problem[];
  /** The configuration's `order` for files without a number. */
  readonly order: readonly string[];
  readonly history: History;
  readonly goal: Goal;
  readonly policy: Policy;
}
