/**
 * Commits results: content, hashes, state and row of each file in one transaction under the fence.
 *
 * A crash leaves all of a transaction or nothing of it. The files of a lost transaction are still `pending` and are read
 * again. Writing what is already there changes nothing, so a COMMIT with an unknown result may be repeated.
 * A row that the database refuses (a constraint, a trigger of the team's own) must not hold up others. The transaction
 * is halved until that row is alone. Then its file goes into quarantine with the database's reason.
 */
import type { Connection } from "../database/connection.ts";
import { isRetryableTransaction } from "../database/sqlstate.ts";
import { DatabaseError, LockError } from "../errors.ts";
import type { Move, Refused, Results, Stored } from "../images/results.ts";
import type { FileNames, Table } from "../images/table.ts";
import { FENCE_SQLSTATE } from "../lock/sql.ts";
import { backoffMs, delay } from "../std/time.ts";
import type { Pattern } from "./pattern.ts";

/** The result of reading one file. */
export type FileResult =
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
  /** Files whose rows the database refused. */
  readonly refused: readonly { readonly path: string; readonly refused: Refused }[];
}

export async function commitResults(parts: CommitParts, files: readonly FileResult[]): Promise<Committed> {
  if (files.length === 0) return { moves: [], refused: [] };
  try {
    return { moves: await write(parts, files), refused: [] };
  } catch (error) {
    if (!isRowFault(error)) throw error;
    const [first, ...others] = files;
    if (others.length > 0) {
      const middle = files.length >> 1;
      const left = await commitResults(parts, files.slice(0, middle));
      const right = await commitResults(parts, files.slice(middle));
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

async function write(parts: CommitParts, files: readonly FileResult[]): Promise<readonly Move[]> {
  const { results, table, pattern } = parts;
  const stored = files.flatMap((each) => (each.kind === "stored" ? [each] : []));
  const refused = files.flatMap((each) => (each.kind === "refused" ? [each.refused] : []));
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

/** Whether the error is about one row: a data exception, a broken constraint, or an error of a trigger. */
function isRowFault(error: unknown): error is DatabaseError {
  return error instanceof DatabaseError && /^(22|23|44|P0|54000)/.test(error.sqlState ?? "");
}

/** Runs statements in one transaction, and repeats it after an error that may pass with time. */
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
