import { expect, test } from "vitest";
import { patienceOf } from "./patience.ts";

test("nobody hurries a run that ends by itself, and one that a signal ends waits a second in all", () => {
  const stop = new AbortController();
  const patienceMs = patienceOf(stop.signal, { parts: 2 });
  expect(patienceMs()).toBe(3_000);
  stop.abort();
  expect(patienceMs()).toBe(500);
});

test("where most of the time after the signal is over, what is left is shared, and never negative", () => {
  const stop = new AbortController();
  let now = 1_000;
  const patienceMs = patienceOf(stop.signal, { parts: 2, now: () => now });
  stop.abort();
  now += 6_000;
  expect(patienceMs()).toBe(500);
  now += 60_000;
  expect(patienceMs()).toBe(0);
});
