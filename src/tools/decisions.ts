/** How each difference between another tool's history and our ledger (`compare.ts`) is handled: one table. */
import type { ToolEvent, ToolEventKind } from "./compare.ts";

/**
 * - `take`: our ledger records it
 * - `tell`: its row is written into the tool's history
 * - `ask`: refused until a person has decided, with `godwit adopt` (ADOPT_NEEDED)
 * - `refuse`: refused, with the ways out (ADOPT_TAKEN_BACK, ADOPT_CONFLICT)
 * - `warn`: reported, and nothing else
 * - `leave`: nothing is done, and the plan decides
 */
export type Decision = "take" | "tell" | "ask" | "refuse" | "warn" | "leave";

export interface Situation {
  /** We never ran anything in this database. */
  readonly first: boolean;
  /** We also write the tool's history. */
  readonly mirrored: boolean;
}

/** For each event: the decision on the first look and on every later one, with and without mirroring. */
export const DECISIONS: Readonly<Record<ToolEventKind, { readonly first: Pair; readonly later: Pair }>> = {
  "applied-there": { first: { mirrored: "take", not: "ask" }, later: { mirrored: "take", not: "ask" } },
  edited: { first: { mirrored: "ask", not: "ask" }, later: { mirrored: "take", not: "ask" } },
  "passed-over": { first: { mirrored: "ask", not: "ask" }, later: { mirrored: "leave", not: "leave" } },
  "implied-there": { first: { mirrored: "ask", not: "ask" }, later: { mirrored: "ask", not: "ask" } },
  uncertain: { first: { mirrored: "refuse", not: "refuse" }, later: { mirrored: "refuse", not: "refuse" } },
  "taken-back-there": {
    first: { mirrored: "refuse", not: "refuse" },
    later: { mirrored: "refuse", not: "refuse" },
  },
  "later-time": { first: { mirrored: "refuse", not: "warn" }, later: { mirrored: "refuse", not: "warn" } },
  "missing-there": { first: { mirrored: "tell", not: "leave" }, later: { mirrored: "tell", not: "leave" } },
  unremembered: { first: { mirrored: "refuse", not: "leave" }, later: { mirrored: "refuse", not: "leave" } },
  "applied-by-both": { first: { mirrored: "warn", not: "warn" }, later: { mirrored: "warn", not: "warn" } },
  "taken-out-here": {
    first: { mirrored: "leave", not: "leave" },
    later: { mirrored: "leave", not: "leave" },
  },
  "without-file": { first: { mirrored: "ask", not: "ask" }, later: { mirrored: "warn", not: "warn" } },
  "same-name": { first: { mirrored: "refuse", not: "refuse" }, later: { mirrored: "refuse", not: "refuse" } },
  unplaced: { first: { mirrored: "refuse", not: "refuse" }, later: { mirrored: "refuse", not: "refuse" } },
  renamed: { first: { mirrored: "refuse", not: "refuse" }, later: { mirrored: "refuse", not: "refuse" } },
};

interface Pair {
  readonly mirrored: Decision;
  readonly not: Decision;
}

export function decisionOf(event: ToolEvent, { first, mirrored }: Situation): Decision {
  const { [first ? "first" : "later"]: pair } = DECISIONS[event.kind];
  return pair[mirrored ? "mirrored" : "not"];
}
