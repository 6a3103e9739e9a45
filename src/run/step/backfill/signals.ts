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
import { regclass } from "../../../core/sql/regclass.ts";
import type { Connection, Row } from "../../../database/connection.ts";
import { DatabaseError } from "../../../errors.ts";
import { delay } from "../../../std/time.ts";
import { applicationNameOf, prepareSession } from "../../session/connect.ts";
import type { StepContext } from "../context.ts";
import type { Filling } from "./filling.ts";
import { lookAtOthers, othersAtWork, ownSessions, type Windows } from "./others.ts";
import { probeOf } from "./probe.ts";

/** A backfill that is done before needs no second connection, where it meets nobody at its beginning. */
const FIRST_AFTER_MS = 500;
const LOOK_EVERY_MS = 1_000;
/** Until it is known whether others work. */
const FIRST_LOOKS_EVERY_MS = 200;
const PROBE_EVERY_MS = 100;
/** Between a connection that is lost, or was not to be had, and the next one. */
const AGAIN_AFTER_MS = 5_000;
/** The pace below which a backfill does not stay while nothing is seen: what held it may be over. */
const LEAST_BLIND = 0.05;
/** The probe's last so many answers count: about the last two seconds. */
const PROBES = 20;
/** Of sessions that did something, so many milliseconds ago, where there are none. */
const NOBODY = Number.POSITIVE_INFINITY;
/** So many looks in a row say whether others work: one alone may meet somebody by chance. */
const LOOKS_AT_OTHERS = 3;
/** Positions of the last minutes. */
const SAMPLES = 300;

/** What is said of what it cannot see, each once. */
type Unseen = "pooled" | "hidden" | "lost";

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
  const said = new Set<Unseen>();
  const sayUnseen = (kind: Unseen, what: string) => {
    if (said.has(kind)) return;
    said.add(kind);
    context.observe({ kind: "backfill-unseen", step: prepared.step, table: table.shown, what });
  };
  if (windows === null && limits.share < 1)
    sayUnseen("pooled", "behind a pooler it is not known which other sessions work");

  const lookOn = async (connection: Connection) => {
    const samples: WalSample[] = [];
    while (!stop.aborted) {
      const seen = await see(connection, table.name, windows);
      const ms = performance.now();
      const before = samples.at(-1);
      samples.push({ at: seen.wal, ms });
      if (samples.length > SAMPLES) samples.shift();
      others.push(seen.others ?? NOBODY);
      if (others.length > LOOKS_AT_OTHERS) others.shift();
      if (!seen.sees)
        sayUnseen(
          "hidden",
          `the role may not see ${seen.hidden > 0 ? "how far replicas are behind, " : ""}whether other sessions work, old transactions, and autovacuum on the table`,
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
  const probe = (text: string) => async (connection: Connection) => {
    while (!stop.aborted) {
      const at = performance.now();
      // One that fails has kept somebody waiting as long.
      await connection.execute(probeOf(text)).catch(() => connection.execute("rollback"));
      probes.push(performance.now() - at);
      if (probes.length > PROBES) probes.shift();
      await delay(PROBE_EVERY_MS, stop);
    }
  };
  /** What is seen no longer holds, and still is the best that is known. Nothing unseen stops a backfill. */
  const goBlind = () => {
    throttle = { ...throttle, pace: Math.max(throttle.pace, LEAST_BLIND), isAlone: false };
  };
  const withConnection = async (work: (connection: Connection) => Promise<void>) => {
    await using connection = await openBeside(context, stop);
    await work(connection);
  };
  /** On a connection of its own, and on another one when that is lost. */
  const beside = async (work: (connection: Connection) => Promise<void>, lost: () => void) => {
    while (!stop.aborted) {
      try {
        await withConnection(work);
      } catch (error) {
        if (stop.aborted) return;
        lost();
        const why = error instanceof Error ? error.message.replace(/\.$/, "") : error;
        sayUnseen("lost", `its second connection fails, and is tried again (${why})`);
      }
      await delay(AGAIN_AFTER_MS, stop);
    }
  };
  const watching = async () => {
    if (!meetsOthers) await delay(FIRST_AFTER_MS, stop);
    const { probe: text } = options;
    await Promise.all([
      beside(lookOn, goBlind),
      text === null ? undefined : beside(probe(text), () => probes.splice(0)),
    ]);
  };
  const work = watching().catch((error: unknown) => {
    if (!stop.aborted) throw error;
  });
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

async function openBeside(context: StepContext, stop: AbortSignal): Promise<Connection> {
  const { target, author } = context;
  const applicationName = `${applicationNameOf(author)} (signals)`;
  const connection = await target.open({ applicationName, signal: stop });
  try {
    const run = { ...author, signal: stop, observe: () => {}, applicationName };
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
  /** How long ago another session worked, in milliseconds; 0 while one does. `null`: none that can be told. */
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

/** One view that the role may not read hides what is in the others too, but not who works. */
async function see(connection: Connection, table: string, windows: Windows | null): Promise<SensedState> {
  try {
    return await read(connection, table, windows);
  } catch (error) {
    if (!(error instanceof DatabaseError) || connection.lost.aborted) throw error;
    const { othersMs, seesOthers } = await lookAtOthers(connection, windows);
    const nothing = {
      wal: 0,
      replicas: [],
      hidden: 1,
      waiting: 0,
      archive: null,
      oldest: null,
      vacuum: null,
    };
    return { ...nothing, others: othersMs, seesOthers, sees: false };
  }
}

/** The locks that somebody waits for are few, and who blocks them is asked of those alone. */
async function read(connection: Connection, table: string, windows: Windows | null): Promise<SensedState> {
  const waiting =
    windows === null
      ? "0"
      : `(select pg_catalog.count(*) from pg_catalog.pg_locks l, ours where not l.granted and l.pid <> all (ours.pids)
    and pg_catalog.pg_blocking_pids(l.pid) && ours.pids)`;
  const others = othersAtWork(windows);
  const { rows } = await connection.query<
    SensedState & Row
  >(`with ours as materialized (${ownSessions(windows)}),
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
