/** What a migrator can do for a program. */
import type { DiffGiven } from "../assemble/diff.ts";
import type { Diagnosis } from "../assemble/doctor.ts";
import type { LintGiven } from "../assemble/lint.ts";
import type { Script } from "../assemble/script.ts";
import type { Direction } from "../core/migration.ts";
import type { Plan, Step } from "../core/step.ts";
import type { Decided, Decision } from "../duplicates/decide.ts";
import type { Duplicates } from "../duplicates/duplicates.ts";
import type { FindOptions } from "../duplicates/find.ts";
import type { Problem } from "../errors.ts";
import type { ImportRun } from "../images/runs.ts";
import type { ImportReport } from "../import/report.ts";
import type { LoggedRow, Recorded } from "../ledger/ledger.ts";
import type { AdoptReport } from "../run/adopt/adopt-report.ts";
import type { AdoptOptions } from "../run/adopt.ts";
import type { BaselineOptions, BaselineReport } from "../run/baseline.ts";
import type { Calibrated } from "../run/calibration.ts";
import type { Compatibility } from "../run/compatible.ts";
import type { Repair } from "../run/corrections.ts";
import type { DriftOptions, DriftReport } from "../run/drift.ts";
import type { ContactSheet } from "../run/duplicates.ts";
import type { Forecast } from "../run/forecast.ts";
import type { Linted } from "../run/lint.ts";
import type { RepairReport } from "../run/repair.ts";
import type { Confirmation } from "../run/repair-confirmation.ts";
import type { DryRunReport } from "../run/report/dry-run-report.ts";
import type { Report } from "../run/report/report.ts";
import type { StatusRow } from "../run/report/status-rows.ts";
import type { TestReport } from "../run/report/test-report.ts";
import type { SchemaDiffReport } from "../run/schema-diff.ts";
import type { ImportState } from "../run/status.ts";
import type { Redelivery, UndeliveredAction } from "../service/webhooks/undelivered.ts";
import type { ImageRevisions, RevisionList } from "../source/revisions.ts";
import type { Backfills } from "./backfill-calls.ts";

export interface Status {
  readonly database: string;
  /** Nothing is pending, nothing would stop `up()`, and its imports are complete. */
  readonly upToDate: boolean;
  /** The steps of `up()`. None if it would not begin, and `problems` says why. */
  readonly pending: readonly Step[];
  /** The newest applied revisions. */
  readonly current: readonly string[];
  /** The newest revisions of the files. */
  readonly heads: readonly string[];
  /** Every migration and its state. */
  readonly migrations: readonly StatusRow[];
  /** The imports that `up()` would run. */
  readonly imports: readonly ImportState[];
  readonly warnings: readonly Problem[];
  /** The problems that `up()` would throw. */
  readonly problems: readonly Problem[];
}

export type AppliedHistory = readonly Recorded[];

export interface ScriptGiven {
  /** Default `up`. */
  readonly direction?: Direction | undefined;
  /** As for `up` and `down`. Default: everything; `down` needs one. */
  readonly goal?: string | undefined;
  /** The revision that the database is at. Default: `base` for `up`, `heads` for `down`. */
  readonly from?: string | undefined;
}

export interface CompatibleGiven {
  /** Asks about the database as it will be after an `up` of these files. */
  readonly afterUp?: boolean | undefined;
  /** What the image would apply is then a problem. */
  readonly ready?: boolean | undefined;
}

export interface ImportOptions {
  /** Reads images again whose colours an earlier release did not record. */
  readonly colours?: boolean | undefined;
  /** The files may come from another origin than before. */
  readonly newOrigin?: boolean | undefined;
  /** All files, or most of them, may be gone: their rows are marked as missing. */
  readonly allowMissing?: boolean | undefined;
  /** Follows links that lead out of the folder. */
  readonly followLinks?: boolean | undefined;
}

export interface PlanOptions {
  /** Its rows are locked for at most two seconds, and numbers of sequences that it uses are gone. */
  readonly sample?: boolean | undefined;
}

/** Calls may run at the same time. Each has a connection of its own, and calls that write wait for each other. */
export interface Migrator extends AsyncDisposable {
  /**
   * Applies what is pending, up to `goal` (an id or the start of one, `+2`, `head`). Without a goal, and with `head`, the
   * configured imports run as well, between the phases before and after them. When it resolves, everything is in the
   * ledger and in the database. Throws a `GodwitError` whose `report` says what was done.
   */
  up(goal?: string): Promise<Report>;
  /** Reverts to `goal`: `-1`, an id (that one stays applied) or `base`. Throws like `up`. */
  down(goal: string): Promise<Report>;
  /** Changes nothing. What would stop `up()` is in `problems`. */
  status(): Promise<Status>;
  /**
   * The plan of `up(goal)`, and of `down(goal)` for `-1` and `base`. Throws what that call would throw before its first
   * step. With `sample`, a window of each backfill is tried and rolled back, and says how long all of it will take.
   */
  plan(goal?: string, options?: PlanOptions): Promise<Plan>;
  /**
   * Executes `up(goal)` in a transaction, and rolls it back. The report says what failed, and what could not be tried.
   * Throws what `up(goal)` would throw before its first step.
   */
  dryRun(goal?: string): Promise<DryRunReport>;
  /**
   * Reads what is pending or changed, or the named files, and says what is dangerous in them. It runs nothing. What is found
   * is in the answer, and is not thrown.
   */
  lint(options?: LintGiven): Promise<Linted>;
  /**
   * Executes the plan of `up(goal)` on a scratch server. For each statement, the report has its locks, what it writes anew, and
   * the safer way; and how large the tables are on the target, and who holds locks on them now. The target is only read. Throws what `plan(goal)` would throw.
   */
  rehearse(goal?: string): Promise<Forecast>;
  /** How long the steps of runs with `maxRisk` took, beside what was predicted. Changes nothing. */
  calibration(): Promise<Calibrated>;
  /**
   * Runs every migration, or the one that is named, on a scratch server: up, down and up again. Its test file gives rows and
   * expectations. What failed is in the report, and is not thrown. The target is only asked for its version.
   */
  test(revision?: string): Promise<TestReport>;
  /**
   * The statements from one schema to another, and back, proven on a scratch server. Databases that are named are only read.
   * Throws `SourceError` for a file of the schema, and `PlanRefused` if no statements are proven.
   */
  diff(options?: DiffGiven): Promise<SchemaDiffReport>;
  /** Writes `up` or `down` as a script for psql. It reads the files, and connects to no database. */
  script(options?: ScriptGiven): Promise<Script>;
  /**
   * Whether an image with these revisions can live with the database as it is. With `afterUp`: as it will be after an
   * `up` of these files. Changes nothing. Throws `ConfigError` if `image` is no list of revisions.
   */
  compatible(image: ImageRevisions, options?: CompatibleGiven): Promise<Compatibility>;
  /**
   * What was changed by hand since the last run, which has kept the schema. Undoes nothing. `accept` keeps the schema as it
   * is now, for later calls. `files` compares with what the applied migrations make, and `sql` adds the statements that undo or
   * adopt the differences; both use a scratch server.
   */
  drift(options?: DriftOptions & { readonly accept?: boolean | undefined }): Promise<DriftReport>;
  /** The revisions of these files, for `compatible` in another image. Connects to no database. */
  revisions(): Promise<RevisionList>;
  /** The history in the ledger, the oldest first. */
  history(): Promise<AppliedHistory>;
  /**
   * The messages to webhooks that nobody has taken. `retry` sends each once more, `forget` deletes them. What is left
   * afterwards is in the answer, and is not thrown.
   */
  webhooks(action?: UndeliveredAction): Promise<Redelivery>;
  /** The log: what was done to the database, failures included. The newest 1000 rows, the newest first. */
  log(): Promise<readonly LoggedRow[]>;
  /** Looks for problems in settings, files and database. What is wrong is a finding, and is not thrown. */
  doctor(): Promise<Diagnosis>;
  /** Adopts what another tool has applied, from its own history. `dryRun` changes nothing. */
  adopt(options?: AdoptOptions): Promise<AdoptReport>;
  /** Declares a revision and all before it as applied. `confirm` names a database in which they replace older ones. */
  baseline(revision: string, options?: BaselineOptions): Promise<BaselineReport>;
  /** What a person should know before a `repair()`: the name of the database, and what would be lost. Changes nothing. */
  repairConfirmation(request: Repair): Promise<Confirmation>;
  /** Corrects the ledger. `confirm` is the name of the database. */
  repair(request: Repair, options: { readonly confirm: string }): Promise<RepairReport>;
  /**
   * Runs the configured imports, or the one called `name`. When it resolves, each file has its row, or a reason in the
   * report why it has none. Throws a `GodwitError` with a `report`.
   */
  import(name?: string, options?: ImportOptions): Promise<readonly ImportReport[]>;
  /** The newest run of each import, or of the one called `name`. It also shows a run of another process. */
  importRuns(name?: string): Promise<readonly ImportRun[]>;
  /** Finds duplicates among the imported images. Compares new images first. */
  duplicates(options?: FindOptions): Promise<Duplicates>;
  /** Writes the same as one HTML page with the pictures. They come from the origins of the configured imports. */
  contactSheet(options?: FindOptions): Promise<ContactSheet>;
  /** Stores a decision about duplicates. Throws `ConfigError` for an unknown image. */
  decide(decision: Decision): Promise<Decided>;
  /** How far backfills are, and the words that pause, limit, approve and undo them. Only the last two take the lock. */
  readonly backfills: Backfills;
  /**
   * Waits for the calls that have begun, and stops the embedded server if there is one. A later call throws `ConfigError`.
   * Safe to call twice.
   */
  close(): Promise<void>;
}
