/** A change of a schema, with what a comparison says of it. It runs in a schema `s` that is alone in the search path. */
export interface SchemaChange {
  readonly name: string;
  readonly setup: string;
  readonly change: string;
  /** As `describeDifference` says it, in order. */
  readonly expected: readonly string[];
  /** The first major that knows it. */
  readonly since?: number;
  /** Where a restore of a dump makes something else of it. */
  readonly unrestorable?: string;
}

/** A role that owns no object, and that every test server has. */
export const OTHER = "pg_monitor";

export const T = "create table t (id integer primary key, a text, b integer)";
