/**
 * Every error that Godwit raises on purpose. A class says what the reader does next, a code says
 * precisely what happened; `docs/reference/errors.md` lists all codes and a test compares both.
 */

import { presentableCause } from "./std/cause.ts";
import { presentable, presentableData } from "./std/secret.ts";
import { joinSentences } from "./std/sentences.ts";

/** What is wrong, as plain data: printable, comparable, fit for JSON. */
export interface Problem {
  /** Stable, documented identifier, for example `SOURCE_DUPLICATE_ID`. */
  readonly code: ErrorCode;
  /** One sentence: what happened, with names. */
  readonly message: string;
  /** What to do next; a command where there is one. */
  readonly hint?: string | undefined;
  /** Where in the author's files, if anywhere. */
  readonly place?: Place | undefined;
  /** Further facts, as JSON. */
  readonly details?: Readonly<Record<string, unknown>> | undefined;
}

/** A place in a file. Lines and columns count from 1, columns in characters (code points). */
export interface Place {
  readonly file: string;
  readonly line?: number | undefined;
  readonly column?: number | undefined;
  /** The line itself and a caret below it, ready to print. */
  readonly excerpt?: string | undefined;
}

/** Code → the class of error that carries it. The one list of all codes. */
export const ERROR_CODES = {
  // Fix the input.
  CONFIG_INVALID: "ConfigError",
  CONFIG_FILE_BROKEN: "ConfigError",
  CONFIG_VARIABLE_INVALID: "ConfigError",
  CONFIG_VARIABLE_MISSING: "ConfigError",
  URL_MISSING: "ConfigError",
  URL_INVALID: "ConfigError",
  URL_PARAMETER_IGNORED: "ConfigError",
  REVISION_UNKNOWN: "ConfigError",
  REVISION_AMBIGUOUS: "ConfigError",
  IMAGE_UNKNOWN: "ConfigError",
  LAYOUT_UNKNOWN: "ConfigError",
  OUTPUT_FAILED: "ConfigError",
  HEALTH_PORT: "ConfigError",
  HEALTH_UNKNOWN: "ConfigError",
  STATUS_FILE: "ConfigError",
  TARGET_UNKNOWN: "ConfigError",
  TARGET_CLASH: "ConfigError",
  TARGET_SCHEMA_MISSING: "ConfigError",
  TARGET_NO_SCHEMAS: "ConfigError",
  APP_NOT_STARTED: "ConfigError",
  INIT_MISSING: "ConfigError",
  WEBHOOK_UNDELIVERED: "ConfigError",
  REVISIONS_UNREADABLE: "ConfigError",
  PACKAGE_BUNDLED: "ConfigError",
  SCHEMA_EXPORTER_MISSING: "ConfigError",
  // Fix the files.
  SOURCE_FOLDER_MISSING: "SourceError",
  SOURCE_FOLDER_UNREADABLE: "SourceError",
  SOURCE_FOLDER_EMPTY: "SourceError",
  SCHEMA_FILE_FAILED: "SourceError",
  SCHEMA_EXPORT_FAILED: "SourceError",
  SOURCE_FILE_UNREADABLE: "SourceError",
  SOURCE_FILE_ENCODING: "SourceError",
  SOURCE_FILE_EMPTY: "SourceError",
  SOURCE_OFFSET_LOOP: "SourceError",
  SOURCE_FILE_CHANGED: "SourceError",
  SOURCE_FILE_NAME: "SourceError",
  SOURCE_DOWN_WITHOUT_UP: "SourceError",
  SOURCE_DUPLICATE_ID: "SourceError",
  SOURCE_DIRECTIVE_UNKNOWN: "SourceError",
  SOURCE_DIRECTIVE_INVALID: "SourceError",
  SOURCE_MODULE_BROKEN: "SourceError",
  SOURCE_MODULE_WITHOUT_UP: "SourceError",
  SOURCE_MODULE_IMPORT: "SourceError",
  SOURCE_BUNDLE_BROKEN: "SourceError",
  SOURCE_PARSE: "SourceError",
  SOURCE_MARKER: "SourceError",
  SOURCE_TRANSACTION_CONTROL: "SourceError",
  SOURCE_COPY_FROM_STDIN: "SourceError",
  SOURCE_PSQL_COMMAND: "SourceError",
  SOURCE_NOT_RENDERABLE: "SourceError",
  BACKFILL_TABLE: "SourceError",
  BACKFILL_KEY: "SourceError",
  BACKFILL_STATEMENT: "SourceError",
  BACKFILL_UNASKED: "SourceError",
  BACKFILL_PROBE: "SourceError",
  SOURCE_NEEDS_SESSION: "SourceError",
  SOURCE_PLACEHOLDER: "SourceError",
  LAYOUT_REFUSED: "SourceError",
  GRAPH_UNKNOWN_PARENT: "SourceError",
  GRAPH_CYCLE: "SourceError",
  GRAPH_SEVERAL_HEADS: "SourceError",
  // Decide.
  PLAN_EDITED: "PlanRefused",
  DIFF_UNPROVEN: "PlanRefused",
  CHECK_REFUSED: "PlanRefused",
  DIFF_LOSES_DATA: "PlanRefused",
  PLAN_VANISHED: "PlanRefused",
  PLAN_REPLACED: "PlanRefused",
  PLAN_LATE: "PlanRefused",
  PLAN_DUPLICATE_NUMBER: "PlanRefused",
  PLAN_PHASE_ORDER: "PlanRefused",
  PLAN_MINIMUM_REVISION: "PlanRefused",
  PLAN_IRREVERSIBLE: "PlanRefused",
  PLAN_NO_ROLLBACK: "PlanRefused",
  PLAN_PARTIAL: "PlanRefused",
  PLAN_PARTIAL_EDITED: "PlanRefused",
  BACKFILL_EDITED: "PlanRefused",
  BACKFILL_LOST: "PlanRefused",
  BACKFILL_APPROVAL: "PlanRefused",
  BACKFILL_PAUSED: "PlanRefused",
  BACKFILL_UNDO: "PlanRefused",
  BACKFILL_TRIGGERS: "PlanRefused",
  BACKFILL_REQUIRED: "PlanRefused",
  BACKFILL_RUNNING: "PlanRefused",
  IMAGE_CONTRACT: "PlanRefused",
  IMAGE_PENDING: "PlanRefused",
  PLAN_BROKEN_FILE: "PlanRefused",
  LEDGER_NEWER: "PlanRefused",
  LEDGER_FOREIGN: "PlanRefused",
  LEDGER_ELSEWHERE: "PlanRefused",
  LEDGER_DAMAGED: "PlanRefused",
  SCHEMA_DRIFTED: "PlanRefused",
  RISK_TOO_HIGH: "PlanRefused",
  SCHEMA_SNAPSHOT_MISSING: "PlanRefused",
  SCHEMA_SNAPSHOT_OUTDATED: "PlanRefused",
  REPAIR_REFUSED: "PlanRefused",
  DEV_NO_WAY_BACK: "PlanRefused",
  BASELINE_CONFLICT: "PlanRefused",
  ADOPT_NEEDED: "PlanRefused",
  ADOPT_AMBIGUOUS: "PlanRefused",
  ADOPT_NOTHING: "PlanRefused",
  ADOPT_FAILED_HISTORY: "PlanRefused",
  ADOPT_CONFLICT: "PlanRefused",
  ADOPT_TAKEN_BACK: "PlanRefused",
  ADOPT_TOOL_RUNNING: "PlanRefused",
  ADOPT_UNTOLD: "PlanRefused",
  // Wait or look.
  LOCK_TIMEOUT: "LockError",
  LOCK_LOST: "LockError",
  DEV_RUNNING: "LockError",
  // Fix the SQL.
  STEP_FAILED: "StepFailed",
  STEP_TIMEOUT: "StepFailed",
  BACKFILL_OUTSIDE: "StepFailed",
  BACKFILL_ROWS: "StepFailed",
  BACKFILL_PATCH: "StepFailed",
  BACKFILL_REMAINDER: "StepFailed",
  BACKFILL_UNDO_ROW: "StepFailed",
  BACKFILL_UNDO_LEFT: "StepFailed",
  BACKFILL_UNDO_EXPIRED: "StepFailed",
  EXPECTATION_FAILED: "StepFailed",
  STEP_INDEX_INVALID: "StepFailed",
  STEP_INDEX_KEPT: "StepFailed",
  STEP_LOCK_TIMEOUT: "StepFailed",
  STEP_ENDED_TRANSACTION: "StepFailed",
  STEP_LEFT_BEHIND: "StepFailed",
  STEP_NEVER_SETTLED: "StepFailed",
  STEP_PROCESS_ENDED: "StepFailed",
  RUN_INCOMPLETE: "StepFailed",
  // Correct the migration or its test.
  TEST_FAILED: "StepFailed",
  TEST_DIFFERS: "StepFailed",
  // Look at what the check looks at.
  CHECK_FAILED: "StepFailed",
  // Fix the server.
  DATABASE_UNREACHABLE: "DatabaseError",
  DATABASE_REFUSED_LOGIN: "DatabaseError",
  DATABASE_TLS: "DatabaseError",
  DATABASE_IN_RECOVERY: "DatabaseError",
  DATABASE_PRIVILEGE: "DatabaseError",
  DATABASE_SETTING: "DatabaseError",
  DATABASE_POOLED: "DatabaseError",
  DATABASE_NOT_REPLICATED: "DatabaseError",
  DATABASE_CONNECTION_LOST: "DatabaseError",
  DATABASE_TOO_OLD: "DatabaseError",
  DATABASE_FUNCTION_MISSING: "DatabaseError",
  DATABASE_FUNCTION_OUTDATED: "DatabaseError",
  DATABASE_NOT_POSTGREST: "DatabaseError",
  DATABASE_NEEDS_SESSION: "DatabaseError",
  DATABASE_ERROR: "DatabaseError",
  EMBEDDED_UNAVAILABLE: "DatabaseError",
  EMBEDDED_FAILED: "DatabaseError",
  // Look at the origin or at the files.
  ORIGIN_UNREACHABLE: "ImportFailed",
  ORIGIN_LOGIN: "ImportFailed",
  ORIGIN_HOST_UNKNOWN: "ImportFailed",
  ORIGIN_HOST_CHANGED: "ImportFailed",
  ORIGIN_BASE_MISSING: "ImportFailed",
  ORIGIN_BASE_UNREADABLE: "ImportFailed",
  ORIGIN_BASE_EMPTY: "ImportFailed",
  ORIGIN_FOLDER_UNREADABLE: "ImportFailed",
  ORIGIN_LOST: "ImportFailed",
  ORIGIN_TIMEOUT: "ImportFailed",
  ORIGIN_PACKAGE_MISSING: "ImportFailed",
  FILE_CHANGED: "ImportFailed",
  FILE_GONE: "ImportFailed",
  FILE_UNREADABLE: "ImportFailed",
  FILE_NAME: "ImportFailed",
  FILE_EMPTY: "ImportFailed",
  FILE_TOO_LARGE: "ImportFailed",
  FILE_REFUSED: "ImportFailed",
  IMAGE_UNSUPPORTED: "ImportFailed",
  IMAGE_BROKEN: "ImportFailed",
  IMAGE_TOO_LARGE: "ImportFailed",
  IMAGE_CRASHED: "ImportFailed",
  IMAGE_TIMEOUT: "ImportFailed",
  IMPORT_CREDENTIALS_MISSING: "ImportFailed",
  IMPORT_UNKNOWN: "ImportFailed",
  IMPORT_COLOURS_UNKNOWN: "ImportFailed",
  IMPORT_TABLE_MISSING: "ImportFailed",
  IMPORT_TABLE_UNFIT: "ImportFailed",
  IMPORT_INCOMPLETE: "ImportFailed",
  IMPORT_OUTSIDE_PATTERN: "ImportFailed",
  IMPORT_ORIGIN_CHANGED: "ImportFailed",
  IMPORT_FILES_GONE: "ImportFailed",
  IMPORT_LINKS_OUTSIDE: "ImportFailed",
  IMPORT_LINKS_NOWHERE: "ImportFailed",
  IMPORT_WORKERS: "ImportFailed",
  // Neither: a person or a deadline ended the run.
  INTERRUPTED: "Interrupted",
  DEADLINE: "Interrupted",
  MIGRATIONS_MEMORY: "Interrupted",
  MIGRATIONS_ENDED: "Interrupted",
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;
type CodeOf<Class extends string> = {
  [Code in ErrorCode]: (typeof ERROR_CODES)[Code] extends Class ? Code : never;
}[ErrorCode];

/** Base of all errors below; `instanceof GodwitError` tells ours from a bug. */
export abstract class GodwitError extends Error implements Problem {
  readonly code: ErrorCode;
  hint: string | undefined;
  readonly place: Place | undefined;
  readonly details: Readonly<Record<string, unknown>> | undefined;
  /** What the run had done until then (`Report` of the library); set where a run ends with this error. */
  report?: object;

  /** What others wrote is in it: from here on it holds no secret and has an end, wherever it is printed. */
  constructor(problem: Problem, options?: { cause?: unknown }) {
    const { code, message, hint, place, details } = presentableProblem(problem);
    super(message, options?.cause === undefined ? undefined : { cause: causeOf(options.cause) });
    this.code = code;
    this.hint = hint;
    this.place = place;
    this.details = details;
  }

  /** Adds a sentence to the hint, where a caller knows more. */
  adviseAlso(sentence: string): void {
    this.hint = joinSentences(this.hint, presentable(sentence));
  }

  /** The same as plain data. */
  toProblem(): Problem {
    return {
      code: this.code,
      message: this.message,
      ...(this.hint === undefined ? {} : { hint: this.hint }),
      ...(this.place === undefined ? {} : { place: this.place }),
      ...(this.details === undefined ? {} : { details: this.details }),
    };
  }
}

/** A problem that others may read. */
function presentableProblem<P extends Problem>(problem: P): P {
  const { message, hint, place, details } = problem;
  return {
    ...problem,
    message: presentable(message),
    ...(hint === undefined ? {} : { hint: presentable(hint) }),
    ...(place === undefined ? {} : { place: presentablePlace(place) }),
    ...(details === undefined ? {} : { details: presentableData(details) }),
  };
}

/** The name of a file is no secret, and machines look for it. */
function presentablePlace(place: Place): Place {
  return place.excerpt === undefined ? place : { ...place, excerpt: presentable(place.excerpt) };
}

/** Ours is clean already, and asked what it is. */
function causeOf(cause: unknown): unknown {
  return cause instanceof GodwitError ? cause : presentableCause(cause);
}

type ProblemOf<Class extends string> = Problem & { readonly code: CodeOf<Class> };

/** The configuration, a variable or the command line is wrong; `problems` lists everything that was found. */
export class ConfigError extends GodwitError {
  override readonly name = "ConfigError";
  readonly problems: readonly Problem[];
  constructor(
    problem: ProblemOf<"ConfigError">,
    options?: { cause?: unknown; others?: readonly Problem[] | undefined },
  ) {
    super(problem, options);
    this.problems = [this.toProblem(), ...(options?.others ?? []).map(presentableProblem)];
  }
}

/** The migration files are wrong; `problems` lists everything that was found, not just the first. */
export class SourceError extends GodwitError {
  override readonly name = "SourceError";
  readonly problems: readonly Problem[];
  constructor(problems: readonly [Problem, ...Problem[]], options?: { cause?: unknown }) {
    super(problems[0], options);
    this.problems = problems.map(presentableProblem);
  }
}

/** Files and ledger do not fit together and a person must decide; nothing was done. */
export class PlanRefused extends GodwitError {
  override readonly name = "PlanRefused";
  readonly problems: readonly Problem[];
  constructor(problems: readonly [Problem, ...Problem[]], options?: { cause?: unknown }) {
    super(problems[0], options);
    this.problems = problems.map(presentableProblem);
  }
}

/** Another runner holds the lock, or ours was lost. */
export class LockError extends GodwitError {
  override readonly name = "LockError";
  constructor(problem: ProblemOf<"LockError">, options?: { cause?: unknown }) {
    super(problem, options);
  }
}

/** A migration failed. What of it was kept is said in the message and in the run's report. */
export class StepFailed extends GodwitError {
  override readonly name = "StepFailed";
  constructor(problem: ProblemOf<"StepFailed">, options?: { cause?: unknown }) {
    super(problem, options);
  }
}

/** Files could not be brought into the database; `details` says which, where it is about one. */
export class ImportFailed extends GodwitError {
  override readonly name = "ImportFailed";
  constructor(problem: ProblemOf<"ImportFailed">, options?: { cause?: unknown }) {
    super(problem, options);
  }
}

/** The server refused or went away. `sqlState` is PostgreSQL's five-character code where there is one. */
export class DatabaseError extends GodwitError {
  override readonly name = "DatabaseError";
  readonly sqlState: string | undefined;
  /** Offset of the error in the text sent, in characters from 1, where the server told it. */
  readonly position: number | undefined;
  /** How many statements of the same message had succeeded before. */
  readonly completed: number | undefined;
  /** The server's function that raised it: tells what the server says from what a migration raises itself. */
  readonly routine: string | undefined;
  constructor(
    problem: ProblemOf<"DatabaseError">,
    options?: {
      cause?: unknown;
      sqlState?: string | undefined;
      position?: number | undefined;
      completed?: number | undefined;
      routine?: string | undefined;
    },
  ) {
    super(problem, options);
    this.sqlState = options?.sqlState;
    this.position = options?.position;
    this.completed = options?.completed;
    this.routine = options?.routine;
  }

  /** The same error where its position would point into a text that is not the author's. */
  withoutPosition(): DatabaseError {
    if (this.position === undefined && this.completed === undefined) return this;
    return new DatabaseError(this.toProblem() as ProblemOf<"DatabaseError">, {
      cause: this.cause,
      sqlState: this.sqlState,
      completed: -1,
      routine: this.routine,
    });
  }

  /** A copy of this error that also hides secrets which became known since. */
  again(): DatabaseError {
    const { cause, sqlState, position, completed } = this;
    const problem = this.toProblem() as ProblemOf<"DatabaseError">;
    return new DatabaseError(problem, { cause, sqlState, position, completed });
  }

  /** The same error where the author's text stands behind so many characters and statements of what was sent. */
  within({ characters, statements }: { characters: number; statements: number }): DatabaseError {
    const { cause, sqlState, routine, position, completed } = this;
    return new DatabaseError(this.toProblem() as ProblemOf<"DatabaseError">, {
      ...{ cause, sqlState, routine },
      position: position === undefined ? undefined : position - characters,
      completed: completed === undefined ? undefined : Math.max(0, completed - statements),
    });
  }

  /** The same error where what was sent stands behind so many characters of the author's text. */
  movedBy(characters: number): DatabaseError {
    if (this.position === undefined) return this;
    return new DatabaseError(this.toProblem() as ProblemOf<"DatabaseError">, {
      cause: this.cause,
      sqlState: this.sqlState,
      position: this.position + characters,
      completed: this.completed,
      routine: this.routine,
    });
  }
}

/** A signal or the run's own deadline ended the work; what was done until then is kept. */
export class Interrupted extends GodwitError {
  override readonly name = "Interrupted";
  /** `SIGTERM`, `SIGINT`, `SIGHUP`, `SIGQUIT`, or `deadline`. */
  readonly by: string;
  /** What was ended changes nothing, so nothing continues and nothing is to be looked at. */
  readonly reads: boolean;
  constructor(problem: ProblemOf<"Interrupted">, by: string, { reads = false } = {}) {
    super(problem);
    this.by = by;
    this.reads = reads;
  }
}

/** The problems inside an error: all of them where it lists several. */
export function problemsOf(error: unknown): readonly Problem[] {
  if (error instanceof SourceError || error instanceof PlanRefused || error instanceof ConfigError)
    return error.problems;
  if (error instanceof GodwitError) return [error.toProblem()];
  const message = error instanceof Error ? error.message : String(error);
  return [{ code: "DATABASE_ERROR", message: presentable(message) }];
}
