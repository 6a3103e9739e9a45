/**
 * The statements that make one schema of another, proven as they are found.
 *
 * Three rounds work on a copy of the present state, and each looks at what the one before has left:
 *
 *   before   our own statements where pg-delta would drop and make again, or get the order wrong
 *   delta    what pg-delta finds between the copy and the desired state
 *   after    our own statements for what pg-delta does not know
 *
 * At the end our comparison of the copy with the desired state says whether they are equal. The way back is the same the
 * other way round: the copy is then what the desired state was, and the present state is what is desired.
 */
import type { Connection } from "../database/connection.ts";
import { DatabaseError } from "../errors.ts";
import type { SchemaDifference } from "../schema/compare.ts";
import { type SchemaSnapshot, type SnapshotOptions, takeSnapshot } from "../schema/snapshot.ts";
import { AFTER } from "./after.ts";
import { BEFORE } from "./before.ts";
import { changesBetween, statementsBy } from "./change.ts";
import { deltaOf, rolesOf } from "./delta.ts";
import type { RenameHint } from "./hints.ts";
import { inlined } from "./inline.ts";
import { differencesBetween } from "./judge.ts";
import { numbersGoOn } from "./numbers.ts";
import { readingOf, readSchema, type SchemaReading } from "./reading.ts";
import { hintedRenames, renamedSchemas, sameUnderAnotherName } from "./renames.ts";
import { inTransaction } from "./savepoints.ts";
import { type DiffStatement, harmless } from "./statement.ts";
import { tidy } from "./tidy.ts";
import { carriedTogether, portionsOf } from "./together.ts";

export interface DiffInput {
  /** A database that has the present schema, and that nobody needs: the statements are carried out in it. */
  readonly copy: Connection;
  /** A database that has it, or what was read of one. */
  readonly desired: Connection | SchemaReading;
  /** What has been read of the copy, if it has. */
  readonly present?: SchemaReading | undefined;
  /** What is compared. */
  readonly compared: SnapshotOptions;
  readonly renames?: readonly RenameHint[] | undefined;
  /** Who owns what has no owner of its own. */
  readonly owner?: string | undefined;
  /** What becomes of the rest where the server refuses a statement. Default: nothing more is tried. */
  readonly afterRefusal?: "stop" | "go on" | undefined;
  /** The copy has an open transaction. Everything happens in it. */
  readonly isInTransaction?: boolean | undefined;
  /** Statements that are not carried out. */
  readonly isLeftOut?: ((text: string) => boolean) | undefined;
}

export interface SchemaDiff {
  /** In order. They have all been carried out in the copy. */
  readonly statements: readonly DiffStatement[];
  /** The schema before them, with the names that it has after them. What is gone from here is gone. */
  readonly renamed: SchemaSnapshot;
  /** The desired schema. */
  readonly desired: SchemaSnapshot;
  /** The schema after them. */
  readonly reached: SchemaSnapshot;
  /** What differs between the copy and the desired state after them. Empty: the statements are proven. */
  readonly left: readonly SchemaDifference[];
  /** The tables whose columns are the same, in another order. PostgreSQL adds a column at the end, and moves none. */
  readonly otherOrder: readonly string[];
  /** The statement that the server has refused in the copy, and why. Nothing behind it was tried. */
  readonly refused: { readonly statement: string; readonly error: unknown } | null;
}

/** Of partitions of partitions. */
const LEVELS = 5;
/** As long as an own statement after pg-delta makes another one possible. */
const ROUNDS_AFTER = 3;

export async function diffSchemas({
  copy: connection,
  desired,
  present: known,
  compared,
  renames = [],
  owner = connection.server.user,
  afterRefusal = "stop",
  isInTransaction = false,
  isLeftOut = () => false,
}: DiffInput): Promise<SchemaDiff> {
  const { writer: copy, reader } = isInTransaction
    ? inTransaction(connection)
    : { writer: connection, reader: connection };
  const end = "facts" in desired ? desired : await readSchema(desired, compared);
  const goal = end.snapshot;
  const look = () => takeSnapshot(reader, compared);
  const done: DiffStatement[] = [];
  const answer = (now: SchemaSnapshot, refused: SchemaDiff["refused"] = null): SchemaDiff => {
    const { differences, moved } = differencesBetween(now, goal);
    return {
      ...{ statements: done, renamed, desired: goal, reached: now },
      ...{ left: differences, otherOrder: moved, refused },
    };
  };

  // One that fails is tried again as long as others succeed: it may need them.
  const add = async (texts: readonly string[]) => {
    const before = done.length;
    let left = texts.filter((text) => !isLeftOut(text)).map(ownStatement);
    for (let tries = Number.POSITIVE_INFINITY; left.length < tries; ) {
      tries = left.length;
      const failed: DiffStatement[] = [];
      for (const portion of portionsOf(left, mayShare))
        if (await triedTogether(copy, portion)) done.push(...portion);
        else
          for (const statement of portion)
            if ((await tried(copy, statement.text)) === null) done.push(statement);
            else failed.push(statement);
      left = failed;
    }
    return done.length > before;
  };

  const start = known ?? (await readSchema(reader, compared));
  let first = start.snapshot;
  if (await add(renamedSchemas(renames, { from: first, to: goal }))) first = await look();
  if (await add(hintedRenames(renames, { from: first, to: goal }))) first = await look();
  // What belongs to something that is renamed is seen in the next round: the index of a partition, below that of its parent.
  let changes = changesBetween(first, goal);
  for (let round = 0; round < LEVELS; round++) {
    if (!(await add(sameUnderAnotherName(changes)))) break;
    first = await look();
    changes = changesBetween(first, goal);
  }
  const renamed = first;
  if (await add(statementsBy(BEFORE, changes))) first = await look();
  const present = done.length === 0 ? start : readingOf(reader, first);
  const [before, after] = await Promise.all([present.facts(), end.facts()]);
  const statements = await deltaOf(before, after, { owner, roles: await rolesOf(copy) });
  const tidied = tidy(statements, { snapshot: first, owner }).filter(({ text }) => !isLeftOut(text));
  const better = inlined(tidied, goal);
  if (better?.every(mayShare) && (await triedTogether(copy, better))) done.push(...better);
  else {
    const refused = await inTurn(copy, tidied, { done, afterRefusal });
    if (refused !== null) return answer(await look(), refused);
  }
  let now = await look();
  for (let round = 0; round < ROUNDS_AFTER; round++) {
    if (!(await add(statementsBy(AFTER, changesBetween(now, goal))))) break;
    now = await look();
  }
  for (const statement of numbersGoOn(done, { from: renamed, to: goal })) {
    const refused = await tried(copy, statement.text);
    if (refused !== null) return answer(now, refused);
    done.push(statement);
  }
  return answer(now);
}

async function tried(copy: Connection, text: string): Promise<SchemaDiff["refused"]> {
  try {
    await copy.execute(text);
    return null;
  } catch (error) {
    if (copy.lost.aborted) throw error;
    return { statement: text, error };
  }
}

/**
 * In their order, but a statement that misses something waits for those behind it: pg-delta does not know that the text of a function
 * names another one. What was carried out is added to `done`.
 */
async function inTurn(
  copy: Connection,
  statements: readonly DiffStatement[],
  { done, afterRefusal }: { readonly done: DiffStatement[]; readonly afterRefusal: "stop" | "go on" },
): Promise<SchemaDiff["refused"]> {
  let waiting: readonly DiffStatement[] = statements;
  for (;;) {
    const failed: {
      readonly statement: DiffStatement;
      readonly refused: NonNullable<SchemaDiff["refused"]>;
    }[] = [];
    for (const portion of portionsOf(waiting, mayShare)) {
      if (await triedTogether(copy, portion)) {
        done.push(...portion);
        continue;
      }
      for (const statement of portion) {
        const refused = await tried(copy, statement.text);
        if (refused === null) done.push(statement);
        else if (afterRefusal === "go on" || isMissing(refused.error)) failed.push({ statement, refused });
        else return failed[0]?.refused ?? refused;
      }
    }
    const [first] = failed;
    if (first === undefined) return null;
    if (failed.length === waiting.length) return afterRefusal === "go on" ? null : first.refused;
    waiting = failed.map(({ statement }) => statement);
  }
}

/** A function, a table, a column or another object is not there, or not yet. */
const MISSING = ["42883", "42P01", "42703", "42704"];

function isMissing(error: unknown): boolean {
  return error instanceof DatabaseError && MISSING.includes(error.sqlState ?? "");
}

function mayShare({ transaction }: DiffStatement): boolean {
  return transaction === "any";
}

async function triedTogether(copy: Connection, statements: readonly DiffStatement[]): Promise<boolean> {
  return carriedTogether(
    copy,
    statements.map(({ text }) => text),
  );
}

function ownStatement(text: string): DiffStatement {
  return text.startsWith("ALTER TYPE ") && text.includes(" ADD VALUE ")
    ? { text, transaction: "own", losesData: false }
    : harmless(text);
}
