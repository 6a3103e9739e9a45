/** The ledger of one target: what is applied, stored in the same database. */
import type { History, HistoryEntry } from "../core/history.ts";
import type { Direction } from "../core/migration.ts";
import { literal } from "../core/sql/quote.ts";
import { restored } from "../core/sql/stored.ts";
import type { Connection, Result, Row } from "../database/connection.ts";
import { DatabaseError, PlanRefused } from "../errors.ts";
import type { BackfillRange } from "./backfill-ranges-sql.ts";
import type { UndoState } from "./backfill-undo-sql.ts";
import { openBackfills, type RecordedBackfills } from "./backfills.ts";
import { type Damage, damaged, type Logged, type Lost } from "./damage.ts";
import { LEDGER_TABLES, type LedgerTable } from "./damage-sql.ts";
import { notMade } from "./not-made.ts";
import type { Author, LogEntry } from "./rows.ts";
import { type LedgerSql, ledgerSql } from "./sql.ts";
import { LEDGER_FORMAT } from "./tables-sql.ts";

/** A row of the history with all of its columns. Some are only for people. */
export interface Recorded extends HistoryEntry {
  readonly executedAt: Date | null;
  readonly durationMs: number | null;
  readonly executedBy: string;
  readonly host: string;
  readonly gitCommit: string | null;
  readonly version: string;
  readonly runId: string;
}

export interface RecordedHistory extends History {
  readonly entries: readonly Recorded[];
  /** Whether the tables of the ledger exist. */
  readonly created: boolean;
  /** `null`: all tables exist and agree with each other. */
  readonly damage: Damage | null;
}

/** One statement of a non-transactional migration that an earlier run started. */
export interface RecordedStatement {
  readonly position: number;
  readonly hash: string;
  readonly state: "started" | "done";
  /** For a started statement: what the catalog said before it. For a finished one: what it changed in the session. */
  readonly before: unknown;
}

/** A step that a run committed. */
export interface RecordedStep {
  readonly revision: string;
  readonly direction: Direction;
  readonly durationMs: number | null;
}

/** A row of the log: what a run or a person did. */
export interface LoggedRow extends LogEntry {
  readonly at: Date;
  readonly runId: string;
  readonly executedBy: string;
  readonly host: string;
  readonly gitCommit: string | null;
}

export interface Ledger {
  readonly schema: string;
  /** See `by-hand-sql.ts`. */
  readonly byHand: boolean;
  readonly sql: LedgerSql;
  /**
   * Reads the whole ledger. Throws `PlanRefused` with `LEDGER_NEWER`, `LEDGER_ELSEWHERE`, or `LEDGER_DAMAGED` unless
   * `evenDamaged` is set.
   */
  read(connection: Connection, options?: { readonly evenDamaged: boolean }): Promise<RecordedHistory>;
  /** Creates the tables that are missing. Call it only under the lock, because creating tables races. */
  create(connection: Connection, project: string | null): Promise<void>;
  statements(
    connection: Connection,
    revision: string,
    direction: Direction,
  ): Promise<readonly RecordedStatement[]>;
  /** Where backfills are, and what people have said of them. */
  readonly backfills: RecordedBackfills;
  /** The ranges of a backfill that are not finished. */
  ranges(connection: Connection, revision: string): Promise<readonly BackfillRange[]>;
  /** The old values that a backfill has kept. `null`: there are none. */
  undo(connection: Connection, revision: string): Promise<UndoState | null>;
  /** The steps that the log has for one run, in order. */
  stepsOf(connection: Connection, runId: string): Promise<readonly RecordedStep[]>;
  log(connection: Connection, author: Author, entry: LogEntry): Promise<void>;
  /** The newest rows of the log, the newest first. It also reads the log of a ledger that is damaged elsewhere. */
  readLog(connection: Connection, limit: number): Promise<readonly LoggedRow[]>;
}

export interface LedgerOptions {
  /** Two projects share the database, so a ledger in another schema is no reason to stop. */
  readonly allowSecond: boolean;
  /** Its operators work on its tables by hand, as on Supabase. */
  readonly byHand?: boolean;
  /** The schema that is the target. Nothing is created in its place once it is gone. */
  readonly given?: string | null;
}

export function openLedger(schema: string, options: LedgerOptions = { allowSecond: false }): Ledger {
  const byHand = options.byHand ?? false;
  const sql = ledgerSql(schema, { given: options.given ?? null, byHand });
  return {
    schema,
    byHand,
    sql,

    async read(connection, { evenDamaged } = { evenDamaged: false }) {
      const missing: LedgerTable[] = [];
      let results: readonly Result[];
      try {
        results = await connection.execute(sql.read());
      } catch (error) {
        if (!(error instanceof DatabaseError) || !MISSING.has(error.sqlState ?? "")) throw error;
        const there = await connection.execute(sql.tables(LEDGER_TABLES));
        missing.push(...LEDGER_TABLES.filter((_, index) => there[index]?.rows[0]?.there !== true));
        if (missing.length === LEDGER_TABLES.length) {
          if (!options.allowSecond) await refuseLedgerElsewhere(connection, schema);
          return { entries: [], project: null, created: false, damage: null };
        }
        results = await connection.execute(sql.readWithout(missing));
      }
      const history = interpret(schema, missing, results);
      const refusal = history.damage === null ? null : damaged(history.damage);
      if (refusal !== null && !evenDamaged) throw refusal;
      return history;
    },

    async create(connection, project) {
      try {
        await connection.execute(sql.create(project));
      } catch (error) {
        throw notMade(error, connection, schema);
      }
    },

    async statements(connection, revision, direction) {
      const result = await connection.query<RecordedStatement & Row>(sql.statements(revision, direction));
      return restored(result.rows);
    },

    backfills: openBackfills(sql),

    async ranges(connection, revision) {
      return restored((await connection.query<BackfillRange & Row>(sql.ranges(revision))).rows);
    },

    async undo(connection, revision) {
      const [answer] = (await connection.query<{ exists: boolean }>(sql.hasUndo())).rows;
      if (answer?.exists !== true) return null;
      const { rows } = await connection.query<UndoState & Row>(sql.undo(revision));
      return restored(rows[0] ?? null);
    },

    async stepsOf(connection, runId) {
      const result = await connection.query<RecordedStep & Row>(sql.stepsOf(runId));
      return restored(result.rows);
    },

    async log(connection, author, entry) {
      await connection.execute(sql.log(author, entry));
    },

    async readLog(connection, limit) {
      const { created, damage } = await this.read(connection, { evenDamaged: true });
      if (!created || damage?.tables.includes("migration_log") === true) return [];
      return restored((await connection.query<LoggedRow & Row>(sql.readLog(limit))).rows);
    },
  };
}

/** undefined_table, invalid_schema_name */
const MISSING = new Set(["42P01", "3F000"]);

function interpret(
  schema: string,
  missing: readonly LedgerTable[],
  [
    { rows: ledger } = NO_ROWS,
    { rows: history } = NO_ROWS,
    { rows: differences } = NO_ROWS,
    { rows: replaced } = NO_ROWS,
    _toolRows = NO_ROWS,
    { rows: deleted } = NO_ROWS,
  ]: readonly Result[],
): RecordedHistory {
  const format = Number(ledger[0]?.format ?? 0);
  if (format > LEDGER_FORMAT)
    throw new PlanRefused([
      {
        code: "LEDGER_NEWER",
        message: `The ledger in schema "${schema}" has format ${format}; this Godwit knows formats up to ${LEDGER_FORMAT}.`,
        hint: "Run the newer Godwit that wrote it (npm install godwit@latest). Nothing was changed.",
      },
    ]);
  const entries = restored(history) as unknown as readonly Recorded[];
  return {
    entries,
    project: restored((ledger[0]?.project as string | null | undefined) ?? null),
    replaced: new Set(restored(replaced).map(({ revision }) => String(revision))),
    created: true,
    again: new Set(restored(deleted).map(({ revision }) => String(revision))),
    damage: damageOf(schema, {
      missing:
        ledger.length === 0 && !missing.includes("migration_ledger")
          ? ["migration_ledger", ...missing]
          : missing,
      differences: restored(differences) as unknown as readonly Difference[],
      entries,
    }),
  };
}

const NO_ROWS: Result = { rows: [], rowCount: 0, command: "SELECT" };

interface Difference extends Omit<Logged, "at"> {
  readonly revision: string;
  readonly what: "lost" | "returned";
  readonly state: HistoryEntry["state"];
  /** `null`: the log does not have it. */
  readonly at: string | null;
}

function damageOf(
  schema: string,
  found: {
    readonly missing: readonly LedgerTable[];
    readonly differences: readonly Difference[];
    readonly entries: readonly Recorded[];
  },
): Damage | null {
  const { missing, differences, entries } = found;
  if (missing.length + differences.length === 0) return null;
  const unknown = missing.includes("migration_statements")
    ? entries.filter(({ state }) => state !== "applied")
    : [];
  return {
    schema,
    tables: missing,
    lost: differences
      .filter(({ what }) => what === "lost")
      .map(
        ({ revision, state, what: _, at, ...rest }): Lost => ({
          revision,
          state,
          logged: at === null ? null : { at, ...rest },
        }),
      ),
    returned: differences.filter(({ what }) => what === "returned").map(({ revision }) => revision),
    halfWay: unknown.map(({ revision }) => revision),
  };
}

/** Refuses a ledger in another schema. Somebody has changed the setting, and all migrations would run again. */
async function refuseLedgerElsewhere(connection: Connection, schema: string): Promise<void> {
  const { rows } = await connection.query<{ schema: string }>(
    `select n.nspname as schema from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relname = 'migration_ledger' and c.relkind = 'r' and n.nspname <> ${literal(schema)}
     and exists (select from pg_class h where h.relnamespace = n.oid and h.relname in ('migration_history', 'migration_log'))`,
  );
  const [other] = rows;
  if (other === undefined) return;
  throw new PlanRefused([
    {
      code: "LEDGER_ELSEWHERE",
      message: `Schema "${schema}" holds no ledger, but schema "${other.schema}" of the same database does.`,
      hint: `Use it with --ledger-schema ${other.schema}, or allow a second ledger with --allow-second-ledger if two projects share this database.`,
    },
  ]);
}
