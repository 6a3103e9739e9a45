/** What a run needs to know of a target. `assemble.ts` makes it. */
import type { Connection } from "../../database/connection.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import type { Source } from "../../source/source.ts";
import type { Observe } from "../report/events.ts";
import type { Report } from "../report/report.ts";

export interface Target {
  readonly name: string;
  readonly source: Source;
  readonly ledger: Ledger;
  /** Opens one dedicated connection. Throws `DatabaseError`. */
  readonly open: (options: { applicationName: string; signal: AbortSignal }) => Promise<Connection>;
  readonly settings: RunSettings;
}

export interface RunSettings {
  /** The configured project. It tells ledgers apart. */
  readonly project: string | null;
  readonly order: readonly string[];
  /** How long a statement waits for a table lock before its transaction is rolled back and tried again. */
  readonly lockTimeoutMs: number;
  /** 0 means no limit. */
  readonly statementTimeoutMs: number;
  /** How long a module may have no statement in flight, and a transaction may be idle. 0 means no limit. */
  readonly idleTimeoutMs: number;
  /** How often one step is begun at most, where locks, deadlocks or serialization failures stop it. */
  readonly lockAttempts: number;
  /** How many windows of a backfill run at once. 0 or left out: as its file says. */
  readonly backfillParallel?: number | undefined;
  /** How often the run asks for a connection before it gives up. */
  readonly connectAttempts: number;
  readonly connectDelayMs: number;
  /** How long the run waits for another run. */
  readonly lockWaitMs: number;
  /** How long a dead run keeps others waiting, behind a pooler. The default is 60 s. */
  readonly leaseTermMs?: number | undefined;
  /**
   * `--mirror`: the tool whose history the run writes too. The default is the layout's own tool, where that is
   * customary.
   */
  readonly mirror?: string | null | undefined;
  /** The one schema of the database that is the target. Nothing in other schemas is about it. */
  readonly schema?: string | null | undefined;
  /** Patterns of objects whose changes by hand are no drift. */
  readonly driftIgnore?: readonly string[] | undefined;
  /** The flags that a command needs to be about the same project and target, each with a space before it. */
  readonly projectFlags?: string | undefined;
  readonly searchPath: string | null;
  /** The role to become. The login role must be a member of it. */
  readonly role: string | null;
}

/** One invocation. It is the same for all targets of a command. */
export interface RunContext {
  readonly runId: string;
  readonly host: string;
  readonly version: string;
  readonly gitCommit: string | null;
  /** Aborts with an `Interrupted` as its reason. */
  readonly signal: AbortSignal;
  readonly observe: Observe;
  /** Receives the way to the report as it is at any moment, for a process that ends without waiting for the run. */
  readonly soFar?: ((report: () => Report) => void) | undefined;
}
