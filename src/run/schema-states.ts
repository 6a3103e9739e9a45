/**
 * Both states of a diff, made on the scratch server: migrations are run, files are loaded, and a live database is copied.
 *
 * The copy begins as a copy of the other state, because the two are alike. What makes the one of the other is one way of the
 * diff, so it is found and proven here already. Where that is not enough, the copy is made from an empty database.
 *
 *   other state ─► scratch ─┬─► the first database
 *                           └─► its copy ─► statements to the live state ─► equal to it? ─► the second database
 */
import { identifier } from "../core/sql/quote.ts";
import type { Connection } from "../database/connection.ts";
import type { Scratch } from "../database/embedded/scratch.ts";
import { diffSchemas, type SchemaDiff } from "../diff/diff.ts";
import type { RenameHint } from "../diff/hints.ts";
import { putInOrder } from "../diff/in-order.ts";
import type { LeftOut } from "../diff/leave-out.ts";
import { loadSchema, type SchemaFile } from "../diff/load.ts";
import { isProven, unproven } from "../diff/proven.ts";
import { readSchema, readWithout, type SchemaReading } from "../diff/reading.ts";
import { turned } from "../diff/renames.ts";
import { rolesOf } from "../rehearsal/catalog.ts";
import { describeDifference } from "../schema/compare.ts";
import { ALL, copySchema } from "./database-copy.ts";
import { ensureRoles, messageOf, runWithRoles } from "./scratch-roles.ts";

/** A state of a schema, and how it is made in an empty database. */
export type SchemaState =
  | { readonly kind: "files"; readonly name: string; readonly files: readonly SchemaFile[] }
  | LiveState
  | { readonly kind: "migrations"; readonly name: string; readonly run: (url: string) => Promise<void> };

export interface LiveState {
  readonly kind: "database";
  readonly name: string;
  readonly open: () => Promise<Connection>;
}

export interface Stage {
  readonly scratch: Scratch;
  /** Who makes what files describe. */
  readonly owner: string;
  /** Tables that are in no comparison: `name`, `schema.name`, with `*`. */
  readonly exclude: readonly string[];
  /** The schema of our own tables. */
  readonly ledgerSchema: string;
  readonly notes: string[];
}

export interface Place {
  readonly database: string;
  readonly state: SchemaState;
}

/** They are in the databases `present` and `desired`, which nobody is connected to. */
export interface MadeStates {
  readonly present: SchemaReading;
  readonly desired: SchemaReading;
  /** The ways that are known already. */
  readonly there: SchemaDiff | null;
  readonly back: SchemaDiff | null;
}

const SUPERUSER = "postgres";

/** Who owns what is made without a word about it. */
export async function userOf(state: SchemaState): Promise<string> {
  if (state.kind !== "database") return SUPERUSER;
  await using connection = await state.open();
  return connection.server.user;
}

export interface Between {
  readonly from: SchemaState;
  readonly to: SchemaState;
  readonly renames: readonly RenameHint[];
}

export async function makeStates(stage: Stage, { from, to, renames }: Between): Promise<MadeStates> {
  const [present, desired] = [
    { database: "present", state: from },
    { database: "desired", state: to },
  ];
  if (to.kind === "database") {
    const second = { database: "desired", state: to };
    const alike = await makeAlike(stage, { first: present, second, renames, isStart: false });
    if (alike !== null) return { present: alike.first, desired: alike.second, there: alike.way, back: null };
  } else if (from.kind === "database") {
    const second = { database: "present", state: from };
    const alike = await makeAlike(stage, { first: desired, second, renames: turned(renames), isStart: true });
    if (alike !== null) return { present: alike.second, desired: alike.first, there: null, back: alike.way };
  } else for (const place of [present, desired]) await makeState(stage, place);
  const { scratch } = stage;
  return {
    present: await readOnce(scratch, "present"),
    desired: await readOnce(scratch, "desired"),
    there: null,
    back: null,
  };
}

async function readOnce(scratch: Scratch, database: string): Promise<SchemaReading> {
  await using connection = await scratch.open(database);
  return await withFacts(await readSchema(connection, ALL));
}

/** The connection is needed no more. */
async function withFacts({ snapshot, facts }: SchemaReading): Promise<SchemaReading> {
  const read = await facts();
  return { snapshot, facts: async () => read };
}

/** Makes the state in a new database. */
export async function makeState(stage: Stage, { database, state }: Place): Promise<void> {
  const { scratch, owner, notes } = stage;
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
  await leaveOut(connection, stage);
}

export interface Likeness {
  readonly first: Place;
  readonly second: { readonly database: string; readonly state: LiveState };
  /** From the first to the second. */
  readonly renames: readonly RenameHint[];
  /** The second is where the diff begins, so its columns have to be in their own order. */
  readonly isStart: boolean;
}

interface Alike {
  readonly first: SchemaReading;
  readonly second: SchemaReading;
  /** From the first to the second. */
  readonly way: SchemaDiff;
}

/** Makes both states. `null`: the first one does not lead to the second, which was copied as a whole. */
async function makeAlike(stage: Stage, { first, second, renames, isStart }: Likeness): Promise<Alike | null> {
  const { scratch, owner } = stage;
  const { database } = second;
  await using live = await second.state.open();
  const isOneMajor = Math.floor(live.server.version / 10_000) === scratch.major;
  const roles = [owner, ...(await rolesOf(live))];
  if (isStart) await makeRoles(scratch, roles);
  // Another server reads meanwhile. Where the first state cannot be made, that is what is told.
  const reading = isOneMajor ? readWithout(live, ALL, leftOutOf(stage)) : null;
  reading?.catch(() => {});
  await makeState(stage, first);
  await makeRoles(scratch, roles);
  const goal = await reading;
  if (goal !== null) {
    await scratch.create(database, { template: first.database });
    const made = await ledTo(stage, { database, goal, renames, isStart });
    if (made !== null) return made;
    await scratch.drop(database);
  }
  await makeState(stage, second);
  return null;
}

async function makeRoles(scratch: Scratch, names: readonly string[]): Promise<void> {
  await using connection = await scratch.open("postgres");
  await ensureRoles(connection, names);
}

interface Leading extends Pick<Likeness, "renames" | "isStart"> {
  readonly database: string;
  readonly goal: SchemaReading;
}

/** `null`: the database has become something else. */
async function ledTo(
  { scratch, owner }: Stage,
  { database, goal, renames, isStart }: Leading,
): Promise<Alike | null> {
  await using copy = await scratch.open(database);
  const first = await withFacts(await readSchema(copy, ALL));
  await copy.execute(`set role ${identifier(owner)}; begin`);
  const options = { copy, desired: goal, compared: ALL, owner };
  const way = await diffSchemas({ ...options, present: first, renames, isInTransaction: true });
  if (!isProven(way)) return null;
  await copy.execute("commit");
  const alike = { first, second: goal, way };
  const tables = way.otherOrder;
  if (!isStart || tables.length === 0) return alike;
  await copy.execute("set check_function_bodies = off");
  return (await putInOrder({ ...options, tables })) ? alike : null;
}

/** Our own tables and those of the patterns are in neither database. */
async function leaveOut(connection: Connection, stage: Stage): Promise<void> {
  const { ledgerSchema } = stage;
  if (ledgerSchema !== "public")
    await connection.execute(`drop schema if exists ${identifier(ledgerSchema)} cascade`);
  const { isTable } = leftOutOf(stage);
  const { rows } = await connection.query<{ readonly schema: string; readonly name: string }>(TABLES);
  for (const { schema, name } of rows)
    if (isTable(schema, name))
      await connection.execute(`drop table if exists ${identifier(schema)}.${identifier(name)} cascade`);
}

const OWN_TABLES = ["migration_*"];
const TABLES = `select n.nspname::text as schema, c.relname::text as name from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'`;

function leftOutOf({ exclude, ledgerSchema }: Stage): LeftOut {
  const isPublic = ledgerSchema === "public";
  const patterns = [...exclude, ...(isPublic ? OWN_TABLES : [])].map(asPattern);
  return {
    isSchema: (name) => !isPublic && name === ledgerSchema,
    isTable: (schema, name) =>
      patterns.some((pattern) => pattern.test(name) || pattern.test(`${schema}.${name}`)),
  };
}

function asPattern(text: string): RegExp {
  return new RegExp(
    `^${text
      .split("*")
      .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
      .join(".*")}$`,
  );
}
