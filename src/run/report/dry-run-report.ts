/** What a dry run found out, as data. */
import type { Problem } from "../../errors.ts";

export interface NotTried {
  readonly revision: string;
  readonly because: string;
}

export interface DryRunFailure {
  readonly revision: string;
  readonly problem: Problem;
  /** It may have failed only because of what could not be tried before it, or because somebody was in its way. */
  readonly uncertain: boolean;
}

export interface DryRunReport {
  readonly target: string;
  /** `worked`: all that was tried. `uncertain`: nothing has failed for sure. `failed`: something has. */
  readonly outcome: "worked" | "uncertain" | "failed";
  /** Carried out, and rolled back. */
  readonly tried: readonly string[];
  readonly notTried: readonly NotTried[];
  readonly failures: readonly DryRunFailure[];
  /** The first that failed for sure, else the first that failed; `null`: none did. */
  readonly failed: DryRunFailure | null;
  /** Imports that `up` would have run as well. */
  readonly notImported: readonly string[];
  readonly warnings: readonly Problem[];
}

export class DryRunResults {
  readonly tried: string[] = [];
  readonly notTried: NotTried[] = [];
  readonly failures: DryRunFailure[] = [];
  readonly warnings: Problem[] = [];

  /** Whether something that is planned is not there, for what comes after it. */
  get hasGaps(): boolean {
    return this.notTried.length > 0 || this.failures.length > 0;
  }

  /** Of these, the first that failed or was left out because of one that did. */
  missing(revisions: readonly string[], left: ReadonlySet<string>): string | undefined {
    return revisions.find((id) => left.has(id) || this.failures.some(({ revision }) => revision === id));
  }

  report(target: string, notImported: readonly string[]): DryRunReport {
    const { tried, notTried, failures, warnings } = this;
    const sure = failures.find(({ uncertain }) => !uncertain);
    const outcome = sure !== undefined ? "failed" : failures.length > 0 ? "uncertain" : "worked";
    const failed = sure ?? failures[0] ?? null;
    return { target, outcome, tried, notTried, failures, failed, notImported, warnings };
  }
}
