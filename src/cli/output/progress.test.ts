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

const window = {
  kind: "backfill-progress" as const,
  ...{ table: "public.products", rows: 9000, changed: 9000, windows: 3 },
  ...{ windowRows: 1500, rowsPerSecond: 3000, share: 0.6, leftMs: 2000, elapsedMs: 3000 },
};

test("several workers of a backfill have a line each, and their figures together another", () => {
  let shown = "";
  const live = (text: string) => {
    shown = text;
  };
  const { observe } = createProgress({ live, write() {}, done() {}, failed() {}, problem() {} });
  observe({ ...window, step, slowedBy: null, position: ["70"], worker: null });
  expect(shown).toBe(
    "0002_b: 60 %, 9,000 rows of public.products, 3,000 rows/s, 2.0 s left, windows of 1,500",
  );
  observe({ ...window, step, slowedBy: null, position: ["70"], worker: 2 });
  observe({ ...window, step, slowedBy: "autovacuum", position: ["a", "20"], worker: 1 });
  expect(shown.split("\n")).toEqual([
    "0002_b: 60 %, 9,000 rows of public.products, 3,000 rows/s, 2.0 s left",
    "  worker 1: up to a, 20, slowed by autovacuum, windows of 1,500",
    "  worker 2: up to 70, windows of 1,500",
  ]);
  const back = { revision: "0002_b", file: "0002_b.sql", direction: "down" } as never;
  observe({ ...window, step: back, share: null, leftMs: null, slowedBy: null, position: [], worker: null });
  expect(shown).toBe("0002_b: 9,000 rows of public.products taken back, 3,000 rows/s, windows of 1,500");
});
