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

export function predictionOf(
  { notRehearsed, statements }: RehearsedStep,
  times: ReadonlyMap<RehearsedStatement, number>,
): Predicted {
  const unknown = { predictedMs: null, outages: [] };
  if (notRehearsed !== null || !statements.some((one) => times.has(one))) return unknown;
  const durations = statements.map((one) => times.get(one) ?? (isWork(one) ? null : one.durationMs));
  const known = durations.flatMap((ms) => ms ?? []);
  if (known.length < durations.length) return unknown;
  const sum = (from: number) => known.slice(from).reduce((all, ms) => all + ms, 0);
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
  const rounded = [...outages.values()].map((one) => ({ ...one, durationMs: Math.round(one.durationMs) }));
  return { predictedMs: Math.round(sum(0)), outages: rounded };
}
