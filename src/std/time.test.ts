import { once } from "node:events";
import { setImmediate as turn } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { delay, formatDuration, timeLimit } from "./time.ts";

test("a time limit that only AbortSignal.any knows ends what waits for it, whatever the garbage collector does", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const other = new AbortController();
  const waiting = (() => {
    const limit = timeLimit(100);
    // biome-ignore lint/plugin: a delay that is cut short is what is tested
    return delay(5_000, AbortSignal.any([other.signal, limit.signal]));
  })();
  waiting.catch(() => {});
  for (let round = 0; round < 3; round++) {
    collect();
    await turn();
  }
  await expect(waiting).rejects.toMatchObject({ name: "TimeoutError" });
});

test("one that is disposed of never aborts", async () => {
  const limit = timeLimit(10);
  limit[Symbol.dispose]();
  using later = timeLimit(20);
  await once(later.signal, "abort");
  expect(limit.signal.aborted).toBe(false);
});

test.each([
  [300_000, "5 min"],
  [125_000, "2 min 5 s"],
  [3_600_000, "1 h"],
  [5_400_000, "1 h 30 min"],
])("%d ms are said without what is nought: %s", (ms, said) => {
  expect(formatDuration(ms)).toBe(said);
});
