/** The library: what people import from "godwit". Light to import: what is heavy comes when it is used. */

export type { Level, LintFinding, LintReport, NotUnderstood } from "./analysis/finding.ts";
export type { Diagnosis } from "./assemble/doctor.ts";
export type { LintGiven } from "./assemble/lint.ts";
export type { Script } from "./assemble/script.ts";
export {
  type CheckFile,
  type ConfigFile,
  type Duration,
  defineConfig,
  env,
  type ImportFile,
  type Size,
  type TargetFile,
  type Variable,
  type WebhookFile,
} from "./config/define.ts";
export type { ShownSetting } from "./config/shown.ts";
export type { HistoryEntry } from "./core/history.ts";
export type { Direction, Migration, MigrationKind, Phase } from "./core/migration.ts";
export type { Held, Plan, Step } from "./core/step.ts";
export type { Blocker } from "./database/connection.ts";
export type { Development } from "./dev/development.ts";
export type { Round } from "./dev/rounds.ts";
export type { Decided, Decision } from "./duplicates/decide.ts";
export type { DuplicateFile, DuplicateGroup, Duplicates, ReviewPair } from "./duplicates/duplicates.ts";
export type { FindOptions } from "./duplicates/find.ts";
export {
  ConfigError,
  DatabaseError,
  type ErrorCode,
  GodwitError,
  ImportFailed,
  Interrupted,
  LockError,
  type Place,
  PlanRefused,
  type Problem,
  SourceError,
  StepFailed,
} from "./errors.ts";
export type { ImportRun } from "./images/runs.ts";
export type { ImportEvent } from "./import/events.ts";
export type { Figures } from "./import/figures.ts";
export type { FileTrouble, ImportReport } from "./import/report.ts";
export type { LoggedRow, Recorded } from "./ledger/ledger.ts";
export type { Backfills } from "./library/backfill-calls.ts";
export { type DevelopmentConfig, startDevelopment } from "./library/development.ts";
export {
  createFleet,
  type Fleet,
  type FleetDriftOptions,
  type FleetLintOptions,
  type FleetReport,
  type FleetTestOptions,
  type FleetUpOptions,
} from "./library/fleet.ts";
export type { FleetConfig, TargetReport } from "./library/fleet-parts.ts";
export { createMigrator, type MigratorConfig, type PgliteInstance } from "./library/migrator.ts";
export type {
  AppliedHistory,
  CompatibleGiven,
  ImportOptions,
  Migrator,
  PlanOptions,
  ScriptGiven,
  Status,
} from "./library/migrator-interface.ts";
export type { Holder } from "./lock/lock.ts";
export type { LiveFacts, LiveRelation, LockHolder } from "./prediction/live.ts";
export type { MaxRisk } from "./prediction/max-risk.ts";
export type { Outage } from "./prediction/outages.ts";
export type { LockMode } from "./rehearsal/lock-modes.ts";
export type {
  RehearsalReport,
  RehearsedLock,
  RehearsedStatement,
  RehearsedStep,
} from "./rehearsal/report.ts";
export type { Risk } from "./rehearsal/risk.ts";
export type { AdoptedRow, AdoptReport } from "./run/adopt/adopt-report.ts";
export type { AdoptOptions } from "./run/adopt.ts";
export type { Forgotten } from "./run/backfill-undo.ts";
export type { BackfillStatus, BackfillUndo } from "./run/backfills.ts";
export type { BaselineOptions, BaselineReport } from "./run/baseline.ts";
export type { Calibrated, GradedStep } from "./run/calibration.ts";
export type { Compatibility } from "./run/compatible.ts";
export type { Repair } from "./run/corrections.ts";
export type { Finding } from "./run/doctor.ts";
export type { DriftOptions, DriftReport } from "./run/drift.ts";
export type { DriftSql } from "./run/drift-on-scratch.ts";
export type { ContactSheet } from "./run/duplicates.ts";
export type { Forecast, ForecastStep } from "./run/forecast.ts";
export type { Linted } from "./run/lint.ts";
export type { RepairReport } from "./run/repair.ts";
export type { Confirmation } from "./run/repair-confirmation.ts";
export type { DryRunFailure, DryRunReport } from "./run/report/dry-run-report.ts";
export type { Observe, RunEvent } from "./run/report/events.ts";
export type { Report, Rollback, StepFailure, StepReport } from "./run/report/report.ts";
export type { StatusRow } from "./run/report/status-rows.ts";
export type { TestedMigration, TestReport } from "./run/report/test-report.ts";
export type { ImportState } from "./run/status.ts";
export type { AttributeChange, SchemaDifference } from "./schema/compare.ts";
export type { Redelivery, UndeliveredAction, UndeliveredMessage } from "./service/webhooks/undelivered.ts";
export {
  type BackfillDefinition,
  type BackfillPatch,
  type BackfillPatches,
  type BackfillRow,
  backfill,
  type MigrationContext,
  type MigrationDefinition,
  type MigrationLog,
  migration,
  type Rows,
  type Sql,
  type SqlFragment,
} from "./source/definition.ts";
export type { ImageRevisions, RevisionList } from "./source/revisions.ts";
