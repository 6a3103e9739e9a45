/** No name of ours is longer. The work grows with the length of both words, and the typed word may be of any length. */
const LONGEST = 200;

/** The candidate that a mistyped word most likely means. `undefined` if none is close. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  if (word.length > LONGEST) return undefined;
  const typed = word.toLowerCase();
  let best: string | undefined;
  let least = Math.max(2, Math.floor(typed.length / 3)) + 1;
  for (const candidate of candidates) {
    if (candidate.length > LONGEST) continue;
    const steps = distance(typed, candidate.toLowerCase());
    // With as many changes as letters, any word would match any other.
    if (steps > 0 && steps >= Math.min(typed.length, candidate.length)) continue;
    // On a tie the smaller name wins, so that the answer does not depend on the order of the candidates.
    if (steps < least || (steps === least && best !== undefined && candidate < best)) {
      least = steps;
      best = candidate;
    }
  }
  return best;
}

/** The number of insertions, deletions, replacements and swaps of neighbours that lead from one word to the other. */
export function distance(from: string, to: string): number {
  let older: number[] = [];
  let old = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let row = 1; row <= from.length; row++) {
    const now = [row];
    for (let column = 1; column <= to.length; column++) {
      const same = from[row - 1] === to[column - 1];
      let steps = Math.min(
        (old[column] ?? 0) + 1,
        (now[column - 1] ?? 0) + 1,
        (old[column - 1] ?? 0) + (same ? 0 : 1),
      );
      const swapped =
        row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      if (swapped) steps = Math.min(steps, (older[column - 2] ?? 0) + 1);
      now.push(steps);
    }
    older = old;
    old = now;
  }
  return old[to.length] ?? 0;
}
