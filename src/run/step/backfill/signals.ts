/**
 * Watches what a backfill does to others while its windows run, on a connection of its own: replicas, sessions that wait,
 * the archive, old transactions, autovacuum on the table. One query a second. The author's probe has a connection of its
 * own too, because what it measures is the time of its answers.
 *
 * Nothing here ends a backfill. Where there is no second connection, or the role may not see something, it goes on
 * without, and that is said once.
 */
import {
  FULL,
  type Limits,
  middle,
  NOTHING_SEEN,
  nextThrottle,
  p99,
  type Replica,
  type Signals,
  type Throttle,
  type WalSample,
  worstLag,
} from "../../../backfill/throttle.ts";
import type { Backfill } from "../../../core/backfill.ts";
import { literal } from "../../../core/sql/quote.ts";
import { regclass } from "../../../core/sql/regclass.ts";
import type { Connection, Row } from "../../../database/connection.ts";
import { DatabaseError, SourceError } from "../../../errors.ts";
import { delay } from "../../../std/time.ts";
import { applicationNameOf, prepareSession } from "../../session/connect.ts";
import type { StepContext } from "../context.ts";
import type { Filling } from "./filling.ts";

/** A backfill that is done before needs no second connection, where it meets nobody at its beginning. */
const FIRST_AFTER_MS = 500;
const LOOK_EVERY_MS = 1_000;
/** Until it is known whether others work. */
const FIRST_LOOKS_EVERY_MS = 200;
const PROBE_EVERY_MS = 100;
/** The probe's last so many answers count: about the last two seconds. */
const PROBES = 20;
/** Of sessions that did something, so many milliseconds ago, where there are none. */
const NOBODY = Number.POSITIVE_INFINITY;
/** So many looks in a row say whether others work: one alone may meet somebody by chance. */
const LOOKS_AT_OTHERS = 3;
/** Positions of the last minutes. */
const SAMPLES = 300;

export interface Sensor extends AsyncDisposable {
  /** What holds now. */
  readonly throttle: Throttle;
}

/** For a backfill that makes way for nothing. */
const NO_SENSOR: Sensor = { throttle: FULL, [Symbol.asyncDispose]: async () => {} };

/**
 * Begins to watch. It waits for no connection. The first look at others is one on the run's own, so that the first windows
 * make way too.
 */
export async function openSensor({
  context,
  prepared,
  backfill,
  table,
}: Pick<Filling, "context" | "prepared" | "backfill" | "table">): Promise<Sensor> {
  const { options } = backfill;
  const { capabilities, server } = context.connection;
  if (!options.throttle || !capabilities.observer) return NO_SENSOR;
  const limits: Limits = options;
  // Behind a pooler our windows have no process of their own.
  const windows = capabilities.session
    ? { pid: server.backendPid, applicationName: applicationNameOf(context.author) }
    : null;
  const first = await lookAtOthers(context.connection, windows);
  const others = [first.othersMs ?? NOBODY];
  const done = new AbortController();
  const stop = AbortSignal.any([context.stop, done.signal]);
  const probes: number[] = [];
  let throttle = nextThrottle(FULL, { ...NOTHING_SEEN, ...first }, limits);
  const meetsOthers = throttle.pace < 1;
  let unseen = false;
  const sayUnseen = (what: string) => {
    if (unseen) return;
    unseen = true;
    context.observe({ kind: "backfill-unseen", step: prepared.step, table: table.shown, what });
  };

  const look = async () => {
    if (!meetsOthers) await delay(FIRST_AFTER_MS, stop);
    await using connection = await openBeside(context, stop);
    const samples: WalSample[] = [];
    while (!stop.aborted) {
      const seen = await read(connection, table.name, windows);
      const ms = performance.now();
      const before = samples.at(-1);
      samples.push({ at: seen.wal, ms });
      if (samples.length > SAMPLES) samples.shift();
      others.push(seen.others ?? NOBODY);
      if (others.length > LOOKS_AT_OTHERS) others.shift();
      if (!seen.sees)
        sayUnseen(
          `${seen.hidden > 0 ? "how far replicas are behind, " : ""}whether other sessions work, old transactions, and autovacuum on the table`,
        );
      const signals: Signals = {
        ...worstLag(seen.replicas, samples, ms),
        waiting: seen.waiting,
        othersMs: middle(others),
        seesOthers: seen.seesOthers,
        archiveBytes: seen.archive,
        walBytes: before === undefined ? null : ((seen.wal - before.at) / (ms - before.ms)) * 1000,
        oldestMs: seen.oldest,
        vacuum: seen.vacuum === 2 ? "wraparound" : seen.vacuum === 1 ? "usual" : "none",
        probeMs: p99(probes),
      };
      throttle = nextThrottle(throttle, signals, limits);
      const isKnown = !meetsOthers || others.length === LOOKS_AT_OTHERS;
      await delay(isKnown ? LOOK_EVERY_MS : FIRST_LOOKS_EVERY_MS, stop);
    }
  };
  const probe = async (text: string) => {
    await delay(FIRST_AFTER_MS, stop);
    await using connection = await openBeside(context, stop);
    while (!stop.aborted) {
      const at = performance.now();
      // One that fails has kept somebody waiting as long.
      await connection.execute(probeOf(text)).catch(() => connection.execute("rollback"));
      probes.push(performance.now() - at);
      if (probes.length > PROBES) probes.shift();
      await delay(PROBE_EVERY_MS, stop);
    }
  };
  const work = Promise.all([
    look().catch((error: unknown) => {
      if (!stop.aborted)
        sayUnseen(`what it does to others (${error instanceof Error ? error.message : error})`);
      throttle = FULL;
    }),
    options.probe === null ? undefined : probe(options.probe).catch(() => probes.splice(0)),
  ]);
  return {
    get throttle() {
      return throttle;
    },
    async [Symbol.asyncDispose]() {
      done.abort();
      await work;
    },
  };
}

/** The probe, which changes nothing and ends by itself. */
function probeOf(text: string): string {
  return `begin read only; set local statement_timeout = ${literal("5s")}; ${text.replace(/;\s*$/, "")}\n; commit`;
}

/**
 * Throws `SourceError` (`BACKFILL_PROBE`) where PostgreSQL cannot run the probe, or where there is no second connection
 * to run it on.
 */
export async function refuseProbe(
  { connection }: Pick<StepContext, "connection">,
  { options: { probe } }: Backfill,
  file: string,
): Promise<void> {
  if (probe === null) return;
  const refused = (why: string, hint: string, cause?: unknown) =>
    new SourceError(
      [{ code: "BACKFILL_PROBE", message: `${file} has a probe, ${why}.`, hint, place: { file } }],
      { cause },
    );
  if (!connection.capabilities.observer)
    throw refused(
      "and the database has no second connection on which it could run",
      "Remove the probe, or run it over a database URL.",
    );
  await connection.execute("savepoint godwit_probe");
  try {
    await connection.execute(`set local transaction_read_only = on; ${probe.replace(/;\s*$/, "")}`);
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    throw refused(
      `and PostgreSQL cannot run that: ${error.message}`,
      "Write one query that changes nothing.",
      error,
    );
  }
  await connection.execute("rollback to savepoint godwit_probe");
}

async function openBeside(context: StepContext, stop: AbortSignal): Promise<Connection> {
  const { target, author } = context;
  const applicationName = `godwit run ${author.runId} (signals)`;
  const connection = await target.open({ applicationName, signal: stop });
  try {
    const run = { ...author, signal: stop, observe: () => {} };
    await prepareSession(connection, target, run);
    return connection;
  } catch (error) {
    await connection.close();
    throw error;
  }
}

interface SensedState {
  readonly wal: number;
  readonly replicas: readonly Replica[];
  /** Replicas of which only their existence may be seen. */
  readonly hidden: number;
  readonly waiting: number;
  /** How long ago another session began or ended a statement, in milliseconds. `null`: none that can be told. */
  readonly others: number | null;
  /** Whether all of them can be seen. */
  readonly seesOthers: boolean;
  readonly archive: number | null;
  readonly oldest: number | null;
  /** 1: autovacuum, 2: against wraparound. */
  readonly vacuum: number | null;
  /** Whether the role may see what others do. */
  readonly sees: boolean;
}

/** The sessions of windows: the run's own, and those of its workers. An address may give them all another name. */
interface Windows {
  readonly pid: number;
  readonly applicationName: string;
}

/** Sessions that are ours: the one that watches, and those of the windows. */
const OURS = (windows: Windows | null) =>
  `select array(select pid from pg_catalog.pg_stat_activity where pid = ${windows?.pid ?? 0}
    or application_name = ${literal(windows?.applicationName ?? "")} and pid <> pg_catalog.pg_backend_pid()) as pids`;

/**
 * Two expressions beside `ours`: how long ago another session of the database began or ended a statement, and whether all of
 * them can be seen. Behind a pooler, a session may be ours in one moment and another's in the next.
 */
const OTHERS = (windows: Windows | null) => {
  if (windows === null) return { ms: "null", seen: "false" };
  const from = `from pg_catalog.pg_stat_activity, ours where backend_type = 'client backend'
      and datname = pg_catalog.current_database() and pid <> all (ours.pids) and pid <> pg_catalog.pg_backend_pid()
      and application_name not like 'godwit run %'`;
  return {
    ms: `(select pg_catalog.min(extract(epoch from pg_catalog.clock_timestamp() - state_change) * 1000) ${from})`,
    seen: `(select pg_catalog.count(*) = pg_catalog.count(state_change) ${from})`,
  };
};

/** One look, on the run's own connection. */
async function lookAtOthers(
  connection: Connection,
  windows: Windows | null,
): Promise<Pick<Signals, "othersMs" | "seesOthers">> {
  const { ms, seen } = OTHERS(windows);
  const { rows } = await connection.query<Pick<SensedState, "others" | "seesOthers">>(
    `with ours as materialized (${OURS(windows)}) select ${ms}::pg_catalog.float8 as others, ${seen} as "seesOthers"`,
  );
  return { othersMs: rows[0]?.others ?? null, seesOthers: rows[0]?.seesOthers ?? false };
}

/** The locks that somebody waits for are few, and who blocks them is asked of those alone. */
async function read(connection: Connection, table: string, windows: Windows | null): Promise<SensedState> {
  const waiting =
    windows === null
      ? "0"
      : `(select pg_catalog.count(*) from pg_catalog.pg_locks l, ours where not l.granted and l.pid <> all (ours.pids)
    and pg_catalog.pg_blocking_pids(l.pid) && ours.pids)`;
  const others = OTHERS(windows);
  const { rows } = await connection.query<SensedState & Row>(`with ours as materialized (${OURS(windows)}),
here as materialized (
  select (pg_catalog.pg_current_wal_lsn() - '0/0'::pg_catalog.pg_lsn)::pg_catalog.float8 as wal)
select here.wal,
  (select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object('name', coalesce(nullif(application_name, ''), pid::text),
    'lagMs', extract(epoch from replay_lag) * 1000, 'at', (replay_lsn - '0/0'::pg_catalog.pg_lsn)::pg_catalog.float8)), '[]')
    from pg_catalog.pg_stat_replication where state = 'streaming' and replay_lsn is not null) as replicas,
  (select pg_catalog.count(*)::pg_catalog.int4 from pg_catalog.pg_stat_replication where state is null) as hidden,
  ${waiting}::pg_catalog.int4 as waiting,
  ${others.ms}::pg_catalog.float8 as others, ${others.seen} as "seesOthers",
  (select here.wal - ('x' || pg_catalog.substr(segment, 9, 8))::bit(32)::pg_catalog.int8 * 4294967296.0
      - (('x' || pg_catalog.substr(segment, 17, 8))::bit(32)::pg_catalog.int8 + done)
        * pg_catalog.pg_size_bytes(pg_catalog.current_setting('wal_segment_size'))
    from (select case when last_archived_wal is null then last_failed_wal else last_archived_wal end as segment,
        case when last_archived_wal is null then 0 else 1 end as done from pg_catalog.pg_stat_archiver) archiver
    where segment ~ '^[0-9A-F]{24}$'
      and pg_catalog.current_setting('archive_mode') in ('on', 'always'))::pg_catalog.float8 as archive,
  (select pg_catalog.max(extract(epoch from pg_catalog.clock_timestamp() - xact_start) * 1000)::pg_catalog.float8
    from pg_catalog.pg_stat_activity where backend_xmin is not null and backend_type = 'client backend'
      and datname = pg_catalog.current_database() and pid <> pg_catalog.pg_backend_pid()) as oldest,
  (select pg_catalog.max(case when a.query like '%to prevent wraparound%' then 2 else 1 end)
    from pg_catalog.pg_stat_progress_vacuum p join pg_catalog.pg_stat_activity a on a.pid = p.pid
    where a.backend_type = 'autovacuum worker' and p.datname = pg_catalog.current_database()
      and (p.relid = ${regclass(table)} or p.relid in
        (select relid from pg_catalog.pg_partition_tree(${regclass(table)})))) as vacuum,
  pg_catalog.pg_has_role('pg_read_all_stats', 'usage') as sees
from here`);
  const [row] = rows;
  if (row === undefined) throw new Error("The server says nothing of itself.");
  return row;
}
