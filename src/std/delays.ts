/** Pauses between attempts, as people write them: one for all, one after the other, or growing. */
import { parseDurationMs } from "./duration.ts";
import { backoffMs } from "./time.ts";

export interface Delays {
  /** At least one; the last counts for all that follow. */
  readonly listMs: readonly number[];
  /** Twice as long each time, from the first. */
  readonly growing: boolean;
}

const LONGEST_MS = 300_000;
const FIRST_OF_GROWING_MS = 1_000;

/** `5s`, `1s,5s,30s`, `exponential`, `exponential 2s`. `null` if the text is none of these. */
export function parseDelays(text: string): Delays | null {
  const growing = /^exponential(?:[ :]\s*(\S+))?$/.exec(text.trim());
  if (growing !== null) {
    const firstMs = growing[1] === undefined ? FIRST_OF_GROWING_MS : parseDurationMs(growing[1]);
    return firstMs === null ? null : { listMs: [firstMs], growing: true };
  }
  const listMs = text.split(",").map((part) => parseDurationMs(part.trim()));
  return listMs.some((each) => each === null) ? null : { listMs: listMs as number[], growing: false };
}

/** The pause before a retry; retries count from 1. A growing one is spread, so that many who began together do not stay so. */
export function delayOf({ listMs, growing }: Delays, retry: number): number {
  const [firstMs = 0] = listMs;
  if (growing) return backoffMs(retry, { firstMs, maxMs: LONGEST_MS });
  return listMs[Math.min(retry, listMs.length) - 1] ?? firstMs;
}
