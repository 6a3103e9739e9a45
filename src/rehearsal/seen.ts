/** What was seen of one statement on the scratch server. Plain data. */
import type { Problem } from "../errors.ts";
import type { LockMode } from "./lock-modes.ts";

export type RelationKind =
  | "table"
  | "index"
  | "sequence"
  | "view"
  | "materialized view"
  | "foreign table"
  | "other";

export interface SeenRelation {
  readonly schema: string;
  readonly name: string;
  readonly kind: RelationKind;
  /** Of an index: its table. */
  readonly table: string | null;
}

export interface SeenLock extends SeenRelation {
  readonly mode: LockMode;
  /** `transaction`: it is held until the step is committed. `statement`: at most as long as the statement runs. */
  readonly heldUntil: "transaction" | "statement";
}

export interface SeenStatement {
  readonly text: string;
  /** In the text that was sent, from 1. */
  readonly line: number;
  readonly inTransaction: boolean;
  /** A function that the server does not bring along, and that may change rows, was called. Asked where rows have changed before it. */
  readonly calls?: boolean;
  /** On relations that were there before the step. Those that the statement asked for itself. */
  readonly locks: readonly SeenLock[];
  /** The same of the statements before it in the same transaction. */
  readonly held: readonly SeenLock[];
  /** Relations whose file was written anew, with rows and all. */
  readonly rewrites: readonly SeenRelation[];
  /** Tables that were there before and were read as a whole by something that is not a query. */
  readonly scans: readonly SeenRelation[];
  /** New indexes on tables that were there before. */
  readonly builds: readonly SeenRelation[];
  /** Indexes that are invalid since then. */
  readonly invalid: readonly SeenRelation[];
  readonly durationMs: number;
  /** Why nothing is known of it. `null`: it was carried out and measured. */
  readonly notRehearsed: string | null;
  /** It was carried out, but not all that it does can be seen: it commits by itself, for example. */
  readonly notUnderstood: string | null;
  /** The error of the server. */
  readonly failure: Problem | null;
}
