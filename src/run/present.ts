/**
 * Makes the present schema of the target on the scratch server, from the target's catalog. What the ledger and the histories of
 * other tools say comes along. So the copy has what was changed by hand, and the engine plans there what it plans on the target.
 *
 * The target is only read: its catalogs, the rows of our tables without the locks, and those of tables with the columns of another
 * tool's history.
 */
import { literal, quotedName } from "../core/sql/quote.ts";
import type { Connection } from "../database/connection.ts";
import type { Scratch } from "../database/embedded/scratch.ts";
import { differencesBetween } from "../diff/judge.ts";
import { DatabaseError, Interrupted } from "../errors.ts";
import { LEDGER_TABLES } from "../ledger/damage-sql.ts";
import { whyNotRun } from "../rehearsal/unsafe.ts";
import { whole } from "../std/number.ts";
import { type CandidateRow, candidates, relationsOf } from "../tools/recognise.ts";
import { TOOLS } from "../tools/tools.ts";
import { currentSchema } from "./catalog/kept-schema.ts";
import { copySchema } from "./database-copy.ts";
import { type Gaps, gapsOf } from "./gaps.ts";
import { messageOf } from "./scratch-roles.ts";
import { withOneConnection } from "./session/connect.ts";
import type { RunContext, Target } from "./session/target.ts";

/** A copy of more takes minutes. On two busy cores: 4 s for 50 tables of ten columns, 11 s for 500, and 250 s for 5,000. */
const MOST_TABLES = 1000;
/** Of a target that is one schema of many: each of them would copy all of the database. */
const MOST_OF_SCHEMA = 100;

export interface ScratchDatabase {
  readonly scratch: Scratch;
  /** An empty one. */
  readonly database: string;
}

/** What the copy lacks; or why there is none. The database is then of no use any more. */
export async function copyPresent(
  target: Target,
  { scratch, database }: ScratchDatabase,
  context: RunContext,
): Promise<Gaps | { readonly because: string }> {
  try {
    return await withOneConnection(target, context, async (live) => {
      const most = target.settings.schema == null ? MOST_TABLES : MOST_OF_SCHEMA;
      const because = await whyNot(live, most);
      if (because !== null) return { because };
      if (live.capabilities.session) await live.execute("set default_transaction_read_only = on");
      await using copy = await scratch.open(database);
      const { left, desired } = await copySchema(copy, live, {
        owner: live.server.user,
        afterRefusal: "go on",
        isLeftOut: (text) => whyNotRun(text) !== null,
      });
      await copyLedger(copy, live, target);
      return await withNeighbours(live, gapsOf(left, desired));
    });
  } catch (error) {
    if (error instanceof Interrupted || context.signal.aborted) throw error;
    return { because: `its catalog could not be copied: ${messageOf(error)}` };
  }
}

/** How a database that was made in another way differs from the target, owners and privileges apart; or why it cannot be said. */
export async function gapsFrom(
  target: Target,
  { scratch, database }: ScratchDatabase,
  context: RunContext,
): Promise<Gaps | { readonly because: string }> {
  try {
    await using copy = await scratch.open(database, { signal: context.signal });
    const made = await currentSchema(target, copy);
    return await withOneConnection(target, context, async (live) => {
      const desired = await currentSchema(target, live);
      return withNeighbours(live, gapsOf(differencesBetween(made, desired).differences, desired));
    });
  } catch (error) {
    if (error instanceof DatabaseError && !context.signal.aborted)
      return { because: `how it differs from the target could not be read: ${messageOf(error)}` };
    throw error;
  }
}

/** With the tables that a missing view reads, a missing table refers to, or a missing partition belongs to: it stands in their way. */
async function withNeighbours(live: Connection, gaps: Gaps): Promise<Gaps> {
  if (gaps.absent.size === 0) return gaps;
  const { rows } = await live.query<{ readonly name: string }>(NEIGHBOURS, [[...gaps.absent]]);
  return { ...gaps, relations: new Set([...gaps.relations, ...rows.map(({ name }) => name)]) };
}

const NEIGHBOURS = `with absent as materialized (select c.oid from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where n.nspname || '.' || c.relname = any ($1))
select n.nspname || '.' || c.relname as name from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.oid in (select d.refobjid from pg_catalog.pg_rewrite r join pg_catalog.pg_depend d
    on d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass::pg_catalog.oid and d.objid = r.oid and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid
    where r.ev_class in (select oid from absent)
  union all select confrelid from pg_catalog.pg_constraint where contype = 'f' and conrelid in (select oid from absent)
  union all select inhparent from pg_catalog.pg_inherits where inhrelid in (select oid from absent))`;

async function whyNot(live: Connection, most: number): Promise<string | null> {
  if (!live.capabilities.spanning) return "this connection can read no catalog in one transaction";
  const { rows } = await live.query<{ readonly count: string }>(COUNT);
  const count = Number(rows[0]?.count);
  return count > most ? `a copy of ${whole(count)} tables would take too long` : null;
}

const COUNT = `select count(*)::pg_catalog.text as count from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'f') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'`;

/** The tables of the ledger that say what is done. Who holds a lock is of the target alone. */
const OURS = [
  ...LEDGER_TABLES,
  ...["migration_backfills", "migration_backfill_controls", "migration_backfill_ranges"],
];

interface Table {
  readonly schema: string;
  readonly name: string;
}

async function copyLedger(copy: Connection, live: Connection, { ledger }: Target): Promise<void> {
  const { rows } = await live.query<CandidateRow>(candidates(TOOLS, { anyName: true }));
  const isOurs = ({ schema, name }: Table) => schema === ledger.schema && OURS.includes(name);
  const ofTools = relationsOf(rows).filter((one) => one.readable && one.small === true && !isOurs(one));
  const tables = [...OURS.map((name) => ({ schema: ledger.schema, name })), ...ofTools];
  // Neither triggers nor foreign keys: what stands there was right.
  await copy.execute("set session_replication_role = replica");
  for (const table of tables) await copyRows(copy, live, table);
  await copy.execute("reset session_replication_role");
}

async function copyRows(copy: Connection, live: Connection, { schema, name }: Table): Promise<void> {
  const table = `${quotedName(schema)}.${quotedName(name)}`;
  const { rows: there } = await copy.query(
    `select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where n.nspname = ${literal(schema)} and c.relname = ${literal(name)}`,
  );
  if (there.length === 0) return;
  const { rows } = await live.query<{ readonly all: string | null }>(
    `select pg_catalog.json_agg(t)::pg_catalog.text as all from ${table} t`,
  );
  const all = rows[0]?.all ?? null;
  if (all === null) return;
  await copy.query(
    `insert into ${table} overriding system value select * from pg_catalog.json_populate_recordset(null::${table}, $1::pg_catalog.json)`,
    [all],
  );
}
