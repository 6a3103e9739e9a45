/** For how long a step keeps others out of tables. Values in, values out. */

import { blocksWrites, type LockMode, strongest } from "../rehearsal/lock-modes.ts";
import type { RehearsedStatement, RehearsedStep } from "../rehearsal/report.ts";
import { isWork } from "./calibrate.ts";

export interface Outage {
  readonly relation: string;
  readonly mode: LockMode;
  readonly durationMs: number;
}

export interface Predicted {
  /** How long it takes, as far as rows decide that. `null`: nobody knows. */
  readonly predictedMs: number | null;
  /** Locks that keep others from writing or reading, and for how long. */
  readonly outages: readonly Outage[];
}

/** `roundTripMs`: of a message to the target. Locks are held while the answer to a statement and the message of the end are under way. */
export function predictionOf(
  { notRehearsed, statements }: RehearsedStep,
  times: ReadonlyMap<RehearsedStatement, number>,
  roundTripMs: number,
): Predicted {
  const unknown = { predictedMs: null, outages: [] };
  if (notRehearsed !== null || !statements.some((one) => times.has(one))) return unknown;
  const durations = statements.map((one) => times.get(one) ?? (isWork(one) ? null : one.durationMs));
  const known = durations.flatMap((ms) => (ms === null ? [] : [ms + roundTripMs]));
  if (known.length < durations.length) return unknown;
  const sum = (from: number) => known.slice(from).reduce((all, ms) => all + ms, roundTripMs);
  const outages = new Map<string, Outage>();
  statements.forEach(({ locks }, index) => {
    for (const { relation, kind, mode, heldUntil } of locks) {
      if (kind === "index" || !blocksWrites(mode)) continue;
      const durationMs = heldUntil === "transaction" ? sum(index) : (known[index] ?? 0);
      const before = outages.get(relation);
      outages.set(relation, {
        relation,
        mode: strongest([mode, ...(before === undefined ? [] : [before.mode])]) ?? mode,
        durationMs: Math.max(durationMs, before?.durationMs ?? 0),
      });
    }
  });
  const rounded = [...outages.values()].map((one) => ({ ...one, durationMs: inTenths(one.durationMs) }));
  return { predictedMs: inTenths(sum(0)), outages: rounded };
}

function inTenths(ms: number): number {
  return Math.round(ms * 10) / 10;
}
