import { expect, test } from "vitest";
import {
  FULL,
  NOTHING_SEEN,
  nextThrottle,
  p99,
  restAfter,
  type Signals,
  type Throttle,
  worstLag,
} from "./throttle.ts";

const LIMITS = { share: 0.25, maxLagMs: 5000, maxWalBytes: null, probeLimitMs: 50 };
const after = (count: number, signals: Partial<Signals>, from: Throttle = FULL) => {
  let throttle = from;
  for (let left = count; left > 0; left--)
    throttle = nextThrottle(throttle, { ...NOTHING_SEEN, ...signals }, LIMITS);
  return throttle;
};

test("nothing holds it up, so it uses all of its time", () => {
  expect(after(3, {})).toEqual(FULL);
  expect(restAfter(500, FULL)).toBe(0);
});

test("the share is kept however long a window took, and by all workers together", () => {
  expect(restAfter(3000, { pace: 0.07 })).toBeCloseTo(39_857, 0);
  expect(restAfter(100, { pace: 0.5 }, 4)).toBe(700);
  expect(restAfter(100, { pace: 0 })).toBe(Number.POSITIVE_INFINITY);
});

test("a replica beyond the limit stops it, one half-way slows it, and it comes back in steps", () => {
  expect(after(1, { lagMs: 6000, lagOf: "b" })).toMatchObject({
    pace: 0,
    slowedBy: "replica b, 6.0 s behind",
  });
  expect(after(1, { lagMs: 3000, lagOf: "b" }).pace).toBeCloseTo(0.7);
  expect(after(50, { lagMs: 3000, lagOf: "b" }).pace).toBeCloseTo(0.05);
  const stopped = after(1, { lagMs: 6000, lagOf: "b" });
  expect(after(1, {}, stopped)).toMatchObject({ pace: 0.1, slowedBy: expect.any(String) });
  expect(after(11, {}, stopped)).toEqual(FULL);
});

test("autovacuum and an old transaction slow it to a half, and never stop it", () => {
  expect(after(30, { vacuum: "usual" })).toMatchObject({ pace: 0.5, slowedBy: "autovacuum on the table" });
  expect(after(30, { oldestMs: 3_600_000 }).pace).toBe(0.5);
  expect(after(1, { vacuum: "wraparound" }).pace).toBe(0);
});

test("beside others at work it uses a part of its time, and all of it when they have gone", () => {
  const beside = after(5, { othersMs: 3 });
  expect(beside).toMatchObject({ pace: 0.25, slowedBy: "other sessions at work" });
  expect(after(1, { othersMs: 400 })).toEqual(FULL);
  expect(after(1, { othersMs: 400 }, beside).pace).toBeCloseTo(0.35);
  expect(after(8, { othersMs: null }, beside)).toEqual(FULL);
  expect(nextThrottle(FULL, { ...NOTHING_SEEN, othersMs: 3 }, { ...LIMITS, share: 1 })).toEqual(FULL);
});

test("it is alone only where all others can be seen, and none of them works", () => {
  const isAlone = (signals: Partial<Signals>) => after(1, { seesOthers: true, ...signals }).isAlone;
  expect([isAlone({}), isAlone({ othersMs: 400 })]).toEqual([true, true]);
  const others = [isAlone({ othersMs: 3 }), isAlone({ seesOthers: false }), isAlone({ waiting: 1 })];
  expect(others).toEqual([false, false, false]);
});

test("sessions that wait for it are given way to, and a full archive too", () => {
  expect(after(1, { waiting: 2 })).toMatchObject({ pace: 0.5, slowedBy: "2 sessions that wait for it" });
  expect(after(20, { waiting: 1 }).pace).toBeCloseTo(0.1);
  expect(after(1, { archiveBytes: 2 * 1024 ** 3 }).pace).toBe(0);
});

test("a probe is kept under its limit: a load that grows with the pace settles there", () => {
  let throttle: Throttle = FULL;
  const seen: number[] = [];
  for (let round = 0; round < 200; round++) {
    // 10 ms without the backfill, 110 ms at its full pace.
    const probeMs = 10 + 100 * throttle.pace;
    if (round > 50) seen.push(probeMs);
    throttle = nextThrottle(throttle, { ...NOTHING_SEEN, probeMs }, LIMITS);
  }
  expect(Math.max(...seen)).toBeLessThanOrEqual(50);
  expect(Math.min(...seen)).toBeGreaterThan(25);
});

test("the lag is the time since the first position that a replica has not reached", () => {
  const samples = [
    { at: 100, ms: 0 },
    { at: 200, ms: 1000 },
    { at: 300, ms: 2000 },
  ];
  const one = (at: number, lagMs: number | null = null) =>
    worstLag([{ name: "a", lagMs, at }], samples, 2500);
  expect(one(300).lagMs).toBe(0);
  expect(one(150).lagMs).toBe(1500);
  expect(one(300, 700).lagMs).toBe(700);
  expect(worstLag([], samples, 2500)).toEqual({ lagMs: null, lagOf: null });
});

test("the p99 of few values is the largest", () => {
  expect(p99([])).toBeNull();
  expect(p99([3, 9, 1])).toBe(9);
  expect(p99(Array.from({ length: 200 }, (_, at) => at))).toBe(197);
});
