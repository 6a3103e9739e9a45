import { expect, test } from "vitest";
import type { Problem } from "../../errors.ts";
import type { RunEvent } from "../../run/report/events.ts";
import { createHealthState } from "./state.ts";

const step = { revision: "0002_b", file: "0002_b.sql", direction: "up", phase: "startup" } as never;
const problem: Problem = { code: "STEP_FAILED", message: "column secret_column does not exist" };
const blocker = {
  ...{ pid: 7, user: "app", applicationName: "shop", state: "idle in transaction" },
  ...{ transactionAgeMs: 4000, query: "select secret_query" },
};
const started = { kind: "step-started", step, index: 1, count: 3 } as RunEvent;
const blocked = { kind: "step-progress", step, elapsedMs: 1000, blockers: [blocker] } as RunEvent;
const failed = { kind: "step-failed", step, problem } as RunEvent;
const finished = (outcome: string) =>
  ({
    kind: "finished",
    report: { outcome, failures: [{ revision: "0002_b", problem }] },
  }) as unknown as RunEvent;

function stateAt() {
  let ms = Date.parse("2026-01-01T00:00:00Z");
  const state = createHealthState({ now: () => new Date(ms) });
  const pass = (more: number) => {
    ms += more;
  };
  return { state, pass };
}

test("nothing is known before anything has happened", () => {
  expect(stateAt().state.snapshot()).toMatchObject({ status: "unknown", lastChecked: null, ready: false });
});

test("a blocker grows older between two events, and is gone with the step", () => {
  const { state, pass } = stateAt();
  state.begin();
  state.observe(started);
  pass(1000);
  state.observe(blocked);
  pass(500);
  expect(state.snapshot()).toMatchObject({
    status: "running",
    lastChecked: "2026-01-01T00:00:01.000Z",
    waitingFor: { kind: "lock", pid: 7, ageMs: 4500, command: "select pg_terminate_backend(7);" },
    step: { revision: "0002_b", position: 2, count: 3, elapsedMs: 1500 },
  });
  state.observe(failed);
  expect(state.snapshot()).toMatchObject({ status: "running", waitingFor: null, step: null });
});

test("a step that is tried again has waited since its first try, and for whom is known in between", () => {
  const { state, pass } = stateAt();
  state.begin();
  for (const event of [started, blocked, { ...blocked, kind: "step-retry", problem }, started])
    state.observe(event as RunEvent);
  pass(2000);
  expect(state.snapshot()).toMatchObject({ waitingFor: { pid: 7 }, step: { elapsedMs: 2000 } });
  state.observe({ ...blocked, blockers: [] } as unknown as RunEvent);
  expect(state.snapshot().waitingFor).toBeNull();
});

test("a check that did not pass is a failure without a revision", () => {
  const { state } = stateAt();
  const check = {
    kind: "check-done",
    check: "orders",
    durationMs: 1,
    problem: { code: "CHECK_FAILED", message: "secret" },
  };
  const end = { kind: "finished", report: { outcome: "failed", failures: [] } };
  for (const event of [started, check, end]) state.observe(event as unknown as RunEvent);
  expect(state.snapshot()).toMatchObject({
    status: "failed",
    failures: [{ code: "CHECK_FAILED", revision: null }],
  });
});

test("a failed run names codes and revisions, and no text of anybody", () => {
  const { state } = stateAt();
  state.begin();
  for (const event of [started, blocked, failed, finished("failed")]) state.observe(event);
  expect(state.snapshot().status).toBe("running");
  state.end({ ok: false, problems: [problem, { code: "DEADLINE", message: "secret_deadline" }] });
  const snapshot = state.snapshot();
  expect(snapshot).toMatchObject({
    status: "failed",
    ready: false,
    failures: [
      { code: "STEP_FAILED", revision: "0002_b" },
      { code: "DEADLINE", revision: null },
    ],
    counters: { runs: { completed: 0, failed: 1 }, steps: { failed: 1 } },
  });
  expect(JSON.stringify(snapshot)).not.toContain("secret");
});

test("a run that is tried again is running again, and forgets why it failed before", () => {
  const { state } = stateAt();
  state.begin();
  state.end({ ok: false, problems: [problem] });
  state.begin();
  expect(state.snapshot()).toMatchObject({ status: "running", failures: [] });
  state.end({ ok: true, problems: [] });
  expect(state.snapshot()).toMatchObject({
    ...{ status: "completed", ready: true, pending: 0 },
    counters: { runs: { completed: 1, failed: 1 } },
  });
});

test("where no migration is to run, there is nothing to wait for", () => {
  const { state } = stateAt();
  state.end({ ok: true, skipped: "NODE_ENV is development", problems: [] });
  expect(state.snapshot()).toMatchObject({
    ...{ status: "unknown", ready: true, skipped: "NODE_ENV is development" },
    counters: { runs: { completed: 0, failed: 0 } },
  });
});

test("without an owner, the events of a run begin and end it", () => {
  const { state } = stateAt();
  state.observe(started);
  expect(state.snapshot().status).toBe("running");
  state.observe(finished("done"));
  expect(state.snapshot().status).toBe("completed");
  state.observe(started);
  state.observe(failed);
  state.observe(finished("failed"));
  expect(state.snapshot()).toMatchObject({
    status: "failed",
    failures: [{ code: "STEP_FAILED", revision: "0002_b" }],
  });
});

test("a look does not speak over a run of this process", () => {
  const { state } = stateAt();
  const nothing = { status: "unknown", pending: 3, waitingFor: null, failures: [] } as const;
  state.begin();
  state.found(nothing);
  expect(state.snapshot()).toMatchObject({ status: "running", pending: null });
  state.end({ ok: true, problems: [] });
  state.found(nothing);
  expect(state.snapshot()).toMatchObject({ status: "unknown", pending: 3, ready: false });
});

test("listeners hear each change until they are taken away", () => {
  const { state } = stateAt();
  let heard = 0;
  const stop = state.onChange(() => heard++);
  state.begin();
  state.observe(started);
  stop();
  state.end({ ok: true, problems: [] });
  expect(heard).toBe(2);
});
