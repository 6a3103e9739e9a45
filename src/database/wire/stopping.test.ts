import { expect, test } from "vitest";
import { Interrupted } from "../../errors.ts";
import { stopWith } from "./stopping.ts";

/** How long after the signal the statement is cancelled. */
async function cancelledAfter({ reads }: { readonly reads: boolean }): Promise<number> {
  const [stop, over] = [new AbortController(), new AbortController()];
  const cancelled = new Promise<number>((resolve) => {
    const cancel = async () => {
      over.abort();
      resolve(performance.now());
    };
    stopWith(stop.signal, { busySince: () => 0, cancel, drop: () => {}, over: over.signal });
  });
  const at = performance.now();
  stop.abort(
    new Interrupted({ code: "INTERRUPTED", message: "SIGTERM ended the run." }, "SIGTERM", { reads }),
  );
  return (await cancelled) - at;
}

test("a statement gets a moment to end by itself, unless the command only reads", async () => {
  const [reading, changing] = await Promise.all([
    cancelledAfter({ reads: true }),
    cancelledAfter({ reads: false }),
  ]);
  expect(changing).toBeGreaterThan(1_400);
  expect(reading).toBeLessThan(changing - 1_000);
});
