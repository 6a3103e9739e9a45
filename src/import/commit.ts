/**
 * Makes results last: content, hashes, state and row of each file in one transaction under the fence.
 *
 * What a crash leaves: either all of a transaction or nothing of it. Files of a transaction that did not happen are still
 * `pending` and are read again; to write what is there already changes nothing, so an unknown COMMIT may be repeated.
 * A row that the database refuses (a constraint, a trigger of the team's own) must not take others with it: the
 * transaction is halved until it stands alone, and then its file is in quarantine with the database's reason.
 */
import type { Connection } from "../database/connection.ts";
import { isRetryableTransaction } from "../database/sqlstate.ts";
import { DatabaseError, LockError } from "../errors.ts";
import type { Move, Refused, Results, Stored } from "../images/results.ts";
import type { FileNames, Table } from "../images/table.ts";
import { FENCE_SQLSTATE } from "../lock/sql.ts";
import { backoffMs, delay } from "../std/time.ts";
import type { Pattern } from "./pattern.ts";

export type Outcome =
  | { readonly kind: "stored"; readonly path: string; readonly stored: Stored }
  | { readonly kind: "refused"; readonly path: string; readonly refused: Refused };

export interface CommitParts {
  readonly connection: Connection;
  readonly results: Results;
  readonly table: Table;
  readonly pattern: Pattern;
  readonly transaction: (work: (connection: Connection) => Promise<void>) => Promise<void>;
}

export interface Committed {
  readonly moves: readonly Move[];
  /** What the database would not take. */
  readonly refused: readonly { readonly path: string; readonly refused: Refused }[];
}

export async function commitOutcomes(parts: CommitParts, outcomes: readonly Outcome[]): Promise<Committed> {
  if (outcomes.length === 0) return { moves: [], refused: [] };
  try {
    return { moves: await write(parts, outcomes), refused: [] };
  } catch (error) {
    if (!isRowFault(error)) throw error;
    const [first, ...others] = outcomes;
    if (others.length > 0) {
      const middle = outcomes.length >> 1;
      const left = await commitOutcomes(parts, outcomes.slice(0, middle));
      const right = await commitOutcomes(parts, outcomes.slice(middle));
      return { moves: [...left.moves, ...right.moves], refused: [...left.refused, ...right.refused] };
    }
    if (first?.kind !== "stored") throw error;
    const refused: Refused = {
      id: first.stored.id,
      state: "quarantined",
      code: "FILE_REFUSED",
      reason: `The database does not take its row: ${error.message}`,
    };
    await parts.transaction((connection) => parts.results.saveRefused(connection, [refused]));
    return { moves: [], refused: [{ path: first.path, refused }] };
  }
}

async function write(parts: CommitParts, outcomes: readonly Outcome[]): Promise<readonly Move[]> {
  const { results, table, pattern } = parts;
  const stored = outcomes.flatMap((each) => (each.kind === "stored" ? [each] : []));
  const refused = outcomes.flatMap((each) => (each.kind === "refused" ? [each.refused] : []));
  let moves: readonly Move[] = [];
  await parts.transaction(async (connection) => {
    await results.saveContents(
      connection,
      stored.map((each) => each.stored.content),
    );
    moves = await results.moves(
      connection,
      stored.map((each) => each.stored),
    );
    await results.applyMoves(connection, moves);
    await table.move(connection, moves);
    const idOf = new Map(moves.map((move) => [move.replaced, move.id]));
    const kept = stored.map(({ path, stored: each }) => ({
      path,
      stored: { ...each, id: idOf.get(each.id) ?? each.id },
    }));
    await results.saveStored(
      connection,
      kept.map((each) => each.stored),
    );
    await table.write(
      connection,
      namesOf(
        pattern,
        kept.map((each) => ({ id: each.stored.id, path: each.path })),
      ),
    );
    await results.saveRefused(connection, refused);
  });
  return moves;
}

export function namesOf(
  pattern: Pattern,
  files: readonly { readonly id: string; readonly path: string }[],
): readonly FileNames[] {
  return files.flatMap(({ id, path }) => {
    const names = pattern.match(path);
    return names === null ? [] : [{ id, ...names }];
  });
}

/** Data exceptions, broken constraints, what a trigger raised: the row's fault, and no other's. */
function isRowFault(error: unknown): error is DatabaseError {
  return error instanceof DatabaseError && /^(22|23|44|P0|54000)/.test(error.sqlState ?? "");
}

/** Runs statements in one transaction, again where time alone may help. */
export function createTransaction(
  connection: Connection,
  options: { readonly fence: string; readonly attempts: number; readonly signal: AbortSignal },
): CommitParts["transaction"] {
  return async (work) => {
    for (let attempt = 1; ; attempt++) {
      try {
        await connection.execute(`begin; ${options.fence}`);
        await work(connection);
        await connection.execute("commit");
        return;
      } catch (error) {
        if (!connection.lost.aborted) await connection.execute("rollback").catch(() => {});
        if (error instanceof DatabaseError && error.sqlState === FENCE_SQLSTATE) throw takenOver(error);
        const passing = error instanceof DatabaseError && isRetryableTransaction(error.sqlState);
        if (!passing || attempt >= options.attempts) throw error;
        await delay(backoffMs(attempt, { firstMs: 50, maxMs: 5_000 }), options.signal);
      }
    }
  };
}

function takenOver(cause: DatabaseError): LockError {
  return new LockError(
    {
      code: "LOCK_LOST",
      message: "The import's lock was taken over by another run; nothing more was committed.",
      hint: "Run again: it waits for its turn, and continues with what is left.",
    },
    { cause },
  );
}
