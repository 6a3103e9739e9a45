/** What a diff begins and ends with. It is part of the library's types, so it imports none of pg-delta's. */
import type { Connection } from "../database/connection.ts";
import type { SchemaFile } from "../diff/load.ts";

/** A state of a schema, and how it is made in an empty database. */
export type SchemaState =
  | { readonly kind: "files"; readonly name: string; readonly files: readonly SchemaFile[] }
  | LiveState
  | MigratedState;

export interface MigratedState {
  readonly kind: "migrations";
  readonly name: string;
  readonly run: (url: string) => Promise<void>;
  /** `true`: `run` has given what they make to its owners. */
  readonly givesOwners?: boolean;
}

export interface LiveState {
  readonly kind: "database";
  readonly name: string;
  readonly open: () => Promise<Connection>;
}
