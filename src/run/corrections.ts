import { resolveRevision } from "../core/revision.ts";
import { literal } from "../core/sql/quote.ts";
import { ConfigError, type Problem } from "../errors.ts";
import type { RecordedHistory } from "../ledger/ledger.ts";
import type { Author } from "../ledger/rows.ts";
import type { LedgerSql } from "../ledger/sql.ts";
import type { Listing } from "../source/source.ts";
import { entryFor } from "./adopt/declared-row.ts";
import { backfillLeft } from "./backfill-left.ts";
import { withConnection } from "./session/connect.ts";
import type { RunContext, Target } from "./session/target.ts";

export type Repair =
  /** The file was edited on purpose: its present text is the one that counts. */
  | { readonly kind: "accept"; readonly revision: string }
  /** The row goes; the file, if there is one, is pending again. */
  | { readonly kind: "forget"; readonly revision: string }
  /**
   * Complete, says a person who looked: a whole migration, or one statement of it. One that stopped on its way back is
   * complete when it is taken back: its row goes.
   */
  | { readonly kind: "mark-done"; readonly revision: string; readonly position: number | null }
  /** Without effect, says a person who looked: it may run again. */
  | { readonly kind: "retry"; readonly revision: string; readonly position: number | null }
  /** Rebuilds what the ledger has lost from what is left of it and from the files. */
  | { readonly kind: "rebuild" };

export type Correction = Exclude<Repair, { readonly kind: "rebuild" }>;

type Rows = (sql: LedgerSql, author: Author) => string;

/** The rows of our ledger, as SQL. Throws `ConfigError` for a revision without a file, where one is needed. */
export async function correctedRows(
  target: Target,
  request: Correction,
  files: Listing,
  history: RecordedHistory,
): Promise<Rows> {
  const { revision } = request;
  const state = history.entries.find((entry) => entry.revision === revision)?.state;
  const row = async () => {
    const migration = files.migrations.find((one) => one.id === revision);
    if (migration === undefined) throw unchanged(revision);
    return entryFor(target, migration);
  };
  // One that stopped on its way back has its statements under that direction.
  const direction = state === "reverting" ? "down" : "up";
  switch (request.kind) {
    case "accept": {
      const { checksum, fingerprint, revertScript } = await row();
      return (sql) => sql.accept(revision, checksum, fingerprint, revertScript);
    }
    case "forget":
      return (sql) =>
        `${sql.forgetAnyRanges(revision)}; ${sql.forgetStatements(revision, "up")}; ${sql.forgetStatements(revision, "down")}; ${sql.remove(revision)}`;
    case "mark-done": {
      if (request.position != null)
        return (sql) => `${sql.statementDone(revision, direction, request.position as number)}`;
      // Complete is what was begun: of a way back, that it is taken back.
      if (direction === "down")
        return (sql, author) => `${sql.forgetAnyRanges(revision)}; ${sql.revert(revision, author)}`;
      if (state !== undefined)
        return (sql) => `${sql.forgetAnyRanges(revision)}; ${sql.markApplied(revision)}`;
      const declared = await row();
      return (sql, author) => sql.baseline(declared, author);
    }
    case "retry":
      if (request.position != null)
        return (sql) => `${sql.forgetStatements(revision, direction)} and position = ${request.position}`;
      if (direction === "down")
        return (sql) => `${sql.forgetStatements(revision, direction)}; ${sql.stopReverting(revision)}`;
      return (sql) =>
        `${sql.forgetStatements(revision, "up")}; ${sql.remove(revision)} and state = ${literal("partial")}`;
  }
}

export function unchanged(revision: string): ConfigError {
  return new ConfigError({
    code: "REVISION_UNKNOWN",
    message: `The ledger was not changed for ${revision}.`,
  });
}

/** Throws `ConfigError` for what neither the files nor the ledger know. */
export function findRevision(
  request: Pick<Correction, "revision">,
  files: Listing,
  history: RecordedHistory,
): string {
  const known = new Set([
    ...history.entries.map((entry) => entry.revision),
    ...(history.damage?.lost.map(({ revision }) => revision) ?? []),
    ...files.migrations.map((one) => one.id),
  ]);
  return resolveRevision(request.revision, [...known]);
}

/** What a person is shown before a repair is confirmed. */
export interface Confirmation {
  /** The name of the database, which the person repeats. */
  readonly database: string;
  /** What is declared and not so. `null`: nothing is known of that. */
  readonly loses: Problem | null;
}

/** Changes nothing. Throws `ConfigError` for what neither the files nor the ledger know. */
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
