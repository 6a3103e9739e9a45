/** What we and the process that runs user code say to each other. All of it is plain data. */
import type { Backfill, RowsWindow } from "../core/backfill.ts";
import type { MigrationSettings, Phase } from "../core/migration.ts";
import type { Problem } from "../errors.ts";

export interface ModuleFile {
  readonly path: string;
  /** The name to show. */
  readonly file: string;
  readonly text: string;
}

/** What a module declares beside its functions. */
export interface Declared {
  readonly depends: readonly string[];
  readonly requires?: readonly string[] | undefined;
  readonly revises: readonly string[] | null;
  readonly phase: Phase | undefined;
  readonly settings: MigrationSettings;
  readonly revertible: boolean;
  readonly backfill?: Backfill | undefined;
}

export type Direction = "up" | "down";

/** How a function came back. */
export interface Returned {
  /** It returned something that nobody has begun: a generator, or a query without `execute()`. */
  readonly unbegun: "generator" | "query" | null;
  /** What it did not wait for, or never executed. */
  readonly left: LeftBehind | null;
  /** The first statement that failed, though the function came back. */
  readonly swallowed?: { readonly statement: number; readonly at: ThrownAt } | undefined;
  /** The rows that were written, where it was called for those of a window. */
  readonly changed?: number | undefined;
}

/** Statements that ran when the function had settled, or were begun after it, and schema builders without `execute()`. */
export interface LeftBehind {
  readonly kind: "unawaited" | "late" | "unexecuted";
  readonly count: number;
  /** The stack of the first of them. */
  readonly calledAt: string | undefined;
}

export interface RecordedStatement {
  /** One statement with parameters, or a whole script. */
  readonly form: "ask" | "execute";
  readonly text: string;
  readonly parameters: readonly EncodedValue[];
}

/** What a module would have sent, and why that cannot be written down. */
export interface Recorded extends Returned {
  readonly statements: readonly RecordedStatement[];
  readonly refused: string | null;
}

export interface LoadedConfig {
  readonly content: unknown;
  /** Variables that the file set (`dotenv`) or took away. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** What is asked of it; each is answered by `done` or `failed` with the same id, unless the process ends. */
export type Request =
  | { readonly kind: "config"; readonly path: string }
  | { readonly kind: "load"; readonly module: ModuleFile; readonly cacheFolder: string | null }
  | {
      readonly kind: "run" | "record";
      readonly module: ModuleFile;
      readonly cacheFolder: string | null;
      readonly direction: Direction;
      /** `rows` of a backfill is called for these. */
      readonly window?: RowsWindow | undefined;
    };

/** Values are encoded and decoded on the side of user code: what crosses is what the server reads and writes. */
export type EncodedValue = string | Buffer | null;

/** An error of the server, from which the other side makes an equal one. */
export interface StatementError {
  readonly problem: Problem;
  readonly sqlState: string | undefined;
  readonly position: number | undefined;
  readonly completed: number | undefined;
  readonly routine: string | undefined;
}

export type ToHost =
  | { readonly kind: "request"; readonly id: number; readonly request: Request }
  | { readonly kind: "answer"; readonly statement: number; readonly result: unknown }
  | { readonly kind: "refusal"; readonly statement: number; readonly error: StatementError | string }
  /** The `signal` that the function was handed aborts. */
  | { readonly kind: "abort"; readonly id: number; readonly reason: string };

/** Which call of a module an error comes from. */
export interface ThrownAt {
  readonly calledAt?: string | undefined;
  readonly statement?: string | undefined;
}

export type Thrown = (
  | { readonly kind: "problems"; readonly name: string; readonly problems: readonly [Problem, ...Problem[]] }
  /** The error of a statement, thrown on as it was. */
  | { readonly kind: "statement"; readonly statement: number }
  | {
      readonly kind: "error";
      readonly name: string;
      readonly message: string;
      readonly stack: string;
      readonly hint?: string | undefined;
    }
) & { readonly at?: ThrownAt | undefined };

export type FromHost =
  /** The function is about to be called: what it depends on is loaded. */
  | { readonly kind: "begun"; readonly id: number }
  | { readonly kind: "done"; readonly id: number; readonly value: unknown }
  | { readonly kind: "failed"; readonly id: number; readonly thrown: Thrown }
  | {
      readonly kind: "statement";
      readonly id: number;
      readonly statement: number;
      /** One statement with parameters, the kinds of its parameters, or a whole script. */
      readonly form: "ask" | "kinds" | "execute";
      readonly text: string;
      readonly parameters: readonly EncodedValue[];
    }
  | {
      readonly kind: "log";
      readonly id: number;
      readonly level: "info" | "warn" | "error";
      readonly message: string;
    }
  /** Something was thrown, and its message is asked for next: that is user code too. */
  | { readonly kind: "describing" }
  | { readonly kind: "uncaught"; readonly thrown: Thrown }
  /** A function that has come back began a statement, which was refused. */
  | { readonly kind: "late"; readonly id: number }
  /** The last words before `process.exit`; `stack` says who called it. */
  | { readonly kind: "exiting"; readonly stack: string };
