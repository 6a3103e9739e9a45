import { expect, test } from "vitest";
import type { RunEvent } from "../../run/report/events.ts";
import { watchWaits } from "./blocked.ts";

const step = { revision: "0002_b" } as never;
const blocker = { pid: 7, user: null, applicationName: "", state: null, transactionAgeMs: 5_000, query: "" };
const progress = (...blockers: (typeof blocker)[]): RunEvent => ({
  ...{ kind: "step-progress", step, elapsedMs: 0, blockers },
});
const retry: RunEvent = {
  ...{ kind: "step-retry", step, attempt: 1, attempts: 20, delayMs: 1, blockers: [blocker] },
  problem: { code: "STEP_LOCK_TIMEOUT", message: "" },
};
const done = { kind: "step-done" } as RunEvent;

test("a wait is told once, when it is too long, and the next wait again", () => {
  const seen = watchWaits(1_000);
  expect(seen(progress(blocker), 0)).toBeNull();
  expect(seen(progress(blocker), 999)).toBeNull();
  expect(seen(progress(blocker), 1_000)).toEqual({
    ...{ waitedMs: 1_000, revision: "0002_b" },
    waitingFor: { kind: "lock", pid: 7, ageMs: 5_000, command: "select pg_terminate_backend(7);" },
  });
  expect(seen(progress(blocker), 2_000)).toBeNull();
  expect(seen(done, 2_500)).toBeNull();
  expect(seen(progress(blocker), 3_000)).toBeNull();
  expect(seen(progress(blocker), 4_000)).not.toBeNull();
});

test("the pause between two tries does not end a wait, and a moment in which nobody is in the way does", () => {
  const paused = watchWaits(1_000);
  paused(progress(blocker), 0);
  expect(paused(retry, 900)).toBeNull();
  expect(paused(retry, 1_500)).not.toBeNull();
  const free = watchWaits(1_000);
  free(progress(blocker), 0);
  free(progress(), 500);
  expect(free(progress(blocker), 1_200)).toBeNull();
});

test("a wait for another run counts from its own beginning, and none is told if nobody wants to know", () => {
  const waiting = (waitedMs: number): RunEvent => ({ kind: "lock-waiting", holder: null, waitedMs });
  expect(watchWaits(5_000)(waiting(6_000), 100_000)).toMatchObject({ waitedMs: 6_000, revision: null });
  expect(watchWaits(0)(waiting(600_000), 700_000)).toBeNull();
});
