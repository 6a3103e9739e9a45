/** The statements of non-transactional migrations: which are started, and which are done. */
import type { Direction } from "../core/migration.ts";
import { literal, stored, storedJson } from "../core/sql/quote.ts";
import type { LedgerTables } from "./damage-sql.ts";
import type { Author, StatementKey } from "./rows.ts";

export function statementsSql({ migration_statements: statements }: LedgerTables) {
  return {
    statementDone: (
      revision: string,
      direction: Direction,
      position: number,
    ) => `update ${statements} set state = 'done',
  done_at = clock_timestamp() where revision = ${stored(revision)} and direction = ${literal(direction)} and position = ${Number(position)}`,

    statements: (revision: string, direction: Direction) =>
      `select position, hash, state, before from ${statements}
  where revision = ${stored(revision)} and direction = ${stored(direction)} order by position`,

    /** The intent. It is committed before a statement that cannot run in a transaction. */
    startStatement: (key: StatementKey, author: Author, before: unknown) => `insert into ${statements}
  (revision, direction, position, hash, state, before, run_id) values (${keyValues(key)}, 'started',
   ${storedJson(before ?? null)}, ${stored(author.runId)})
  on conflict (revision, direction, position) do update set hash = excluded.hash, state = 'started',
   before = excluded.before, run_id = excluded.run_id, started_at = clock_timestamp(), done_at = null`,

    /** `session`: an SQL expression for what the statement has changed in the session. */
    finishStatement: (key: StatementKey, author: Author, session = "null") => `insert into ${statements}
  (revision, direction, position, hash, state, before, run_id, done_at) values (${keyValues(key)}, 'done',
   ${session}, ${stored(author.runId)}, clock_timestamp())
  on conflict (revision, direction, position) do update set hash = excluded.hash, state = 'done',
   before = excluded.before, run_id = excluded.run_id, done_at = clock_timestamp()`,

    /** Runs after the transaction of the statement, because `SET LOCAL` ends with it. Writes only a difference. */
    correctSession: (key: StatementKey, session: string) => `update ${statements} set before = ${session}
  where revision = ${stored(key.revision)} and direction = ${stored(key.direction)} and position = ${key.position}
  and state = 'done' and before is distinct from ${session}`,

    forgetStatements: (revision: string, direction: Direction) =>
      `delete from ${statements} where revision = ${stored(revision)} and direction = ${stored(direction)}`,
  };
}

function keyValues(key: StatementKey): string {
  return `${stored(key.revision)}, ${stored(key.direction)}, ${key.position}, ${stored(key.hash)}`;
}
