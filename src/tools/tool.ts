/**
 * A tool is another migration tool, seen through the table in which it keeps its history. One sibling file per tool says
 * how the table is recognised, what its rows mean, and what to write into it if it is mirrored. SQL is only text here;
 * nothing is sent.
 */
import type { Migration, ToolKey } from "../core/migration.ts";
import { identifier } from "../core/sql/quote.ts";
import type { Problem } from "../errors.ts";

export interface Tool {
  /** The name that `--tool` and `--mirror` take. */
  readonly name: string;
  /** The name in messages. */
  readonly title: string;
  /** The name of its table, unless something else was configured. */
  readonly table: string;
  /** The layouts of the files that its rows refer to. Empty if its files are programs, which we do not run. */
  readonly layouts: readonly string[];
  /** What its table is recognised by. */
  readonly shape: Shape;
  /** Selects everything of its rows that counts, each value as text, in the order in which the rows were written. */
  select(table: Relation): string;
  read(rows: readonly TextRow[], table: Relation): ToolHistory;
  /** If it keeps texts in place of checksums: selects the text (`text`) of the rows with these keys (`key`), none that is null. */
  texts?(table: Relation, keys: readonly string[]): string | null;
  /** If several projects share a table: selects the rows of the project that these files belong to. */
  own?(history: ToolHistory, migrations: readonly Migration[]): ToolHistory;
  /** Replaces matching by key. `parents`: those of the revisions in our ledger that had a file. */
  match?(history: ToolHistory, migrations: readonly Migration[], parents?: Parents): Match;
  /** Makes different spellings of one key equal. */
  normal?(key: string): string;
  /** The advisory locks that it holds while it runs. There are several if the key depends on how it was started. */
  advisoryKeys?(table: Relation, database: string): readonly bigint[];
  /** Some of its own programs run without that lock. */
  readonly mayNotLock?: true;
  /** If the lock is a row: SQL that returns a row (`who`) while the lock is held. */
  lockedBy?(table: Relation, all: readonly Relation[]): string | null;
  /** Its one number stands for all below it. */
  readonly inLine?: true;
  /** If its rows are the heads of a graph: a query for their names (`head`). Each implies all that is below it. */
  heads?(table: Relation): string;
  /** A query that returns a row if the tool counts this step as applied. Without it, `writer.present` is used. */
  has?(table: Relation, step: MirroredStep): string | null;
  /** How its history is mirrored. Without it, the history cannot be mirrored. */
  readonly writer?: HistoryWriter;
}

/**
 * What a table looks like. Tables are renamed, moved and get further columns, so a table is recognised by what its
 * columns mean.
 */
export interface Shape {
  /** The columns that it must have. The type matters only if it is given. */
  readonly columns: Readonly<Record<string, RegExp | null>>;
  /** Further columns of the tool, which only some of its versions have. */
  readonly more?: readonly string[];
  /** Columns that show that the table belongs to another tool. */
  readonly not?: readonly string[];
  /** The columns decide, whatever the table's name and its other columns are. */
  readonly telling?: true;
  /** Names that decide together with the columns, whatever other columns there are. */
  readonly brand?: RegExp;
  /** Names that decide if there are no other columns. */
  readonly loose?: RegExp;
  /** The schema in which the tool creates it. The default is that of the connection. */
  readonly schema?: string;
  /** The tool itself has it in this place and under this name only. */
  readonly fixed?: true;
  /** The columns that show that a table in another place was its history: it was moved or renamed. */
  readonly moved?: Readonly<Record<string, RegExp>>;
  /** Older names of the table. */
  readonly names?: readonly string[];
  /** A table that must be in the same schema. Without it, this table belongs to another tool. */
  readonly beside?: string;
  /** A table that must not be in the same schema. With it, this table belongs to another tool. */
  readonly notBeside?: string;
}

/** A table with the types of its columns. */
export interface Relation {
  readonly schema: string;
  readonly name: string;
  readonly columns: Readonly<Record<string, string>>;
  /** Whether you may read all of its rows. */
  readonly readable: boolean;
  /** A policy of the table may hide some of its rows. */
  readonly hidden?: boolean;
  /** Names without a schema are created in the table's schema. */
  readonly current?: boolean;
  /** Columns for which the writer of a row must give a value. */
  readonly wants?: readonly string[];
  /** The table has so few rows that reading all of them costs nothing. */
  readonly small?: boolean;
  /** A service of the Supabase platform created it. */
  readonly platform?: boolean;
}

/** What our ledger says of revisions whose files may be gone: the revisions that each depends on. */
export type Parents = ReadonlyMap<string, readonly string[]>;

export type TextRow = Readonly<Record<string, string | null>>;

export interface ToolHistory {
  /** What is applied, each once, in the order in which it was applied. */
  readonly rows: readonly ToolRow[];
  /** A history that failed half-way. Nothing can be applied on top of it. */
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

export interface ToolRow {
  /** The keys that may identify a file. Any of them is enough. */
  readonly keys: readonly string[];
  /** The name in messages. It becomes the revision if there is no file. */
  readonly name: string;
  /** `null`: the tool stores none. */
  readonly checksum: string | null;
  /** The time as the server writes it. */
  readonly at: string | null;
  readonly repeatable?: boolean;
  /** The tool has run something that is no migration file, or a program. No file is expected. */
  readonly withoutFile?: boolean;
  readonly columns?: TextRow;
  /** Other names, too weak to match a file. If a file has such a name, you are asked. */
  readonly aliases?: readonly string[];
  /** The fingerprints that a file with its text may have, where that was read. */
  readonly fingerprints?: readonly string[];
}

export interface Match {
  readonly applied: readonly Applied[];
  /** Migrations that the tool has skipped for good. It counts them as applied, and no row shows that they ever ran. */
  readonly skipped: readonly string[];
  /** Rows that refer to no file. */
  readonly missing: readonly ToolRow[];
  /**
   * Migrations that a row may imply. `above`: one that the row implies for certain, whose file does not say what it
   * stands on; or that has no file (`isUnknown`).
   */
  readonly unplaced?: readonly Unplaced[];
  /**
   * Migrations that the tool will run even if a row has their text: it goes by their time alone, and the files give them
   * a later time than all rows have.
   */
  readonly rerunThere?: readonly string[];
  /** What rows imply and neither a file nor our ledger knows. Everything else may be below it. */
  readonly open?: readonly string[];
  /** The tool's only row is this number, and stands for all numbers up to it. */
  readonly upTo?: bigint;
  /** The files are the tool's own migrations in another form, so a row without a file waits for its file. */
  readonly isSame?: boolean;
  readonly warnings: readonly Problem[];
}

export interface Unplaced {
  readonly id: string;
  readonly above: string;
  readonly isUnknown?: true;
}

export interface Applied {
  readonly id: string;
  /** `null`: it has no row of its own, and a later row implies it. */
  readonly row: ToolRow | null;
  /** The file differs from what the tool ran. */
  readonly edited: boolean;
  /** If a row stands for more than itself: what implies that this one is applied. */
  readonly implied?: Implied;
}

export interface Implied {
  /** Revisions, or names of rows without a file. Each of them implies it. */
  readonly by: readonly string[];
  /**
   * `true`: implied by the order alone, so that a file may have slipped in below. `false`: implied by what the files
   * declare.
   */
  readonly inLine: boolean;
  /** The files themselves say that it is below, so that a file which comes late is below it too. */
  readonly declared?: true;
}

/** Statements for the transaction of one step. */
export interface HistoryWriter {
  /**
   * The table as the tool itself would create it, and the SQL for it. `keys`: the keys of the files. `at`: the
   * configured place.
   */
  create(
    keys: readonly ToolKey[],
    at: { readonly schema: string | null; readonly name: string } | null,
  ): { readonly table: Relation; readonly sql: string };
  /** A query that returns a row if the tool has already applied the step. */
  present(table: Relation, step: MirroredStep): string | null;
  /**
   * For tools whose one row stands for many migrations. The query returns a row if the tool has reached something new:
   * it was not there when this run looked (`seen`, by name), and our ledger does not know it. The tool has then applied
   * everything that this implies too.
   */
  moved?(table: Relation, step: MirroredStep, seen: readonly string[]): string;
  /**
   * For a tool that takes no lock and has no key that would stop it from applying a file twice. What other sessions do
   * shows whether it is about to.
   */
  readonly intruder?: {
    /** Sessions (`pid`) that have just read the table. They may begin to apply what they did not find in it. */
    readers(table: Relation): string;
    /** A query that returns a row if one of them is carrying out this very step. */
    atWork(table: Relation, step: MirroredStep): string;
  };
  /** A query that returns a row if another row already says that this one is applied, so that none is written. */
  implied?(table: Relation, step: MirroredStep): string;
  /** Runs after the ledger's own row was written or removed. */
  up(table: Relation, step: MirroredStep): string;
  down(table: Relation, step: MirroredStep): string;
  /**
   * Replaces `down` if a person says that a migration is not applied, for a tool whose rows stand for more than
   * themselves. The table may have changed independently, so the rest of our ledger implies nothing.
   */
  forget?(table: Relation, step: MirroredStep & { readonly parents: readonly string[] }): string;
  /** Accepts another text of an applied file from now on, for a tool that compares texts. */
  accept?(table: Relation, step: MirroredStep): string;
  /**
   * Gives the row of revision `from` the name of this file, for a tool that identifies files by name. The row keeps its
   * place.
   */
  rename?(table: Relation, step: MirroredStep, from: string): string;
  /**
   * The tool refuses to run while a row has no file, so the rows of files that others replace are taken out. `squashed`:
   * only if the replacing file is an applied one with another text, as the tool's own squash makes it.
   */
  readonly needsFiles?: "always" | "squashed";
  /** Its rows hold what only its own files have, such as a checksum that it compares or relies on. */
  readonly ownFiles?: true;
  /** Refuses files that cannot be mirrored. */
  check?(migrations: readonly Migration[]): Problem | null;
}

export interface MirroredStep {
  readonly revision: string;
  /** `null`: the file is gone. */
  readonly key: ToolKey | null;
  /** The file's up text, exactly as the file holds it. */
  readonly text: string | null;
  /** Our own history, as a quoted name, for tools whose rows depend on the graph. */
  readonly ledger: string;
  /** The tool's rows around it. Left out where nobody has looked at the table. */
  readonly around?: () => Around;
}

/** Names of rows that the table had when it was looked at, by what the files say of their migrations. */
export interface Around {
  /** Those that come before this one, in the order of the files: in a graph its ancestors. */
  readonly below: readonly string[];
  /** Those that come after it: in a graph its descendants, and those that may be. */
  readonly above: readonly string[];
}

export function nameOf({ schema, name }: Pick<Relation, "schema" | "name">): string {
  return `${identifier(schema)}.${identifier(name)}`;
}

/** The table's name, for messages. */
export function describeTable({ schema, name }: Pick<Relation, "schema" | "name">): string {
  return `${schema}.${name}`;
}

export const TEXT = /^(text|character varying)/;
export const INTEGER = /^(integer|bigint|numeric|smallint)/;
export const BOOLEAN = /^boolean$/;

/** Columns as text under their own names. Missing columns are null. */
export function selectText(table: Relation, columns: readonly string[], rest: string): string {
  const list = columns.map((column) =>
    table.columns[column] === undefined
      ? `null::text as ${identifier(column)}`
      : `t.${identifier(column)}::text as ${identifier(column)}`,
  );
  return `select ${list.join(", ")} from ${nameOf(table)} t ${rest}`;
}

/** A problem of a history that nothing can be applied on top of. */
export function failed(message: string, hint: string): Problem {
  return { code: "ADOPT_FAILED_HISTORY", message, hint: `${hint} Then run again. Nothing was changed.` };
}

export function history(rows: readonly ToolRow[]): ToolHistory {
  return { rows, problems: [], warnings: [] };
}
