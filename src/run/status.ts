/** Looks, and changes nothing: no lock is taken and no table is made. */
import { type Plan, plan } from "../core/plan.ts";
import type { Connection } from "../database/connection.ts";
import { PlanRefused } from "../errors.ts";
import type { RecordedHistory } from "../ledger/ledger.ts";
import type { Listing } from "../source/source.ts";
import { orAbort } from "../std/time.ts";
import { withAdopted } from "./adopted.ts";
import { lookAtTool } from "./adoption.ts";
import { withConnection } from "./connect.ts";
import { type MigrateOptions, planInput } from "./migrate.ts";
import type { RunContext, Target } from "./target.ts";

export interface View {
  readonly target: string;
  readonly database: string;
  readonly version: number;
  readonly files: Listing;
  /** With what another tool has applied and `up` would take over. */
  readonly history: RecordedHistory;
  /** Why `up` would not begin. */
  readonly refused: PlanRefused | null;
}

/** Files and ledger side by side. */
export async function look(target: Target, context: RunContext): Promise<View> {
  const listing = target.source.list();
  listing.catch(() => {});
  return withConnection(target, context, async (connection) => {
    const [read, files] = await Promise.all([
      target.ledger.read(connection),
      orAbort(listing, context.signal),
    ]);
    const { database, version } = connection.server;
    const { history, refused } = await seen(target, connection, { files, history: read, context });
    return { target: target.name, database, version, files, history, refused };
  });
}

/** What `migrate` with these options would do now. Throws as it would. */
export async function preview(target: Target, options: MigrateOptions, context: RunContext): Promise<Plan> {
  const { files, history, refused } = await look(target, context);
  if (refused !== null) throw refused;
  return plan(planInput(target, options, files, history));
}

async function seen(
  target: Target,
  connection: Connection,
  { files, history, context }: { files: Listing; history: RecordedHistory; context: RunContext },
): Promise<Pick<View, "history" | "refused">> {
  try {
    const { entries } = await lookAtTool(target, connection, { files, history });
    return { history: withAdopted(history, entries, context), refused: null };
  } catch (error) {
    if (!(error instanceof PlanRefused)) throw error;
    return { history, refused: error };
  }
}
