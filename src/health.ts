/**
 * `godwit/health`: the answers of `godwit serve` from inside an app, for every kind of server that a Node app may have. It
 * is light: it reaches no database.
 */
export type { RollbackFacts } from "./run/report/report.ts";
export { createHealth, type Health, type HealthOptions } from "./service/health/app.ts";
export type { Counters } from "./service/health/counters.ts";
export type {
  Failure,
  HealthSnapshot,
  ImportProgress,
  MigrationStatus,
  StepProgress,
  WaitingFor,
} from "./service/health/snapshot.ts";
