/** What a person is shown before a repair is confirmed: which database it is, and what would be lost. Changes nothing. */
import type { Problem } from "../errors.ts";
import { backfillLeft } from "./backfill-left.ts";
import { findRevision, type Repair } from "./corrections.ts";
import { withConnection } from "./session/connect.ts";
import type { RunContext, Target } from "./session/target.ts";

export interface Confirmation {
  /** The name of the database, which the person repeats. */
  readonly database: string;
  /** What is declared and not so. `null`: nothing is known of that. */
  readonly loses: Problem | null;
}

export async function confirmationOf(
  target: Target,
  request: Repair,
  context: RunContext,
): Promise<Confirmation> {
  const files = await target.source.list();
  return withConnection(target, context, async (connection) => {
    const { database } = connection.server;
    const isPart = request.kind === "rebuild" || ("position" in request && request.position !== null);
    if (isPart) return { database, loses: null };
    const history = await target.ledger.read(connection, { evenDamaged: true });
    if (!history.created || history.damage !== null) return { database, loses: null };
    const revision = findRevision(request, files, history);
    const state = history.entries.find((one) => one.revision === revision)?.state;
    const declared = { files, revision, kind: request.kind, state };
    return { database, loses: await backfillLeft(target, connection, declared) };
  });
}
