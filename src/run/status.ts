/** Looks, and changes nothing: no lock is taken and no table is made. */
import { type Plan, plan } from "../core/plan.ts";
import type { RecordedHistory } from "../ledger/ledger.ts";
import type { Listing } from "../source/source.ts";
import { withConnection } from "./connect.ts";
import { type MigrateOptions, planInput } from "./migrate.ts";
import type { RunContext, Target } from "./target.ts";

export interface View {
  readonly target: string;
  readonly database: string;
  readonly version: number;
  readonly files: Listing;
  readonly history: RecordedHistory;
}

/** Files and ledger side by side. */
export async function look(target: Target, context: RunContext): Promise<View> {
  const listing = target.source.list();
  listing.catch(() => {});
  return withConnection(target, context, async (connection) => {
    const [history, files] = await Promise.all([target.ledger.read(connection), listing]);
    const { database, version } = connection.server;
    return { target: target.name, database, version, files, history };
  });
}

/** What `migrate` with these options would do now. Throws as it would. */
export async function preview(target: Target, options: MigrateOptions, context: RunContext): Promise<Plan> {
  const { files, history } = await look(target, context);
  return plan(planInput(target, options, files, history));
}
