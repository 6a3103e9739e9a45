/**
 * How much of its time a backfill may use: from what was seen last and what it had before. Pure.
 *
 * The pace is a share: 1 is window after window, a half rests as long as each window took, and at 0 no window begins.
 * Windows are shorter at a lower pace too. It falls at once, by a factor, and rises in small steps: so it settles just
 * under a limit that the backfill itself pushes against.
 */
import { formatDuration } from "../std/time.ts";

/** Measurements of the server. `null`: there is no such thing, or our role may not see it. */
export interface Signals {
  /** The delay and the name of the replica that is furthest behind. */
  readonly lagMs: number | null;
  readonly lagOf: string | null;
  /** How many sessions wait for a lock of the backfill. */
  readonly waiting: number;
  /** How long ago another session of the database worked; 0 while one does. */
  readonly othersMs: number | null;
  /** Whether all other sessions can be seen. */
  readonly seesOthers: boolean;
  /** WAL that waits for the archive. */
  readonly archiveBytes: number | null;
  /** WAL in a second. */
  readonly walBytes: number | null;
  /** The age of the oldest transaction with a snapshot. Until it ends, vacuum cannot remove rows that the backfill replaced. */
  readonly oldestMs: number | null;
  /** Whether autovacuum works on the table. */
  readonly vacuum: "none" | "usual" | "wraparound";
  /** The p99 of the author's probe. */
  readonly probeMs: number | null;
}

/** Where nothing was asked. */
export const NOTHING_SEEN: Signals = {
  lagMs: null,
  lagOf: null,
  waiting: 0,
  othersMs: null,
  seesOthers: false,
  archiveBytes: null,
  walBytes: null,
  oldestMs: null,
  vacuum: "none",
  probeMs: null,
};

export interface Limits {
  /** The pace beside others. */
  readonly share: number;
  readonly maxLagMs: number;
  readonly maxWalBytes: number | null;
  readonly probeLimitMs: number;
}

export interface Throttle {
  /** From 0 to 1. */
  readonly pace: number;
  /** `null`: nothing holds it up. */
  readonly slowedBy: string | null;
  /** Nobody else works in the database. `false`: somebody does, or it cannot be told. */
  readonly isAlone: boolean;
}

export const FULL: Throttle = { pace: 1, slowedBy: null, isAlone: false };

/** So much WAL may wait for the archive: a disk that fills up stops everybody. */
const MOST_ARCHIVE_BYTES = 1024 ** 3;
/** Sessions that do little more than ask now and then are seldom met so soon after it. */
const AT_WORK_MS = 50;
const OLD_MS = 15 * 60_000;
const STEP_UP = 0.1;

export function nextThrottle({ pace }: Throttle, signals: Signals, limits: Limits): Throttle {
  const { lagMs, lagOf, waiting, othersMs, archiveBytes, walBytes, oldestMs, vacuum, probeMs } = signals;
  const { share, maxLagMs, maxWalBytes, probeLimitMs } = limits;
  const up = Math.min(1, pace + STEP_UP);
  const wanted: Throttle[] = [];
  const slow = (to: number, slowedBy: string) =>
    wanted.push({ pace: Math.min(to, up), slowedBy, isAlone: false });
  /** Down by a factor, to a floor that keeps it moving. */
  const less = (factor: number, floor: number) => Math.max(floor, pace * factor);

  if (vacuum === "wraparound") slow(0, "a vacuum of the table against wraparound");
  if (vacuum === "usual") slow(0.5, "autovacuum on the table");
  if (lagMs !== null && lagMs > maxLagMs / 2) {
    const behind = `replica ${lagOf ?? "?"}, ${formatDuration(lagMs)} behind`;
    slow(lagMs > maxLagMs ? 0 : less(0.7, 0.05), behind);
  }
  if (archiveBytes !== null && archiveBytes > MOST_ARCHIVE_BYTES)
    slow(0, `the archive, which ${megabytes(archiveBytes)} of WAL wait for`);
  if (maxWalBytes !== null && walBytes !== null && walBytes > maxWalBytes)
    slow(less(0.7, 0.05), `${megabytes(walBytes)} of WAL in a second`);
  if (waiting > 0)
    slow(
      less(0.5, 0.1),
      waiting === 1 ? "a session that waits for it" : `${waiting} sessions that wait for it`,
    );
  if (othersMs !== null && othersMs < AT_WORK_MS && share < 1) slow(share, "other sessions at work");
  if (oldestMs !== null && oldestMs > OLD_MS) slow(0.5, `a transaction of ${formatDuration(oldestMs)}`);
  if (probeMs !== null && probeMs > probeLimitMs * 0.8)
    slow(probeMs > probeLimitMs ? less(0.5, 0.02) : pace, `its probe at ${formatDuration(probeMs)}`);

  const [least] = wanted.toSorted((one, other) => one.pace - other.pace);
  if (least !== undefined) return least;
  const isAlone = signals.seesOthers && (othersMs === null || othersMs >= AT_WORK_MS);
  return { pace: up, slowedBy: up < 1 ? "what it has just made way for" : null, isAlone };
}

/**
 * How long to rest after a window that took so long. The pace is that of all workers together, so each of them rests for the
 * others too. While it rests, a worker looks at the pace now and then: the rest ends when the pace allows it.
 */
export function restAfter(tookMs: number, { pace }: Pick<Throttle, "pace">, workers = 1): number {
  if (pace >= 1) return 0;
  return pace <= 0 ? Number.POSITIVE_INFINITY : tookMs * (workers / pace - 1);
}

/** The time that the next window should take. */
export function targetAt(targetMs: number, { pace }: Throttle): number {
  return targetMs * Math.max(0.1, pace);
}

/** The one in the middle. `null`: there is none. */
export function middle(values: readonly number[]): number | null {
  return values.toSorted((one, other) => one - other)[values.length >> 1] ?? null;
}

/** The value below which 99 of 100 lie. `null`: there is none. */
export function p99(values: readonly number[]): number | null {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.ceil(sorted.length * 0.99) - 1] ?? null;
}

export interface Replica {
  readonly name: string;
  /** What the server itself says of it. `null`: it says nothing. */
  readonly lagMs: number | null;
  /** What it has replayed, as a position in the WAL. */
  readonly at: number;
}

export interface WalSample {
  readonly at: number;
  readonly ms: number;
}

/**
 * The replica that is furthest behind. The server's own figure stands still while a replica replays nothing. So the
 * positions of the last minutes are kept with their time: a replica is behind at least since the first one that it has
 * not reached.
 */
export function worstLag(
  replicas: readonly Replica[],
  samples: readonly WalSample[],
  nowMs: number,
): { readonly lagMs: number | null; readonly lagOf: string | null } {
  const lags = replicas.map(({ name, lagMs, at }) => {
    const missed = samples.find((sample) => sample.at > at);
    return { lagOf: name, lagMs: Math.max(lagMs ?? 0, missed === undefined ? 0 : nowMs - missed.ms) };
  });
  return lags.toSorted((one, other) => other.lagMs - one.lagMs)[0] ?? { lagMs: null, lagOf: null };
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1024 ** 2)} MB`;
}
