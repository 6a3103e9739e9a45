import { expect, test } from "vitest";
import type { RunEvent } from "../../run/report/events.ts";
import { createProgress } from "./progress.ts";

const step = { revision: "0002_b", file: "0002_b.sql" } as never;
const blocker = { user: null, applicationName: "", state: null, transactionAgeMs: null, query: "" };
const of = (...pids: number[]) => pids.map((pid) => ({ ...blocker, pid }));
const progress = (...pids: number[]): RunEvent => ({
  ...{ kind: "step-progress", step, elapsedMs: 0, blockers: of(...pids) },
});
const retry = (...pids: number[]): RunEvent => ({
  ...{ kind: "step-retry", step, attempt: 1, attempts: 20, delayMs: 1, blockers: of(...pids) },
  problem: { code: "STEP_LOCK_TIMEOUT", message: "" },
});

test("who is in the way is said once in each try, and whoever comes to it as well", () => {
  const said: string[] = [];
  const write = (_level: string, message: string) =>
    void said.push(...(/waiting for process (\d+)/.exec(message)?.slice(1) ?? []));
  const { observe } = createProgress({ write, live() {}, done() {}, failed() {}, problem() {} });
  const saidOf = (...events: RunEvent[]) => {
    said.length = 0;
    for (const event of events) observe(event);
    return said.join(" ");
  };
  expect(saidOf(progress(7), progress(7), retry(7))).toBe("7");
  expect(saidOf(progress(7), progress(7, 8), progress(8, 7), retry(7, 9))).toBe("7 8 9");
  expect(saidOf(retry(7))).toBe("7");
});
