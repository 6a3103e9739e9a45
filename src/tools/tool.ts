/**
 * What a tool is: another migration tool, seen through the table in which it keeps its history. One sibling file for each
 * says how that table is recognised, what its rows mean, and, where we keep it in step, what to write into it. SQL is text
 * here; nothing is sent.
 */
import type { Migration, ToolKey } from "../core/migration.ts";
import { identifier } from "../core/sql/quote.ts";
import type { Problem } from "../errors.ts";

export interface Tool {
  /** As `--tool` and `--mirror` have it. */
  readonly name: string;
  /** For people. */
  readonly title: string;
  /** How its table is called, where nothing else was configured. */
  readonly table: string;
  /** Layouts whose files its rows speak of; none where its files are programs, which we do not run. */
  readonly layouts: readonly string[];
  /** What its table is known by. */
  readonly shape: Shape;
  /** All that counts of its rows, every value as text, in the order in which they came about. */
  select(table: Relation): string;
  read(rows: readonly TextRow[], table: Relation): ToolHistory;
  /** Of a table that several projects share: the rows of the project whose files these are. */
  own?(history: ToolHistory, migrations: readonly Migration[]): ToolHistory;
  /** In place of matching by key. */
  match?(history: ToolHistory, migrations: readonly Migration[]): Match;
  /** Makes two spellings of one key the same, where it has several. */
  normal?(key: string): string;
  /** The advisory locks that it holds while it runs; several where one depends on how it was started. */
  advisoryKeys?(table: Relation, database: string): readonly bigint[];
  /** Its own program, or one of them, does without that lock. */
  readonly mayNotLock?: true;
  /** SQL that gives a row (`who`) while its lock is held, where the lock is a row. */
  lockedBy?(table: Relation, all: readonly Relation[]): string | null;
  /** A query that gives a row where the tool takes this for applied; without it, `keep.present` is that. */
  has?(table: Relation, step: MirroredStep): string | null;
  /** How its history is kept in step; without it, that cannot be done. */
  readonly writer?: HistoryWriter;
}

/** A table is renamed and relocated, and gets columns more: it is known by what its columns mean. */
export interface Shape {
  /** Those that it cannot be without; a type matters only where it is given. */
  readonly columns: Readonly<Record<string, RegExp | null>>;
  /** Its own ones that only some of its versions have. */
  readonly more?: readonly string[];
  /** Columns that make it another tool's. */
  readonly not?: readonly string[];
  /** The columns tell, whatever the table is called and whatever else it has. */
  readonly telling?: true;
  /** Names that tell together with the columns, whatever else it has. */
  readonly brand?: RegExp;
  /** Names that tell where it has no other columns. */
  readonly loose?: RegExp;
  /** The schema in which the tool makes it; left out: that of the connection. */
  readonly schema?: string;
  /** It is nowhere else, and has no other name. */
  readonly fixed?: true;
  /** Older names of it. */
  readonly names?: readonly string[];
  /** A table in the same schema without which it is another tool's. */
  readonly beside?: string;
  /** A table in the same schema with which it is another tool's. */
  readonly notBeside?: string;
}

/** A table with the types of its columns. */
export interface Relation {
  readonly schema: string;
  readonly name: string;
  readonly columns: Readonly<Record<string, string>>;
  /** Whether its rows may be read, all of them. */
  readonly readable: boolean;
  /** A policy of the table may hide rows of it. */
  readonly hidden?: boolean;
  /** Its schema is where a name without a schema is made. */
  readonly current?: boolean;
  /** Columns that want a value of whoever writes a row. */
  readonly wants?: readonly string[];
  /** So few rows that looking at all of them costs nothing. */
  readonly small?: boolean;
  /** A service of the Supabase platform made it. */
  readonly platform?: boolean;
}

export type TextRow = Readonly<Record<string, string | null>>;

export interface ToolHistory {
  /** What is applied, in the order in which that happened, each once. */
  readonly rows: readonly ToolRow[];
  /** A history that has failed half-way: nothing can be built on it. */
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

export interface ToolRow {
  /** What a file can be known by: any of these. */
  readonly keys: readonly string[];
  /** For people; and the revision it becomes where there is no file. */
  readonly name: string;
  /** `null`: the tool keeps none. */
  readonly checksum: string | null;
  /** As the server writes it. */
  readonly at: string | null;
  readonly repeatable?: boolean;
  /** The tool has run something else that is not a file of migrations, or a program: a file is not to be missed. */
  readonly withoutFile?: boolean;
  readonly columns?: TextRow;
  /** Other names, too weak to match a file by; with a file of that name it is a question. */
  readonly aliases?: readonly string[];
}

export interface Match {
  readonly applied: readonly Applied[];
  /** Passed over by the tool, for good: it takes them for applied, and no row says that they ever ran. */
  readonly skipped: readonly string[];
  /** Rows that speak of no file. */
  readonly missing: readonly ToolRow[];
  readonly warnings: readonly Problem[];
}

export interface Applied {
  readonly id: string;
  /** `null`: it has none of its own, and a later one says so. */
  readonly row: ToolRow | null;
  /** The file is not what the tool ran. */
  readonly edited: boolean;
  /** Where a row says so of more than itself: what says that it is applied. */
  readonly implied?: Implied;
}

export interface Implied {
  /** Revisions, or names of rows without a file: each of them implies it. */
  readonly by: readonly string[];
  /** By their order alone, so that a file may slip in below; else by what the files say of each other. */
  readonly inLine: boolean;
}

/** Statements for the transaction of one step. */
export interface HistoryWriter {
  /** The table as the tool itself would make it, and the SQL for that. `keys`: of the files. `at`: as configured. */
  create(
    keys: readonly ToolKey[],
    at: { readonly schema: string | null; readonly name: string } | null,
  ): { readonly table: Relation; readonly sql: string };
  /** A query that gives a row where the tool has been there already. */
  present(table: Relation, step: MirroredStep): string | null;
  /**
   * Where one row stands for many migrations: a query that gives a row where the tool has come to something that was not
   * there when this run looked (`seen`, by name), and that our ledger does not know. What that implies it has applied too.
   */
  moved?(table: Relation, step: MirroredStep, seen: readonly string[]): string;
  /**
   * For a tool that neither locks nor has a key that would stop it from applying one a second time: tells by what the other
   * sessions are doing whether it is about to.
   */
  readonly intruder?: {
    /** Sessions (`pid`) that have just read the table, and may begin to apply what they did not find in it. */
    readers(table: Relation): string;
    /** A query that gives a row where one of them is carrying out this very step. */
    atWork(table: Relation, step: MirroredStep): string;
  };
  /** After the ledger's own row was written or taken away. */
  up(table: Relation, step: MirroredStep): string;
  down(table: Relation, step: MirroredStep): string;
  /**
   * Instead of `down` where a person says that one is not there, for a tool whose rows stand for more than themselves. The
   * table may have gone its own way since, so nothing follows from what else our ledger has.
   */
  forget?(table: Relation, step: MirroredStep & { readonly parents: readonly string[] }): string;
  /** Another text of an applied file counts from now on; for a tool that compares texts. */
  accept?(table: Relation, step: MirroredStep): string;
  /** Gives the row of the revision `from` the name of this file, for a tool that knows files by their names: its place stays. */
  rename?(table: Relation, step: MirroredStep, from: string): string;
  /** Its rows hold what only its own files have, such as a checksum that it compares or goes by. */
  readonly ownFiles?: true;
  /** Refuses files that it cannot keep in step with. */
  check?(migrations: readonly Migration[]): Problem | null;
}

export interface MirroredStep {
  readonly revision: string;
  /** `null`: its file is gone. */
  readonly key: ToolKey | null;
  /** The file's text, upwards, as it lies there. */
  readonly text: string | null;
  /** Our own history, quoted: for tools whose rows say what stands on what. */
  readonly ledger: string;
}

export function nameOf({ schema, name }: Pick<Relation, "schema" | "name">): string {
  return `${identifier(schema)}.${identifier(name)}`;
}

/** For people. */
export function describeTable({ schema, name }: Pick<Relation, "schema" | "name">): string {
  return `${schema}.${name}`;
}

export const TEXT = /^(text|character varying)/;
export const INTEGER = /^(integer|bigint|numeric|smallint)/;
export const BOOLEAN = /^boolean$/;

/** Columns as text under their own names; those that are not there as null. */
export function selectText(table: Relation, columns: readonly string[], rest: string): string {
  const list = columns.map((column) =>
    table.columns[column] === undefined
      ? `null::text as ${identifier(column)}`
      : `t.${identifier(column)}::text as ${identifier(column)}`,
  );
  return `select ${list.join(", ")} from ${nameOf(table)} t ${rest}`;
}

/** A problem of a history that nothing can be built on. */
export function failed(message: string, hint: string): Problem {
  return { code: "ADOPT_FAILED_HISTORY", message, hint: `${hint} Then run again. Nothing was changed.` };
}

export function history(rows: readonly ToolRow[]): ToolHistory {
  return { rows, problems: [], warnings: [] };
}
