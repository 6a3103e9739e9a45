/**
 * Files are read and looked through synchronously, which is fastest, and takes seconds where a file has many MB. Between
 * two looks at it a signal or the deadline can end the work.
 */
import { setImmediate as breathe } from "node:timers/promises";
import { fingerprintSteps } from "../core/checksum.ts";

/** Lets timers and signals have their turn, if there has been none for a while. Throws the reason of the signal. */
export type Pause = () => Promise<void>;

const SLICE_MS = 50;

export function pauses(signal: AbortSignal | undefined): Pause {
  let lastMs = performance.now();
  return async () => {
    if (performance.now() - lastMs > SLICE_MS) {
      await breathe();
      // A timer that is due has its turn before the next callback of this kind.
      await breathe();
      lastMs = performance.now();
    }
    signal?.throwIfAborted();
  };
}

export async function fingerprintWithPauses(text: string, pause: Pause): Promise<string> {
  const steps = fingerprintSteps(text);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    await pause();
  }
}
