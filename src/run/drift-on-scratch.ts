/**
 * Drift by the files, and the statements that undo or adopt it. Both need a scratch server: what is applied is applied there.
 *
 *   the files that are applied ─► scratch ─┬─► compared with the database (`--files`)
 *                                          └─► statements from the database to it, and back, proven there (`--sql`)
 *
 * A snapshot is data, and no statements come of it. So without `--files` the scratch has to be what was kept: if it is not,
 * there are no statements, and the reason names what differs. Nothing is carried out in the database.
 */
import { identifier, literal } from "../core/sql/quote.ts";
import type { Connection } from "../database/connection.ts";
import type { Scratch } from "../database/embedded/scratch.ts";
import { differencesBetween } from "../diff/judge.ts";
import { PlanRefused } from "../errors.ts";
import { describeDifference, type SchemaDifference } from "../schema/compare.ts";
import { ignoredBy } from "../schema/ignore.ts";
import type { SchemaSnapshot } from "../schema/snapshot.ts";
import { currentSchema, differencesIn, driftIn, type FoundSchema } from "./catalog/kept-schema.ts";
import { type DriftStatement, wayOf } from "./drift-statements.ts";
import { diffStates } from "./schema-diff.ts";
import { giveOwners } from "./scratch-owners.ts";
import { giveSearchPath, searchPathOf } from "./scratch-path.ts";
import { runWithRoles } from "./scratch-roles.ts";
import type { Target } from "./session/target.ts";

export interface DriftParts {
  readonly openScratch: (major: number) => Promise<Scratch>;
  /** Applies these of the files, and no others, to the empty database of the URL. */
  readonly apply: (url: string, revisions: ReadonlySet<string>) => Promise<void>;
  /** One more session of the database. */
  readonly open: () => Promise<Connection>;
}

export interface DriftSql {
  /** What makes the schema again what it is compared with. */
  readonly undo: readonly DriftStatement[];
  /** The other way: what a migration would say that does what was done by hand. */
  readonly adopt: readonly DriftStatement[];
  /** What `undo` does not keep: columns, tables, and digits of a type. */
  readonly losses: readonly string[];
  /** What `adopt` does not keep. */
  readonly adoptLosses: readonly string[];
  /** What of `undo` may fail on a table that has rows, such as a column that becomes NOT NULL. */
  readonly failsOnRows: readonly string[];
  /** The same of `adopt`. */
  readonly adoptFailsOnRows: readonly string[];
  /** The version of PostgreSQL on which both were carried out and compared. `null`: there are none. */
  readonly provenOn: string | null;
  /** Why there are none. Empty: they are proven. */
  readonly unproven: readonly string[];
}

export interface Compared {
  readonly takenAt: Date | null;
  readonly differences: readonly SchemaDifference[];
  readonly ignored: number;
  readonly unmatched: readonly string[];
  readonly sql?: DriftSql;
}

export interface DriftAsked {
  readonly files: boolean;
  readonly sql: boolean;
  readonly parts: DriftParts;
  readonly revisions: ReadonlySet<string>;
  /** The role that has applied them. */
  readonly migrator: string;
}

export async function compareOnScratch(
  target: Target,
  connection: Connection,
  { files, sql, parts, revisions, migrator }: DriftAsked,
): Promise<Compared> {
  const patterns = target.settings.driftIgnore ?? [];
  const kept = files ? null : await driftIn(target, connection, patterns);
  if (kept !== null && kept.differences.length === 0) return withoutSchemas(kept);
  const major = Math.floor(connection.server.version / 10_000);
  await using scratch = await parts.openScratch(major);
  const start = kept?.schemas.start ?? (await currentSchema(target, connection));
  const other = kept?.schemas.kept ?? start;
  const path = await searchPathOf(connection, migrator);
  const apply = (url: string) => applyAs(migrator, { target, scratch, url, parts, revisions, path, other });
  const made = await snapshotOf(target, scratch, apply);
  const compared = kept ?? { takenAt: null, ...differencesIn({ kept: made, start }, patterns) };
  const found = withoutSchemas(compared);
  if (!sql || compared.differences.length === 0) return found;
  const unproven = whyNot({ kept: kept?.schemas.kept ?? made, made, patterns });
  if (unproven.length > 0) return { ...found, sql: { ...NO_SQL, unproven } };
  const { user } = connection.server;
  return {
    ...found,
    sql: await statements(target, { scratch, apply, open: parts.open, major, user, patterns }),
  };
}

const NO_SQL = {
  ...{ undo: [], adopt: [], losses: [], adoptLosses: [] },
  ...{ failsOnRows: [], adoptFailsOnRows: [], provenOn: null },
} as const;

function withoutSchemas({
  takenAt,
  differences,
  ignored,
  unmatched,
}: Omit<Compared, "sql"> & { readonly schemas?: FoundSchema }): Compared {
  return { takenAt, differences, ignored, unmatched };
}

/** The schema that the files make. */
async function snapshotOf(
  target: Target,
  scratch: Scratch,
  apply: (url: string) => Promise<void>,
): Promise<SchemaSnapshot> {
  await scratch.create("files");
  await using connection = await scratch.open("files");
  await runWithRoles(connection, () => apply(scratch.urlOf("files")));
  return await currentSchema(target, connection);
}

interface Applying {
  readonly target: Target;
  readonly scratch: Scratch;
  readonly url: string;
  readonly parts: DriftParts;
  readonly revisions: ReadonlySet<string>;
  /** The `search_path` of the user on the target. */
  readonly path: string;
  /** What is compared with what they make. */
  readonly other: SchemaSnapshot;
}

/** Under the name of the user who applied them in the database: privileges may name that one. Owners are those that the files name. */
async function applyAs(
  user: string,
  { target, scratch, url, parts, revisions, path, other }: Applying,
): Promise<void> {
  // The one schema of the database that is the target is there before its migrations.
  const { schema = null, role } = target.settings;
  const own = new URL(url);
  if (user !== decodeURIComponent(own.username)) {
    await using connection = await scratch.open("postgres");
    const { rows } = await connection.query(
      `select from pg_catalog.pg_roles where rolname = ${literal(user)}`,
    );
    if (rows.length === 0) await connection.execute(`create role ${identifier(user)}`);
    const password = literal(decodeURIComponent(own.password));
    await connection.execute(`alter role ${identifier(user)} superuser login password ${password}`);
    own.username = encodeURIComponent(user);
  }
  const database = decodeURIComponent(own.pathname.slice(1));
  await giveSearchPath(scratch, { database, role: user, path });
  if (schema !== null) {
    await using connection = await scratch.open(database);
    await connection.execute(
      `create schema if not exists ${identifier(schema)} authorization ${identifier(user)}`,
    );
  }
  await parts.apply(own.href, revisions);
  await using connection = await scratch.open(database);
  const made = await currentSchema(target, connection);
  await giveOwners(connection, { made, other, makers: role === null ? [user] : [user, role] });
}

interface Sides {
  readonly kept: SchemaSnapshot;
  readonly made: SchemaSnapshot;
  readonly patterns: readonly string[];
}

function whyNot({ kept, made, patterns }: Sides): readonly string[] {
  const isIgnored = ignoredBy(patterns, [kept, made]);
  return differencesBetween(kept, made)
    .differences.filter((one) => !isIgnored(one))
    .map((one) => `What the files make is not what was kept: ${describeDifference(one, 80)}`);
}

interface Diffing {
  readonly scratch: Scratch;
  readonly apply: (url: string) => Promise<void>;
  readonly open: DriftParts["open"];
  readonly major: number;
  readonly user: string;
  readonly patterns: readonly string[];
}

async function statements(
  target: Target,
  { scratch, apply, open, major, user, patterns }: Diffing,
): Promise<DriftSql> {
  const close = async () => {};
  try {
    const { statements, back, provenOn } = await diffStates({
      from: { kind: "database", name: "the database", open },
      to: { kind: "migrations", name: "the migrations", run: apply, givesOwners: true },
      openScratch: async () => ({ ...scratch, close, [Symbol.asyncDispose]: close }),
      ...{ major, exclude: [], renames: [], ledgerSchema: target.ledger.schema, keeps: true },
    });
    const undo = await wayOf({ scratch, from: "present", statements, user, patterns });
    const adopt = await wayOf({ scratch, from: "desired", statements: back, user, patterns });
    const unproven = [...undo.unproven, ...adopt.unproven];
    if (unproven.length > 0) return { ...NO_SQL, unproven };
    return {
      ...{ undo: undo.statements, adopt: adopt.statements },
      ...{ losses: undo.losses, adoptLosses: adopt.losses },
      ...{ failsOnRows: undo.failsOnRows, adoptFailsOnRows: adopt.failsOnRows },
      ...{ provenOn, unproven },
    };
  } catch (error) {
    if (!(error instanceof PlanRefused)) throw error;
    return { ...NO_SQL, unproven: error.problems.map(({ message }) => message) };
  }
}
