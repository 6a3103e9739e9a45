/** One connection to one PostgreSQL: the window through which everything else sees the database. */

import type { Encoded, ParameterKind } from "./values/parameters.ts";
import type { RawResult } from "./values/rows.ts";

export type Parameter = string | number | bigint | boolean | Date | Uint8Array | null | readonly Parameter[];
export type Row = Readonly<Record<string, unknown>>;

export interface Result<R extends Row = Row> {
  readonly rows: readonly R[];
  /** Rows returned or affected; `null` where the command has no such number. */
  readonly rowCount: number | null;
  /** `INSERT`, `CREATE`, … */
  readonly command: string;
}

export interface Notice {
  readonly severity: string;
  readonly message: string;
  readonly sqlState: string | undefined;
  /** The server's own function that says it. */
  readonly routine: string | undefined;
}

/** What this way of reaching PostgreSQL can do, in the positive; decided at opening. */
export interface Capabilities {
  /** Statements of one connection reach one server session: session locks and `SET` hold. */
  readonly session: boolean;
  /** Messages may be sent before the answer to the earlier one has arrived. */
  readonly pipeline: boolean;
  /** A transaction may span several messages. Without it each message is a transaction of its own, or has one. */
  readonly spanning: boolean;
  /** The session's role can be changed. It cannot inside a function that runs as its owner. */
  readonly role: boolean;
  /** A second connection can be opened, to look at the first and to cancel it. */
  readonly observer: boolean;
}

/** Facts about the server, read once at opening. */
export interface Server {
  /** `server_version_num`, for example 180004. */
  readonly version: number;
  readonly database: string;
  readonly user: string;
  readonly backendPid: number;
  readonly superuser: boolean;
  readonly inRecovery: boolean;
}

export interface AskOptions {
  /** Who asks speaks of secrets, whatever the text says: what the server repeats of the values is not kept. */
  readonly secret?: boolean | undefined;
}

export interface ExecuteOptions extends AskOptions {
  /**
   * `discard`: for the text of a migration, whose rows nobody reads and which may be more than fit into memory. `by position`:
   * for the text of a user who is asked for his first column. Its keys are 0, 1, …, because several columns may have one name.
   */
  readonly rows: "keep" | "discard" | "by position";
}

export interface Connection extends AsyncDisposable {
  readonly capabilities: Capabilities;
  readonly server: Server;
  /** What to do about a pooler that takes our session away, in one sentence; only where there is one. */
  readonly pooler?: string | undefined;
  /** Aborts when the connection is gone, with a `DatabaseError` as its reason. */
  readonly lost: AbortSignal;
  /** One statement with parameters (extended protocol). Throws `DatabaseError`. */
  query<R extends Row = Row>(text: string, parameters?: readonly Parameter[]): Promise<Result<R>>;
  /**
   * One statement of a migration, with parameters that `encodeParameters` has made (extended protocol): the answer as
   * the server wrote it, for `readRows`. Throws `DatabaseError`.
   */
  ask(text: string, parameters: readonly Encoded[], options?: AskOptions): Promise<RawResult>;
  /** What a statement takes at each of its parameters, without running it. Throws `DatabaseError`. */
  parameterKinds(text: string): Promise<readonly ParameterKind[]>;
  /**
   * Any number of statements in one message (simple protocol): one implicit transaction unless the text
   * says otherwise. Throws `DatabaseError` whose `position` counts characters of the whole text, from 1.
   */
  execute(text: string, options?: ExecuteOptions): Promise<readonly Result[]>;
  /** Receives what the server says beside its answers. Returns the way to stop listening. */
  onNotice(listener: (notice: Notice) => void): () => void;
  /** Cancels the running statement from outside; resolves when the request was delivered. */
  cancel(): Promise<void>;
  /** What keeps the running statement waiting: the sessions in front of it. Empty when it is not waiting. */
  blockers(): Promise<readonly Blocker[]>;
  /** Ends the connection; safe to call twice. */
  close(): Promise<void>;
}

export interface Blocker {
  readonly pid: number;
  readonly user: string | null;
  readonly applicationName: string;
  readonly state: string | null;
  /** How long its transaction has been open, in milliseconds. */
  readonly transactionAgeMs: number | null;
  readonly query: string;
}
