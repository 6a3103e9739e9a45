/** The result of a dry run, as data. */
import type { Step } from "../../core/step.ts";
import type { Problem } from "../../errors.ts";

export interface NotTried {
  readonly revision: string;
  readonly because: string;
}

export interface DryRunFailure {
  readonly revision: string;
  readonly problem: Problem;
  /** The failure may only be due to what could not be tried before it, or to a lock that somebody held. */
  readonly uncertain: boolean;
}

/** An import whose origin cannot be read from here, or is another one than before. */
export interface DryRunImportFailure {
  readonly import: string;
  readonly problem: Problem;
  /** It may be reachable for the run that imports. */
  readonly uncertain: boolean;
}

export interface DryRunReport {
  readonly target: string;
  /**
   * `worked`: everything that was tried. `uncertain`: no failure is certain. `failed`: at least one is. `interrupted`: a
   * signal, the deadline or a lost connection ended it before everything was tried.
   */
  readonly outcome: "worked" | "uncertain" | "failed" | "interrupted";
  /** Steps that were carried out and rolled back. */
  readonly tried: readonly string[];
  readonly notTried: readonly NotTried[];
  readonly failures: readonly DryRunFailure[];
  /** The first certain failure, else the first failure; `null` if there is none. */
  readonly failed: DryRunFailure | null;
  /** Imports that `up` would have run too. */
  readonly notImported: readonly string[];
  /** Which of them would fail at their origin as things are now. */
  readonly importFailures: readonly DryRunImportFailure[];
  readonly warnings: readonly Problem[];
}

export class DryRunResults {
  readonly tried: string[] = [];
  readonly notTried: NotTried[] = [];
  readonly failures: DryRunFailure[] = [];
  readonly warnings: Problem[] = [];
  importFailures: readonly DryRunImportFailure[] = [];
  #planned: readonly string[] = [];
  /** The step that is being tried. */
  trying: string | undefined;
  /** The file of a step that has committed, where none can. */
  committedBy: string | undefined;

  planned(revisions: readonly string[]): void {
    this.#planned = revisions;
  }

  /** Whether a planned step is missing for the steps behind it. */
  get hasGaps(): boolean {
    return this.notTried.length > 0 || this.failures.length > 0;
  }

  /** What a step needs that failed, was left out because of that, or is a backfill that could not be tried. */
  missing({ after, requires = [] }: Step, left: ReadonlySet<string>): string | undefined {
    const isOf = (id: string, list: readonly { readonly revision: string }[]) =>
      list.some(({ revision }) => revision === id);
    return (
      after.find((id) => left.has(id) || isOf(id, this.failures)) ??
      requires.find((id) => isOf(id, this.notTried))
    );
  }

  report(target: string, notImported: readonly string[]): DryRunReport {
    const { tried, notTried, failures, importFailures, warnings } = this;
    const all = [...failures, ...importFailures];
    const isSure = all.some(({ uncertain }) => !uncertain);
    const outcome = isSure ? "failed" : all.length > 0 ? "uncertain" : "worked";
    const failed = failures.find(({ uncertain }) => !uncertain) ?? failures[0] ?? null;
    return { target, outcome, tried, notTried, failures, failed, notImported, importFailures, warnings };
  }

  /** The report of a dry run that had to end. */
  interrupted(target: string, notImported: readonly string[]): DryRunReport {
    const report = this.report(target, notImported);
    const known = new Set([
      ...report.tried,
      ...[...report.notTried, ...report.failures].map(({ revision }) => revision),
    ]);
    const left = this.#planned.filter((revision) => !known.has(revision));
    const because = (revision: string) =>
      revision === this.trying
        ? "the dry run was interrupted while it ran"
        : "the dry run was interrupted before it";
    const notTried = [
      ...report.notTried,
      ...left.map((revision) => ({ revision, because: because(revision) })),
    ];
    return { ...report, outcome: "interrupted", notTried };
  }
}
