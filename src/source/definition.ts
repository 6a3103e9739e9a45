/** How a migration is written in TypeScript: `migration({...})` and what its functions are handed. */
import type { Expression, SchemaModule } from "kysely";
import type { Phase } from "../core/migration.ts";

/**
 * Declares a migration; gives back what it was given, with its types checked.
 *
 * ```ts
 * import { migration } from "godwit";
 * export default migration({
 *   depends: ["20250801_multi_tenant"],
 *   async up({ sql }) { await sql`update shops set slug = lower(name) where slug is null`; },
 * });
 * ```
 */
export function migration<Definition extends MigrationDefinition>(definition: Definition): Definition {
  return definition;
}

export interface MigrationDefinition {
  /** Migrations that must be applied before this one. */
  readonly depends?: string | readonly string[] | undefined;
  /** Backfills that must be finished before this one begins. The run is refused if they are not part of it. */
  readonly requires?: string | readonly string[] | undefined;
  /** Its parents in a revision graph; `none` for a root. Left out: it takes its place in the line of its folder. */
  readonly revises?: string | readonly string[] | null | undefined;
  /** When it runs; `startup` unless said otherwise. */
  readonly phase?: Phase | undefined;
  /** `false`: every statement stands for itself; then say `idempotent` where that is true. */
  readonly transaction?: boolean | undefined;
  /** How long a statement may wait for a lock: `500ms`, `3s`, `2min`, `none`. */
  readonly lockTimeout?: string | undefined;
  /** How long a statement may run. */
  readonly statementTimeout?: string | undefined;
  /** `true` lets row-level security filter rows; the default turns that into an error. */
  readonly rowSecurity?: boolean | undefined;
  /** `true`: may run although a later migration is applied already. */
  readonly outOfOrder?: boolean | undefined;
  /** A run that does not know this revision refuses a database in which this migration is applied. */
  readonly minimumRevision?: string | undefined;
  /** `true`: harmless to run again after it was cut off in the middle. */
  readonly idempotent?: boolean | undefined;
  /** Asked before it is committed: `rows=1..500`, or a query whose one answer must be true. */
  readonly expect?: string | readonly string[] | undefined;
  up(context: MigrationContext): unknown;
  down?(context: MigrationContext): unknown;
}

/**
 * Declares a backfill: rows of a table are rewritten in short transactions, by ranges of a key, while the application
 * runs. Gives back what it was given, with its types checked.
 *
 * ```ts
 * import { backfill } from "godwit";
 * export default backfill({
 *   table: "shops",
 *   where: "slug is null",
 *   set: { slug: "lower(name)" },
 * });
 * ```
 */
export function backfill<const Definition extends BackfillDefinition>(
  definition: Definition,
): Definition & { readonly kind: "backfill" } {
  return { ...definition, kind: "backfill" };
}

export type BackfillDefinition = BackfillRows & (BackfillSet | BackfillStatement | BackfillFunction);

interface BackfillRows
  extends Pick<
    MigrationDefinition,
    | "depends"
    | "requires"
    | "revises"
    | "phase"
    | "lockTimeout"
    | "statementTimeout"
    | "rowSecurity"
    | "outOfOrder"
    | "minimumRevision"
    | "expect"
    | "down"
  > {
  /** The table, as in SQL: `shops`, `shop.products`. */
  readonly table: string;
  /** The columns of a unique index on columns that are NOT NULL, in its order. Left out: the primary key. */
  readonly key?: string | readonly string[];
  /** A condition in SQL for the rows that are not done yet. At the end none may be left. */
  readonly where?: string;
  /** How long one window should take: `500ms` unless said otherwise. */
  readonly window?: string;
  /** The rows of the first window; 100 unless said otherwise. */
  readonly minRows?: number;
  /** The most rows that a window may have. Unless said otherwise: one row in 200, and 5,000 of a small table; four times as many where nobody else works. */
  readonly maxRows?: number;
  /** How many windows run at once, each on a connection of its own; one unless said otherwise. */
  readonly parallel?: number;
  /**
   * Keeps the old values of what each window changes, so that `down` brings them back. As a text, how long they are kept
   * after the end: `30d`.
   */
  readonly undo?: boolean | string;
  /** `true`: it is not begun before a person has run `godwit backfill approve`. */
  readonly approve?: boolean;
  /**
   * `skip`: no trigger of the table fires for what it changes, and foreign keys, which are triggers too, are not
   * checked. Refused if the role may not set `session_replication_role`. `keep` unless said otherwise.
   */
  readonly triggers?: "keep" | "skip";
  /** `true`: migrations behind it need not wait for it. Its windows run while the migrations lock is free. */
  readonly background?: boolean;
  /** `off`: it makes way for nothing, and no second connection is opened. `on` unless said otherwise. */
  readonly throttle?: "on" | "off";
  /** The part of its time that it uses while other sessions work in the database: `7%` unless said otherwise. */
  readonly share?: string;
  /** How far a replica may be behind: `5s` unless said otherwise. */
  readonly maxLag?: string;
  /** How much WAL everybody together may write in a second: `50MB`. Any amount unless said otherwise. */
  readonly maxWal?: string;
  /** A query of yours whose p99 is kept under `probeLimit`. It runs ten times a second, on a connection of its own. */
  readonly probe?: string;
  /** `100ms` unless said otherwise. */
  readonly probeLimit?: string;
}

/** What SQL cannot do: the rows of a window come in, and what is to be set in each goes out. */
interface BackfillFunction {
  /** What `rows` is handed of each row, beside its key. */
  readonly columns: readonly string[];
  /** The only columns that `rows` may set; any unless said otherwise. With `undo`, their old values are kept. */
  readonly writes?: readonly string[];
  /**
   * Is called for each window, in its transaction and with its rows locked. It returns a list with the
   * columns to set of each row, in the same order. `null` leaves a row as it is. A `Map` from the rows does as well. Rows that have
   * their values already are not written. If it throws, the row that it cannot do is found and named, and the others are
   * done.
   */
  rows(rows: readonly BackfillRow[], context: MigrationContext): BackfillPatches | Promise<BackfillPatches>;
  readonly set?: undefined;
  readonly statement?: undefined;
}

/** The columns of a row: its key and what the backfill asks for, as `query` would return them. */
export type BackfillRow = Readonly<Record<string, unknown>>;

/** The values to set, by the name of the column. */
export type BackfillPatch = Readonly<Record<string, unknown>>;

export type BackfillPatches =
  | readonly (BackfillPatch | null | undefined)[]
  | ReadonlyMap<BackfillRow, BackfillPatch>;

interface BackfillSet {
  /** An expression in SQL for each column. Rows that have their values already are not written. */
  readonly set: Readonly<Record<string, string>>;
  readonly statement?: undefined;
  readonly rows?: undefined;
  readonly columns?: undefined;
  readonly writes?: undefined;
}

interface BackfillStatement {
  /** One statement. The condition of the window goes where `:window` stands, or `:window(p)` for the alias `p`. */
  readonly statement: string;
  readonly set?: undefined;
  readonly rows?: undefined;
  readonly columns?: undefined;
  readonly writes?: undefined;
}

/** What `up` and `down` are handed. Everything in it speaks to the database on the run's own connection. */
export interface MigrationContext {
  readonly sql: Sql;
  /** One statement with parameters `$1`, `$2`, … Throws `DatabaseError`. */
  query<Row = Record<string, unknown>>(
    text: string,
    parameters?: readonly unknown[],
  ): Promise<{ readonly rows: readonly Row[]; readonly rowCount: number }>;
  /** Any number of statements without parameters. Throws `DatabaseError`. */
  execute(text: string): Promise<void>;
  /** Kysely's schema builder: `await schema.createTable("shops").addColumn(…).execute()`. */
  readonly schema: SchemaModule;
  readonly log: MigrationLog;
  /** Aborts when the run is interrupted or has lost its connection. */
  readonly signal: AbortSignal;
}

/** Values become parameters, never text: ``await sql`select * from shops where id = ${id}` ``. */
export interface Sql {
  <Row = Record<string, unknown>>(
    strings: TemplateStringsArray,
    ...values: readonly unknown[]
  ): Promise<Rows<Row>>;
  /** A quoted name: `sql.identifier("public", "shops")`. */
  identifier(...path: readonly string[]): SqlFragment;
  /** Text taken as it is. Never with a value from outside. */
  raw(text: string): SqlFragment;
}

/** Part of a statement, for a `sql` template or for the schema builder: `defaultTo(sql.raw("now()"))`. */
export interface SqlFragment extends Expression<unknown> {
  readonly text: string;
}

/** The rows, and how many were returned or affected. */
export type Rows<Row> = readonly Row[] & { readonly count: number };

export interface MigrationLog {
  info(message: string, details?: Readonly<Record<string, unknown>>): void;
  warn(message: string, details?: Readonly<Record<string, unknown>>): void;
  error(message: string, details?: Readonly<Record<string, unknown>>): void;
}
