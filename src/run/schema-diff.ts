/**
 * `godwit diff` and `godwit new --autogenerate`: the statements from one state of a schema to another, and back.
 *
 *   from ─► scratch database "present" ─┬─► its copy ─► the statements are found and carried out ─► equal to "desired"?
 *   to ───► scratch database "desired" ─┘       └─────► the way back, likewise            ─► equal to "present"?
 *
 * Everything happens on the scratch server. Databases that are named are only read.
 */
import { identifier } from "../core/sql/quote.ts";
import type { Connection } from "../database/connection.ts";
import type { Scratch } from "../database/embedded/scratch.ts";
import { diffSchemas, type SchemaDiff } from "../diff/diff.ts";
import type { RenameHint } from "../diff/hints.ts";
import { differencesBetween } from "../diff/judge.ts";
import { loadSchema, type SchemaFile } from "../diff/load.ts";
import { lossesOf } from "../diff/losses.ts";
import { readingOf, readSchema } from "../diff/reading.ts";
import { reasonOf } from "../diff/reasons.ts";
import { turned } from "../diff/renames.ts";
import type { DiffStatement } from "../diff/statement.ts";
import { DatabaseError, PlanRefused } from "../errors.ts";
import { describeDifference, type SchemaDifference } from "../schema/compare.ts";
import { type SchemaSnapshot, takeSnapshot } from "../schema/snapshot.ts";
import { ALL, copySchema } from "./database-copy.ts";
import { ensureRoles, messageOf, runWithRoles } from "./scratch-roles.ts";

/** A state of a schema, and how it is made in an empty database. */
export type SchemaState =
  | { readonly kind: "files"; readonly name: string; readonly files: readonly SchemaFile[] }
  | { readonly kind: "database"; readonly name: string; readonly open: () => Promise<Connection> }
  | { readonly kind: "migrations"; readonly name: string; readonly run: (url: string) => Promise<void> };

export interface SchemaDiffInput {
  readonly from: SchemaState;
  readonly to: SchemaState;
  readonly openScratch: (major: number | undefined) => Promise<Scratch>;
  /** The major version of the configured database. `undefined`: it is not known. */
  readonly major: number | undefined;
  /** Tables that are in no comparison: `name`, `schema.name`, with `*`. */
  readonly exclude: readonly string[];
  /** The schema of our own tables. */
  readonly ledgerSchema: string;
  readonly renames: readonly RenameHint[];
}

export interface SchemaDiffReport {
  readonly from: string;
  readonly to: string;
  readonly statements: readonly DiffStatement[];
  /** The way back. */
  readonly back: readonly DiffStatement[];
  /** `false`: a statement takes effect only when its transaction has ended, and a later one needs it. */
  readonly transaction: boolean;
  /** Tables and columns whose data the statements do not keep. */
  readonly losses: readonly string[];
  /** The same of the way back. */
  readonly backLosses: readonly string[];
  /** What nobody need act on, but should know. */
  readonly notes: readonly string[];
  /** The version of PostgreSQL on which it was proven. */
  readonly provenOn: string;
}

/** Throws `PlanRefused` `DIFF_UNPROVEN`: no statements were found that make one of the other. */
export async function diffStates(input: SchemaDiffInput): Promise<SchemaDiffReport> {
  const { from, to, renames } = input;
  await using scratch = await input.openScratch(input.major);
  const { insteadOf } = scratch;
  const notes =
    insteadOf === null
      ? []
      : [`The database is PostgreSQL ${insteadOf}, of which no scratch server is installed.`];
  const server: Stage = { scratch, input, notes };
  const owner = await userOf(from);
  await build(server, { database: "present", state: from, owner });
  await build(server, { database: "desired", state: to, owner });
  await Promise.all(["copy", "replay"].map((name) => scratch.create(name, { template: "present" })));
  await using present = await scratch.open("present");
  await using desired = await scratch.open("desired");
  await using copy = await scratch.open("copy");
  await using replay = await scratch.open("replay");
  for (const one of [copy, replay]) await one.execute(`set role ${identifier(owner)}`);
  const [start, end] = await Promise.all([readSchema(present, ALL), readSchema(desired, ALL)]);
  const [before, after] = [start.snapshot, end.snapshot];
  const options = { copy, compared: ALL, owner };
  const there = await diffSchemas({ ...options, desired, known: { present: start, desired: end }, renames });
  refuseUnproven(there, `from ${from.name} to ${to.name}`);
  const known = { present: readingOf(copy, there.reached), desired: start };
  const back = await diffSchemas({ ...options, desired: present, known, renames: turned(renames) });
  refuseUnproven(back, `the way back, from ${to.name} to ${from.name}`);
  const transaction = {
    up: await replayed(replay, there.statements, after),
    down: await replayed(replay, back.statements, before),
  };
  return {
    ...{ from: from.name, to: to.name, statements: there.statements, back: back.statements },
    transaction: transaction.up && transaction.down,
    losses: lossesOf(there.statements, { from: there.renamed, to: after }),
    backLosses: lossesOf(back.statements, { from: back.renamed, to: before }),
    notes: [
      ...server.notes,
      ...there.otherOrder.map(
        (table) =>
          `The columns of ${table} are in another order: PostgreSQL adds a column at the end, and moves none.`,
      ),
    ],
    provenOn: scratch.version,
  };
}

/** A value of an enum is used in the transaction that has added it; and a statement that runs in no transaction. */
const NEEDS_OWN_TRANSACTION = ["55P04", "25001"];

/** Carries out what was found once more, as it will be carried out. Returns whether one transaction is enough. */
async function replayed(
  connection: Connection,
  statements: readonly DiffStatement[],
  goal: SchemaSnapshot,
): Promise<boolean> {
  const texts = statements.map(({ text }) => `${text};\n`);
  let inOne = true;
  try {
    await connection.execute(["begin;\n", ...texts, "commit"].join(""));
  } catch (error) {
    await connection.execute("rollback");
    if (!(error instanceof DatabaseError) || !NEEDS_OWN_TRANSACTION.includes(error.sqlState ?? ""))
      throw error;
    inOne = false;
    for (const text of texts) await connection.execute(text);
  }
  const { differences } = differencesBetween(await takeSnapshot(connection, ALL), goal);
  if (differences.length > 0) throw unproven(differences.map(describeDifference), "carried out once more");
  return inOne;
}

interface Stage {
  readonly scratch: Scratch;
  readonly input: SchemaDiffInput;
  readonly notes: string[];
}

interface Building {
  readonly database: string;
  readonly state: SchemaState;
  /** Who makes what files describe. */
  readonly owner: string;
}

const SUPERUSER = "postgres";

/** Who owns what is made without a word about it. */
async function userOf(state: SchemaState): Promise<string> {
  if (state.kind !== "database") return SUPERUSER;
  await using connection = await state.open();
  return connection.server.user;
}

async function build({ scratch, input, notes }: Stage, { database, state, owner }: Building): Promise<void> {
  await scratch.create(database);
  await using connection = await scratch.open(database);
  if (state.kind === "migrations") await runWithRoles(connection, () => state.run(scratch.urlOf(database)));
  await ensureRoles(connection, [owner]);
  if (state.kind === "files") {
    await connection.execute(`set role ${identifier(owner)}`);
    await loadSchema(connection, state.files);
    await connection.execute("reset all; reset role");
  }
  if (state.kind === "database") {
    await using live = await state.open();
    const { left, refused } = await copySchema(connection, live, { owner });
    if (refused !== null)
      throw unproven([`${refused.statement}: ${messageOf(refused.error)}`], `a copy of ${state.name}`);
    notes.push(...left.map((one) => `Not compared, because a copy lacks it: ${describeDifference(one)}`));
  }
  await leaveOut(connection, input);
}

/** Our own tables and those of the patterns are in neither database. */
async function leaveOut(connection: Connection, { exclude, ledgerSchema }: SchemaDiffInput): Promise<void> {
  if (ledgerSchema !== "public")
    await connection.execute(`drop schema if exists ${identifier(ledgerSchema)} cascade`);
  const patterns = [...exclude, ...(ledgerSchema === "public" ? OWN_TABLES : [])].map(asPattern);
  if (patterns.length === 0) return;
  const { rows } = await connection.query<{ readonly schema: string; readonly name: string }>(TABLES);
  for (const { schema, name } of rows)
    if (patterns.some((pattern) => pattern.test(name) || pattern.test(`${schema}.${name}`)))
      await connection.execute(`drop table if exists ${identifier(schema)}.${identifier(name)} cascade`);
}

const OWN_TABLES = ["migration_*"];
const TABLES = `select n.nspname::text as schema, c.relname::text as name from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'`;

function asPattern(text: string): RegExp {
  return new RegExp(
    `^${text
      .split("*")
      .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
      .join(".*")}$`,
  );
}

function refuseUnproven({ left, refused }: SchemaDiff, what: string): void {
  if (refused !== null) throw unproven([`${refused.statement}: ${messageOf(refused.error)}`], what);
  if (left.length > 0) throw unproven(left.map(described), what);
}

function described(difference: SchemaDifference): string {
  const reason = reasonOf(difference);
  return `${describeDifference(difference)}${reason === null ? "" : ` (${reason})`}`;
}

function unproven(left: readonly string[], what: string): PlanRefused {
  const [first = "", ...more] = left;
  const others = more.length === 0 ? "" : ` (and ${more.length} more)`;
  return new PlanRefused([
    {
      code: "DIFF_UNPROVEN",
      message: `No statements were found that are proven (${what}). What is left: ${first}${others}`,
      hint: "Write the migration by hand. Where a table is what is left, --exclude leaves it out.",
      details: { left },
    },
  ]);
}
