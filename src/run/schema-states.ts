/**
 * Both states of a diff on the scratch server: migrations are run, files are loaded, and a live database is read in place.
 *
 * The two states are alike, so the live one is reached from the other. Then both ways are found at once, and no copy is made.
 * A copy is made where databases of both are needed, or where the majors differ: of the other state if that leads to it, else
 * from an empty database.
 */
import { identifier } from "../core/sql/quote.ts";
import type { Connection } from "../database/connection.ts";
import type { Scratch } from "../database/embedded/scratch.ts";
import { type BothWays, bothWays } from "../diff/both-ways.ts";
import { diffSchemas, type SchemaDiff } from "../diff/diff.ts";
import { withoutRows } from "../diff/emptied.ts";
import type { RenameHint } from "../diff/hints.ts";
import { putInOrder } from "../diff/in-order.ts";
import type { LeftOut } from "../diff/leave-out.ts";
import { loadSchema } from "../diff/load.ts";
import { unproven } from "../diff/proven.ts";
import { asReadBy, type LiveReading, readLive, readTogether, type SchemaReading } from "../diff/reading.ts";
import { turned } from "../diff/renames.ts";
import { rolesOf } from "../rehearsal/catalog.ts";
import { describeDifference } from "../schema/compare.ts";
import { ALL, copySchema } from "./database-copy.ts";
import type { LiveState, SchemaState } from "./schema-state.ts";
import { giveOwners } from "./scratch-owners.ts";
import { ensureRoles, messageOf, runWithRoles } from "./scratch-roles.ts";

export interface Stage {
  readonly scratch: Scratch;
  /** Who makes what files describe. */
  readonly owner: string;
  readonly leftOut: LeftOut;
  /** The database that is read in place, if there is one. */
  readonly live: Live | null;
  readonly notes: string[];
  /** Whether both states are needed as databases. */
  readonly keeps: boolean;
}

/** A database that is read while the scratch server starts and makes the other state. */
export interface Live extends AsyncDisposable {
  readonly state: LiveState;
  readonly connection: Connection;
  readonly roles: readonly string[];
  readonly reading: Promise<LiveReading>;
}

export interface StateDatabase {
  readonly database: string;
  readonly state: SchemaState;
}

export interface MadeStates {
  readonly present: SchemaReading;
  readonly desired: SchemaReading;
  /**
   * The ways, where the one state has led to the other. Then nothing more is needed, and the live state may be in no database.
   * `null`: the states are in the databases `present` and `desired`, which nobody is connected to.
   */
  readonly ways: { readonly there: SchemaDiff; readonly back: SchemaDiff } | null;
}

const SUPERUSER = "postgres";

/** Who owns what is made without a word about it: the user of the database that the statements begin in, or else of the other one. */
export async function userOf(from: SchemaState, live: Live | null): Promise<string> {
  if (from.kind !== "database" || from === live?.state) return live?.connection.server.user ?? SUPERUSER;
  await using connection = await from.open();
  return connection.server.user;
}

/** `null`: neither of them is a database. Of two it is the second, and the first is copied. */
export async function readInPlace({ from, to }: Ends, leftOut: LeftOut): Promise<Live | null> {
  const state = [to, from].find((one) => one.kind === "database");
  if (state === undefined) return null;
  const connection = await state.open();
  const roles = await rolesOf(connection);
  const reading = readLive(connection, ALL, leftOut);
  // Where something else fails first, that is what is told.
  reading.catch(() => {});
  return { state, connection, roles, reading, [Symbol.asyncDispose]: () => connection.close() };
}

type Ends = Pick<Between, "from" | "to">;

export interface Between {
  readonly from: SchemaState;
  readonly to: SchemaState;
  readonly renames: readonly RenameHint[];
}

export async function makeStates(stage: Stage, between: Between): Promise<MadeStates> {
  const { live, scratch } = stage;
  const { from, to, renames } = between;
  const [present, desired] = [
    { database: "present", state: from },
    { database: "desired", state: to },
  ];
  if (live === null) {
    await makeState(stage, present);
    await makeState(stage, desired);
  } else if (live.state === to) {
    const alike = await makeAlike(stage, { live, first: present, second: desired, renames, isTurned: false });
    if (alike !== null) {
      const { first, second, ways } = alike;
      return { present: first, desired: second, ways: ways && { there: ways.way, back: ways.back } };
    }
  } else {
    const way = { first: desired, second: present, renames: turned(renames), isTurned: true };
    const alike = await makeAlike(stage, { live, ...way });
    if (alike !== null) {
      const { first, second, ways } = alike;
      return { present: second, desired: first, ways: ways && { there: ways.back, back: ways.way } };
    }
  }
  return {
    present: await readOnce(scratch, "present"),
    desired: await readOnce(scratch, "desired"),
    ways: null,
  };
}

async function readOnce(scratch: Scratch, database: string): Promise<SchemaReading> {
  await using first = await scratch.open(database);
  await using second = await scratch.open(database);
  return await readTogether([first, second], ALL);
}

/** Makes the state in a new database. */
async function makeState(stage: Stage, { database, state }: StateDatabase): Promise<void> {
  const { scratch, owner, live, leftOut, notes } = stage;
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
    const known = state === live?.state ? live : null;
    await using opened = known === null ? await state.open() : null;
    const reading = (await known?.reading)?.whole;
    const source = known?.connection ?? opened;
    const { left, refused } = await copySchema(connection, source as Connection, { owner, reading });
    if (refused !== null)
      throw unproven([`${refused.statement}: ${messageOf(refused.error)}`], `a copy of ${state.name}`);
    notes.push(...left.map((one) => `Not compared, because a copy lacks it: ${describeDifference(one)}`));
  }
  await leaveOut(connection, leftOut);
}

/** Reads the state that was made, once all in it belongs to whom it belongs in the live database. */
async function readOwned(
  { scratch, owner }: Stage,
  { database, state }: StateDatabase,
  live: Live,
): Promise<SchemaReading> {
  const made = await readOnce(scratch, database);
  if (state.kind === "database" || (state.kind === "migrations" && state.givesOwners === true)) return made;
  const { whole } = await live.reading;
  const makers = [state.kind === "files" ? owner : SUPERUSER];
  const owners = { made: made.snapshot, other: whole.snapshot, makers, ofNew: owner };
  await using connection = await scratch.open(database);
  return (await giveOwners(connection, owners)) ? await readOnce(scratch, database) : made;
}

interface Likeness {
  readonly live: Live;
  readonly first: StateDatabase;
  /** Of the live database. */
  readonly second: StateDatabase;
  /** From the first to the second. */
  readonly renames: readonly RenameHint[];
  /** The diff begins with the second. */
  readonly isTurned: boolean;
}

interface Alike {
  readonly first: SchemaReading;
  readonly second: SchemaReading;
  readonly ways: BothWays | null;
}

/** `null`: the first state does not lead to the second, which was copied as a whole. */
async function makeAlike(stage: Stage, likeness: Likeness): Promise<Alike | null> {
  const { live, first, second, isTurned } = likeness;
  const { scratch, owner } = stage;
  const roles = [owner, ...live.roles];
  if (isTurned) await makeRoles(scratch, roles);
  await makeState(stage, first);
  await makeRoles(scratch, roles);
  const present = await readOwned(stage, first, live);
  const goal = (await live.reading).rest;
  // What goes wrong here is of no interest where the second state can be made in the other way.
  const made = goal && (await ledTo(stage, { ...likeness, goal, present }).catch(() => null));
  if (made) return made;
  await makeState(stage, second);
  return null;
}

async function makeRoles(scratch: Scratch, names: readonly string[]): Promise<void> {
  await using connection = await scratch.open("postgres");
  await ensureRoles(connection, names);
}

interface Leading extends Likeness {
  /** The first state, and the second one, which it is to lead to. */
  readonly present: SchemaReading;
  readonly goal: SchemaReading;
}

/** `null`: it leads to something else. */
async function ledTo(stage: Stage, { goal, present: first, ...likeness }: Leading): Promise<Alike | null> {
  const { scratch, owner, keeps } = stage;
  const { renames, isTurned } = likeness;
  const [here, there] = [first.snapshot.server, goal.snapshot.server];
  const isOneMajor = Math.floor(here / 10_000) === Math.floor(there / 10_000);
  if (isOneMajor && !keeps) {
    await using connection = await scratch.open(likeness.first.database);
    const ways = await bothWays({
      ...{ connection, first, second: goal, renames, compared: ALL, owner, isTurned },
    });
    return ways && { first, second: goal, ways };
  }
  const made = { first: likeness.first.database, second: likeness.second.database };
  await scratch.create(made.second, { template: made.first });
  const desired = isOneMajor ? goal : await asReadBy(goal, here);
  const isThere = await makeInPlace(stage, { ...likeness, database: made.second, first, desired }).catch(
    () => false,
  );
  if (!isThere) {
    await scratch.drop(made.second);
    return null;
  }
  // Majors write one text in several ways: what makes the one of the other would change what is equal.
  const second = isOneMajor ? goal : await readOnce(scratch, made.second);
  return { first, second, ways: null };
}

interface InPlace extends Pick<Likeness, "renames" | "isTurned"> {
  /** It has the first state. */
  readonly database: string;
  readonly first: SchemaReading;
  readonly desired: SchemaReading;
}

/** `false`: the database is now something else. */
async function makeInPlace(
  { scratch, owner }: Stage,
  { database, first, desired, renames, isTurned }: InPlace,
): Promise<boolean> {
  await using copy = await scratch.open(database);
  await copy.execute(`set role ${identifier(owner)}; set check_function_bodies = off`);
  if (isTurned) await withoutRows(copy);
  const options = { copy, desired, owner, compared: ALL };
  const way = await diffSchemas({ ...options, present: first, renames });
  if (way.refused !== null || way.left.length > 0) return false;
  const tables = way.otherOrder;
  return !isTurned || tables.length === 0 || (await putInOrder({ ...options, tables }));
}

/** Our own tables and those of the patterns are in neither database. */
async function leaveOut(connection: Connection, { isSchema, isTable }: LeftOut): Promise<void> {
  const schemas = await connection.query<{ readonly name: string }>(SCHEMAS);
  for (const { name } of schemas.rows)
    if (isSchema(name)) await connection.execute(`drop schema ${identifier(name)} cascade`);
  const tables = await connection.query<{ readonly schema: string; readonly name: string }>(TABLES);
  for (const { schema, name } of tables.rows)
    if (isTable(schema, name))
      await connection.execute(`drop table if exists ${identifier(schema)}.${identifier(name)} cascade`);
}

const SCHEMAS = "select nspname::text as name from pg_catalog.pg_namespace";
const TABLES = `select n.nspname::text as schema, c.relname::text as name from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'`;

const OWN_TABLES = ["migration_*"];

/** `exclude`: tables, as `name` or `schema.name`, with `*`. Our own are in the schema of the ledger. */
export function leftOutOf(exclude: readonly string[], ledgerSchema: string): LeftOut {
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
