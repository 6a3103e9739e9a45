/**
 * One direction of a migration, read for the rules. Each statement is parsed by itself, so that one that cannot be parsed
 * hides no other.
 */
import type { RangeVar } from "libpg-query";
import type { Direction, Migration, MigrationSettings } from "../core/migration.ts";
import { analyse } from "../core/sql/analyse.ts";
import { classify, type StatementKind } from "../core/sql/classify.ts";
import { type Statement, splitStatements } from "../core/sql/statements.ts";
import { windowMarks } from "../core/sql/window.ts";
import type { Parse } from "./parser.ts";
import { mayBeSame, type Tree, treeOf } from "./tree.ts";

export interface Script {
  readonly migration: Migration;
  readonly direction: Direction;
  /** The layout of the folder. */
  readonly layout: string;
  readonly file: string;
  readonly text: string;
  /** The line of the file on which the text starts, from 1. */
  readonly line: number;
  readonly settings: MigrationSettings;
  /** What earlier migrations of the same run create. Nobody uses it yet. */
  readonly createdBefore: readonly RangeVar[];
  /** These and what it creates itself, by name. */
  readonly created: ReadonlyMap<string, readonly RangeVar[]>;
  /** It runs in one transaction. `false`: each statement is committed by itself. */
  readonly transactional: boolean;
  /** It begins and ends transactions itself, as its tool lets it. */
  readonly ownTransactions: boolean;
  readonly statements: readonly ReadStatement[];
  /** The text as others can read it, of the same length: what was not understood is blank. */
  readonly readable: string;
}

export interface ReadStatement extends Statement {
  readonly kind: StatementKind;
  /** Empty if the statement was not understood. */
  readonly tree: Tree;
  /** Why it was not understood. `null`: it was. */
  readonly unread: string | null;
}

/** The tree of a longer one takes more memory than a run should. Only data is that long. */
const LONGEST_STATEMENT = 256 * 1024;

export interface ScriptText
  extends Omit<Script, "statements" | "transactional" | "readable" | "created" | "ownTransactions"> {
  /** BEGIN and COMMIT in it mean what they say. */
  readonly mayOwnTransactions: boolean;
}

export function readScript(given: ScriptText, parse: Parse): Script {
  const { text, settings, migration } = given;
  const shown = withoutCopyData(text);
  const isBackfill = migration.backfill !== undefined && given.direction === "up";
  const statements = splitStatements(shown).map((statement): ReadStatement => {
    const kind = classify(statement);
    const read = isBackfill ? withoutMarks(statement.text) : statement.text;
    const tree = isReadable(kind, read) ? parse(read) : null;
    return { ...statement, kind, tree: tree ?? {}, unread: tree === null ? whyNot(kind, read) : null };
  });
  const found = analyse(shown);
  const ownTransactions = given.mayOwnTransactions && found.transactionControl !== null;
  const hasSeveral = ownTransactions && !isOneBlock(statements);
  const needsOutside = found.outside !== null || found.usesNewEnumValue !== null || hasSeveral || isBackfill;
  const unread = statements.filter((statement) => statement.unread !== null);
  const marked = isBackfill ? withoutMarks(shown) : shown;
  const readable = withBlanks(marked, unread);
  const transactional = settings.transaction ?? !needsOutside;
  const created = byName([...given.createdBefore, ...createdIn({ statements })]);
  return { ...given, statements, readable, created, ownTransactions, transactional };
}

/** BEGIN is its first statement, COMMIT its last, and there is no other, as Sqitch writes files. */
function isOneBlock(statements: readonly ReadStatement[]): boolean {
  const controls = statements.filter(({ kind }) => kind.kind === "transaction-control");
  return controls.length === 2 && controls[0] === statements[0] && controls[1] === statements.at(-1);
}

/** Of the same length, with these ranges blank. They are in order. */
export function withBlanks(
  text: string,
  ranges: readonly { readonly start: number; readonly end: number }[],
): string {
  const parts: string[] = [];
  let done = 0;
  for (const { start, end } of ranges) {
    parts.push(text.slice(done, start), blank(text.slice(start, end)));
    done = end;
    // Without its statement it would be one that is empty.
    if (text[end] === ";") parts.push(blank(text.charAt(done++)));
  }
  return parts.join("") + text.slice(done);
}

/** The tables that a script creates. */
export function createdIn({ statements }: Pick<Script, "statements">): readonly RangeVar[] {
  return statements.flatMap(({ tree }) => createdBy(tree));
}

/** The same script where what earlier migrations create is there and in use. */
export function onTablesInUse(script: Script): Script {
  return { ...script, createdBefore: [], created: byName(createdIn(script)) };
}

/** By name, because a text may have many thousands of them. */
function byName(tables: readonly RangeVar[]): ReadonlyMap<string, readonly RangeVar[]> {
  const found = new Map<string, RangeVar[]>();
  for (const table of tables) {
    const known = found.get(table.relname ?? "");
    if (known === undefined) found.set(table.relname ?? "", [table]);
    else known.push(table);
  }
  return found;
}

/** The statement at an offset, or the one before it. They are in order. */
export function statementAt({ statements }: Script, offset: number): ReadStatement | undefined {
  let [low, high] = [0, statements.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((statements[middle]?.start ?? 0) <= offset) low = middle + 1;
    else high = middle;
  }
  return statements[low - 1];
}

/** Whether the script itself, or one before it in the same run, creates the table, so that nobody uses it yet. */
export function isCreatedHere(script: Script, table: RangeVar | undefined): boolean {
  if (table === undefined) return false;
  return script.created.get(table.relname ?? "")?.some((one) => mayBeSame(one, table)) === true;
}

function createdBy(tree: Tree): readonly RangeVar[] {
  const relations = [
    tree.CreateStmt?.relation,
    tree.CreateTableAsStmt?.into?.rel,
    tree.SelectStmt?.intoClause?.rel,
    treeOf(tree.CreateForeignTableStmt?.base as never).CreateStmt?.relation,
  ];
  return relations.filter((relation) => relation !== undefined);
}

function isReadable(kind: StatementKind, text: string): boolean {
  return kind.kind !== "psql-command" && kind.kind !== "copy-from-stdin" && text.length <= LONGEST_STATEMENT;
}

function whyNot(kind: StatementKind, text: string): string {
  if (kind.kind === "psql-command") return "a command of psql";
  if (kind.kind === "copy-from-stdin") return "COPY with its data";
  if (text.length > LONGEST_STATEMENT) return "a statement of more than 256 KB";
  return "a statement that PostgreSQL 18 does not parse";
}

/** Of the same length, with `true` in the place of `:window`. */
function withoutMarks(text: string): string {
  let read = text;
  for (const { start, end } of windowMarks(text))
    read = read.slice(0, start) + " true ".padEnd(end - start) + read.slice(end);
  return read;
}

const COPY_LINE = /^copy[ \t][^\n]*\bfrom[ \t]+stdin\b[^\n]*;[ \t]*\n/gim;
const END_OF_DATA = /^\\\.[ \t]*$/gm;

/** Of the same length. The rows behind `COPY … FROM stdin;`, as pg_dump writes them, are blank. */
function withoutCopyData(text: string): string {
  if (!/from[ \t]+stdin/i.test(text)) return text;
  const parts: string[] = [];
  let done = 0;
  COPY_LINE.lastIndex = 0;
  for (let copy = COPY_LINE.exec(text); copy !== null; copy = COPY_LINE.exec(text)) {
    END_OF_DATA.lastIndex = COPY_LINE.lastIndex;
    const end = END_OF_DATA.exec(text);
    if (end === null) break;
    const data = text.slice(COPY_LINE.lastIndex, END_OF_DATA.lastIndex);
    parts.push(text.slice(done, COPY_LINE.lastIndex), blank(data));
    done = END_OF_DATA.lastIndex;
    COPY_LINE.lastIndex = done;
  }
  return parts.join("") + text.slice(done);
}

/** Spaces in the place of everything but line breaks. */
function blank(text: string): string {
  return text.replace(/[^\n]/g, " ");
}
