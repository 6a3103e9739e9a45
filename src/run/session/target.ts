/** What a run needs to know of a target; made by `assemble.ts`. */
import type { Connection } from "../../database/connection.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import type { Source } from "../../source/source.ts";
import type { Observe } from "../report/events.ts";

export interface Target {
  readonly name: string;
  readonly source: Source;
  readonly ledger: Ledger;
  /** Opens one dedicated connection. Throws `DatabaseError`. */
  readonly open: (options: { applicationName: string; signal: AbortSignal }) => Promise<Connection>;
  readonly settings: RunSettings;
}

export interface RunSettings {
  /** The configured project; tells ledgers apart. */
  readonly project: string | null;
  readonly order: readonly string[];
  /** How long a statement may wait for a table lock before its transaction is rolled back and tried again. */
  readonly lockTimeoutMs: number;
  /** 0: none. */
  readonly statementTimeoutMs: number;
  /** How long a module may go without a statement in flight, and a transaction stay idle; 0: as long as they like. */
  readonly idleTimeoutMs: number;
  /** How often one step is begun at most, when locks, deadlocks or serialization stop it. */
  readonly lockAttempts: number;
  /** How often the database is asked for a connection before the run gives up. */
  readonly connectAttempts: number;
  readonly connectDelayMs: number;
  /** How long to wait for another run. */
  readonly lockWaitMs: number;
  /** Behind a pooler: how long a run that died keeps others waiting. Default 60 s. */
  readonly leaseTermMs?: number | undefined;
  /** `--mirror`: the tool whose history is kept in step; left out: the layout's own, where that is customary. */
  readonly mirror?: string | null | undefined;
  /** The target is this one schema of several in its database: what lies elsewhere is not about it. */
  readonly schema?: string | null | undefined;
  readonly searchPath: string | null;
  /** A role to become; must be one the login role is a member of. */
  readonly role: string | null;
}

/** The invocation: the same for all targets of one command. */
export interface RunContext {
  readonly runId: string;
  readonly host: string;
  readonly version: string;
  readonly gitCommit: string | null;
  /** Aborts with an `Interrupted` as its reason. */
  readonly signal: AbortSignal;
  readonly observe: Observe;
}
