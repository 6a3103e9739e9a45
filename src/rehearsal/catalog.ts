/** What is asked of the scratch server: its relations, and the locks of one session. */
import type { Connection } from "../database/connection.ts";
import { type LockMode, modeOf } from "./lock-modes.ts";
import type { RelationKind, SeenRelation } from "./seen.ts";

export interface Relation extends SeenRelation {
  readonly oid: string;
  readonly file: string;
  /** `false` only for an index that the server does not use. */
  readonly valid: boolean;
  /** Of an index or a TOAST table: the oid of its table. */
  readonly owner: string | null;
  readonly isToast: boolean;
  /** The oids of the tables whose partition or child it is. */
  readonly parents: readonly string[];
  /** How often the session has read it as a whole in its transaction. */
  readonly scans: number;
}

export type Relations = ReadonlyMap<string, Relation>;

/** As the session sees them, with what its open transaction has made. */
export async function relationsOf(connection: Connection): Promise<Relations> {
  const { rows } = await connection.query<Row>(RELATIONS);
  return relationsIn(rows);
}

/** What a session sees of itself: its locks, and the relations that it has locked, with their indexes and TOAST tables. */
export interface OwnLocks {
  readonly locks: readonly HeldLock[];
  readonly relations: Relations;
}

export async function ownLocksOf(connection: Connection): Promise<OwnLocks> {
  const { rows } = await connection.query<OwnLocksRow>(LOOK);
  const [row] = rows;
  return {
    locks: locksIn(JSON.parse(row?.locks ?? "null") ?? []),
    relations: relationsIn(JSON.parse(row?.relations ?? "null") ?? []),
  };
}

interface OwnLocksRow extends Record<string, unknown> {
  /** In JSON. */
  readonly locks: string | null;
  readonly relations: string | null;
}

function relationsIn(rows: readonly Row[]): Relations {
  return new Map(
    rows.map((row) => [
      row.oid,
      {
        oid: row.oid,
        schema: row.schema,
        name: row.name,
        kind: KINDS[row.kind] ?? "other",
        table: row.table,
        file: row.file,
        valid: row.valid,
        owner: row.owner,
        isToast: row.kind === "t" || row.toast_index,
        parents: row.parents === null ? [] : row.parents.split(" "),
        scans: Number(row.scans),
      },
    ]),
  );
}

interface Row extends Record<string, unknown> {
  readonly oid: string;
  readonly schema: string;
  readonly name: string;
  readonly kind: string;
  readonly file: string;
  readonly valid: boolean;
  readonly owner: string | null;
  readonly table: string | null;
  readonly toast_index: boolean;
  readonly scans: string;
  readonly parents: string | null;
}

const KINDS: Readonly<Record<string, RelationKind>> = {
  r: "table",
  p: "table",
  t: "table",
  i: "index",
  I: "index",
  S: "sequence",
  v: "view",
  m: "materialized view",
  f: "foreign table",
};

/** Objects of the user's have numbers from 16384 on. */
const RELATIONS = `select c.oid::pg_catalog.text as oid, n.nspname as schema, c.relname as name, c.relkind::pg_catalog.text as kind,
  c.relfilenode::pg_catalog.text as file, coalesce(i.indisvalid, true) as valid,
  coalesce(i.indrelid, o.oid)::pg_catalog.text as owner, t.relname as table, coalesce(t.relkind = 't', false) as toast_index,
  h.parents,
  case when c.relkind in ('r', 'm') then pg_catalog.pg_stat_get_xact_numscans(c.oid) else 0 end::pg_catalog.text as scans
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
left join pg_catalog.pg_index i on i.indexrelid = c.oid
left join pg_catalog.pg_class t on t.oid = i.indrelid
left join pg_catalog.pg_class o on c.relkind = 't' and o.reltoastrelid = c.oid
left join (select inhrelid, pg_catalog.string_agg(inhparent::pg_catalog.text, ' ') as parents from pg_catalog.pg_inherits group by 1) h
  on h.inhrelid = c.oid
where c.oid >= 16384 and c.relkind <> 'c'`;

export interface HeldLock {
  readonly oid: string;
  readonly mode: LockMode;
  readonly granted: boolean;
  /** The name of a table of the server itself, such as `pg_class`. `null`: it is one of the user's. */
  readonly ofServer: string | null;
}

/** The locks on relations that a session has, and the one that it waits for. Of the server's own only those that keep others away. */
export async function locksOf(observer: Connection, pid: number): Promise<readonly HeldLock[]> {
  const { rows } = await observer.query<LockRow>(locksBy("$1"), [pid]);
  return locksIn(rows);
}

interface LockRow extends Record<string, unknown> {
  readonly oid: string;
  readonly mode: string;
  readonly granted: boolean;
  readonly ofServer: string | null;
}

function locksIn(rows: readonly LockRow[]): readonly HeldLock[] {
  return rows.flatMap((row) => {
    const mode = modeOf(row.mode);
    return mode === undefined ? [] : [{ oid: row.oid, mode, granted: row.granted, ofServer: row.ofServer }];
  });
}

const locksBy = (pid: string) => `select l.relation::pg_catalog.text as oid, l.mode, l.granted,
  case when l.relation < 16384 then l.relation::pg_catalog.regclass::pg_catalog.text end as "ofServer"
from pg_catalog.pg_locks l
where l.pid = ${pid} and l.locktype = 'relation'
  and l.database in (0, (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database()))
  and (l.relation >= 16384 or l.mode in ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'))`;

const LOOK = `with held as materialized (${locksBy("pg_catalog.pg_backend_pid()")}),
locked as materialized (select oid::pg_catalog.oid as oid from held)
select (select pg_catalog.json_agg(held) from held)::pg_catalog.text as locks,
  (select pg_catalog.json_agg(r) from (${RELATIONS} and (c.oid in (select oid from locked)
    or i.indrelid in (select oid from locked) or o.oid in (select oid from locked))) r)::pg_catalog.text as relations`;

/** What a session waits for. */
export interface Wait {
  /** The relation that it wants to lock. `null`: it waits for the end of a transaction. */
  readonly oid: string | null;
  readonly mode: LockMode | null;
  /** The prepared transactions that have locks on that relation, or whose end it waits for. */
  readonly prepared: readonly { readonly name: string; readonly mode: LockMode | null }[];
  /** The sessions in its way. */
  readonly blockers: readonly number[];
}

export async function waitOf(observer: Connection, pid: number): Promise<Wait | null> {
  const { rows } = await observer.query<WaitRow>(WAIT, [pid]);
  const [row] = rows;
  if (row === undefined) return null;
  const prepared = rows.flatMap(({ gate, held }) =>
    gate === null ? [] : [{ name: gate, mode: held === null ? null : (modeOf(held) ?? null) }],
  );
  return { oid: row.oid, mode: modeOf(row.mode) ?? null, prepared, blockers: row.blockers };
}

interface WaitRow extends Record<string, unknown> {
  readonly oid: string | null;
  readonly mode: string;
  readonly gate: string | null;
  readonly held: string | null;
  readonly blockers: readonly number[];
}

/**
 * A prepared transaction is found by the lock that it has on its own number. The locks are read once: with hundreds of gates
 * there are thousands, and joins of the view with itself would read them for each row.
 */
const WAIT = `with locks as materialized (select * from pg_catalog.pg_locks where pid = $1 and not granted or pid is null and granted),
waits as materialized (select * from locks where pid = $1),
holders as materialized (select w.relation, w.mode, h.mode as held, coalesce(w.transactionid, x.transactionid) as number from waits w
  left join locks h on w.relation is not null and h.pid is null and h.locktype = 'relation'
    and h.relation = w.relation and h.database = w.database
  left join locks x on x.pid is null and x.locktype = 'transactionid' and x.virtualtransaction = h.virtualtransaction)
select o.relation::pg_catalog.text as oid, o.mode, p.gid as gate, o.held,
  (select pg_catalog.pg_blocking_pids($1)) as blockers
from holders o left join pg_catalog.pg_prepared_xacts p on p.transaction = o.number`;

/** The tables of each foreign key: the one that has it, and the one that it names. */
export async function foreignKeysOf(observer: Connection): Promise<readonly (readonly [string, string])[]> {
  const { rows } = await observer.query<{ from: string; to: string }>(
    `select conrelid::pg_catalog.text as from, confrelid::pg_catalog.text as to from pg_catalog.pg_constraint where contype = 'f'`,
  );
  return rows.map(({ from, to }) => [from, to] as const);
}

/** A session before a statement: whether it is inside a transaction, and with which locks. */
export interface SessionLocks {
  readonly inTransaction: boolean;
  readonly locks: readonly HeldLock[];
}

export async function isInTransaction(observer: Connection, pid: number): Promise<boolean> {
  const { rows } = await observer.query<{ inside: boolean | null }>(`select ${INSIDE} as inside`, [pid]);
  return rows[0]?.inside === true;
}

export async function sessionLocksOf(observer: Connection, pid: number): Promise<SessionLocks> {
  const { rows } = await observer.query<{ inside: boolean | null; locks: string | null }>(STANDING, [pid]);
  const [row] = rows;
  return { inTransaction: row?.inside === true, locks: locksIn(JSON.parse(row?.locks ?? "null") ?? []) };
}

const INSIDE = "(select state like 'idle in transaction%' from pg_catalog.pg_stat_get_activity($1))";
const STANDING = `select ${INSIDE} as inside,
  (select pg_catalog.json_agg(held) from (${locksBy("$1")}) held)::pg_catalog.text as locks`;

/** How often functions of the user's that may change rows were called in the transaction of this session. */
export async function functionCallsIn(connection: Connection): Promise<number> {
  const { rows } = await connection.query<{ calls: string }>(
    `select coalesce(sum(pg_catalog.pg_stat_get_xact_function_calls(oid)), 0)::pg_catalog.text as calls
     from pg_catalog.pg_proc where oid >= 16384 and provolatile = 'v'`,
  );
  return Number(rows[0]?.calls);
}

/** The names of the roles, without those of the server itself. */
export async function rolesOf(connection: Connection): Promise<readonly string[]> {
  const { rows } = await connection.query<{ rolname: string }>(
    "select rolname from pg_catalog.pg_roles where rolname !~ '^pg_' order by 1",
  );
  return rows.map(({ rolname }) => rolname);
}
