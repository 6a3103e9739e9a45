import { expect, test } from "vitest";
import type { RunEvent } from "../../run/report/events.ts";
import { createProgress } from "./progress.ts";

const holder = {
  ...{ pid: 7, host: "host-b", user: "app", runId: null, heldForMs: 1000, doing: "0001_a" },
  release: "select pg_terminate_backend(7)",
};

function said(events: readonly RunEvent[]): readonly { readonly message: string; readonly hint: boolean }[] {
  const lines: { message: string; hint: boolean }[] = [];
  const { observe } = createProgress({
    write: (_level, message, fields) => void lines.push({ message, hint: fields?.hint !== undefined }),
    ...{ live() {}, done() {}, failed() {}, problem() {} },
  });
  for (const event of events) observe(event);
  return lines;
}

test("a wait for another run is said at growing distances, with the way to end it after 30 s", () => {
  const events = Array.from({ length: 31 }, (_, index): RunEvent => {
    return { kind: "lock-waiting", holder, waitedMs: index * 10_000 + (index === 0 ? 0 : 40) };
  });
  const lines = said(events);
  expect(
    lines.map(({ message }) => /waiting(?: for ([\d.]+ ?\w+))? for another run/.exec(message)?.[1]),
  ).toEqual([undefined, "30 s", "1 min", "2 min", "4 min"]);
  expect(lines.map(({ hint }) => hint)).toEqual([false, true, true, true, true]);
});

test("the next wait of the same run begins anew", () => {
  const first: RunEvent = { kind: "lock-waiting", holder, waitedMs: 0 };
  const lines = said([first, { kind: "lock-acquired", waitedMs: 500 }, first]);
  expect(lines).toHaveLength(2);
});

test("a tool that holds its own lock is not called another run", () => {
  const [line] = said([{ kind: "lock-waiting", holder, waitedMs: 0, tool: "Prisma" }]);
  expect(line?.message).toContain("waiting for Prisma, which holds its own lock: process 7");
});
