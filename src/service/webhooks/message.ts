/**
 * What webhooks are told about a run, as plain data. It holds names, numbers, codes, and statements of our own. It holds no
 * text of a migration, of a query or of an error, so no message can leak any.
 */
import { randomUUID } from "node:crypto";
import type { WebhookEvent } from "../../config/options.ts";
import type { Problem } from "../../errors.ts";
import { factsOfRollback, inPlace, type Report, type RollbackFacts } from "../../run/report/report.ts";
import type { WaitingFor } from "../health/snapshot.ts";

export interface Message {
  /** The same on each attempt, so that a receiver can tell a repetition. */
  readonly id: string;
  readonly type: WebhookEvent;
  readonly timestamp: string;
  readonly data: MessageData;
}

/** Whose run it is. */
export interface RunFacts {
  readonly service: string;
  readonly environment: string;
  readonly version: string;
  readonly target: string;
  readonly command: Report["command"] | "drift";
  readonly runId: string;
  readonly host: string;
}

export type MessageData = RunFacts & (Started | Completed | Failed | Blocked | DriftFound);

export interface Started {
  /** The steps to come, in order. Of a run that imports files, those before the import. */
  readonly pending: readonly string[];
  /** The number of steps to come. `pending` names the first of many. */
  readonly count: number;
}

export interface Completed {
  readonly applied: readonly string[];
  readonly count: number;
  readonly durationMs: number;
  /** The codes of its warnings. */
  readonly warnings: readonly string[];
  /** Only of a run that imports files. */
  readonly imports?: readonly { readonly import: string; readonly stored: number }[];
}

export interface Failed {
  readonly outcome: "failed" | "interrupted";
  /** What was done before it failed, and is in place now. */
  readonly applied: readonly string[];
  readonly count: number;
  readonly durationMs: number;
  readonly failures: readonly Failure[];
  /** What was planned and not begun. */
  readonly remaining: number;
  /** Only of a run that was to take back what it applied, and had applied something. */
  readonly rollback?: RollbackFacts;
}

export interface Failure {
  readonly code: string;
  readonly revision: string | null;
  /** As in the report: what of the step was kept. `null`: no step failed. */
  readonly committed: "none" | "some" | "unknown" | null;
}

export interface Blocked {
  readonly waitedMs: number;
  /** The step that waits. `null`: the run itself waits. */
  readonly revision: string | null;
  readonly waitingFor: WaitingFor;
}

/** The schema has changed since the last run, and by no migration. */
export interface DriftFound {
  /** As `kind name`. `drifted` has the first of many. */
  readonly drifted: readonly string[];
  readonly count: number;
}

/** A chat shows no more, and a body stays small. */
const MOST_NAMES = 50;

export function messageOf(type: WebhookEvent, data: MessageData, at: Date): Message {
  return { id: `msg_${randomUUID()}`, type, timestamp: at.toISOString(), data };
}

export function startedOf(facts: RunFacts, revisions: readonly string[]): MessageData {
  return { ...facts, pending: revisions.slice(0, MOST_NAMES), count: revisions.length };
}

export function driftOf(facts: RunFacts, objects: readonly string[]): MessageData {
  return { ...facts, drifted: objects.slice(0, MOST_NAMES), count: objects.length };
}

export function completedOf(facts: RunFacts, report: Report): MessageData {
  const codes = new Set(report.warnings.map(({ code }) => code));
  const imports = report.imports?.map(({ import: name, stored }) => ({ import: name, stored }));
  return {
    ...facts,
    ...doneIn(report),
    warnings: [...codes],
    ...(imports === undefined ? {} : { imports }),
  };
}

export function failedOf(
  facts: RunFacts,
  { outcome, problems, report }: FailedRun & { readonly report: Report | null },
): MessageData {
  const ofSteps = report?.failures ?? [];
  const failures = ofSteps.map(
    ({ revision, problem, committed }): Failure => ({ code: problem.code, revision, committed }),
  );
  const others = problems.filter(({ code }) => !ofSteps.some(({ problem }) => problem.code === code));
  const done = report === null ? { applied: [], count: 0, durationMs: 0 } : doneIn(report);
  return {
    ...facts,
    outcome,
    ...done,
    failures: [
      ...failures,
      ...others.map(({ code }): Failure => ({ code, revision: null, committed: null })),
    ].slice(0, MOST_NAMES),
    remaining: report?.remaining.length ?? 0,
    ...(report?.rollback === undefined ? {} : { rollback: firstOf(report.rollback) }),
  };
}

/** Of a run whose process was killed, which has no report. */
export function cutOf(
  facts: RunFacts,
  problems: readonly Problem[],
  { applied = [], remaining = 0 }: { readonly applied?: readonly string[]; readonly remaining?: number },
): MessageData {
  const failed = failedOf(facts, { outcome: "failed", problems, report: null });
  return { ...failed, applied: applied.slice(0, MOST_NAMES), count: applied.length, remaining };
}

export interface FailedRun {
  readonly outcome: Failed["outcome"];
  readonly problems: readonly Problem[];
}

function doneIn(report: Report) {
  const done = inPlace(report);
  return {
    applied: done.slice(0, MOST_NAMES),
    count: done.length,
    durationMs: Math.round(report.durationMs),
  };
}

function firstOf(rollback: Parameters<typeof factsOfRollback>[0]): RollbackFacts {
  const { outcome, reverted, kept, unknown } = factsOfRollback(rollback);
  const first = (names: readonly string[]) => names.slice(0, MOST_NAMES);
  return { outcome, reverted: first(reverted), kept: first(kept), unknown: first(unknown) };
}
