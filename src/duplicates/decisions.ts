/** The decisions of people about pairs of files, and the members of a group that still need an answer. */
import type { Verdict } from "./candidates.ts";

/** For each file, its verdicts by the id of the other file. */
export type Decided = ReadonlyMap<number, ReadonlyMap<number, Verdict>>;

export function decisionsOf(verdicts: readonly Verdict[]): Decided {
  const found = new Map<number, Map<number, Verdict>>();
  for (const verdict of verdicts)
    for (const [own, partner] of [
      [verdict.left, verdict.right],
      [verdict.right, verdict.left],
    ] as const) {
      let some = found.get(own);
      if (some === undefined) {
        some = new Map();
        found.set(own, some);
      }
      some.set(partner, verdict);
    }
  return found;
}

/**
 * The members that need an answer. "Keep this one" ties files into a bundle, and one file stands for each bundle.
 * This is the kept file if it still exists, otherwise the oldest. Kept files come first.
 */
export function openOf(
  ids: readonly number[],
  decided: Decided,
): { readonly open: readonly number[]; readonly kept: ReadonlySet<number> } {
  const here = new Set(ids);
  const kept = new Set<number>();
  const seen = new Set<number>();
  const open: number[] = [];
  for (const id of ids) {
    if (seen.has(id)) continue;
    const bundle = [id];
    let keeper: number | undefined;
    seen.add(id);
    for (let at = 0; at < bundle.length; at++)
      for (const [other, verdict] of decided.get(bundle[at] ?? 0) ?? []) {
        if (verdict.verdict !== "duplicate" || !here.has(other)) continue;
        if (verdict.kept !== null && here.has(verdict.kept))
          keeper = Math.min(keeper ?? Infinity, verdict.kept);
        if (seen.has(other)) continue;
        seen.add(other);
        bundle.push(other);
      }
    if (keeper !== undefined) kept.add(keeper);
    open.push(keeper ?? id);
  }
  open.sort((left, right) => Number(kept.has(right)) - Number(kept.has(left)) || left - right);
  return { open, kept };
}
