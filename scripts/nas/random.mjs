// Numbers that look random and are the same on every machine: no clock, no Math.random.

/** A generator of its own for every label, so that one more design does not change the others. */
export function randomFrom(...labels) {
  let hash = 0x811c9dc5;
  for (const character of labels.join("/")) {
    hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  }
  let state = hash >>> 0;
  /** A whole number of 32 bits; 2^32 steps before it repeats. */
  const next = () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  };
  const between = (low, high) => low + (next() / 2 ** 32) * (high - low);
  const int = (low, high) => Math.floor(between(low, high + 1));
  return {
    next,
    between,
    int,
    chance: (share) => next() / 2 ** 32 < share,
    pick: (list) => list[int(0, list.length - 1)],
    shuffle: (list) => {
      const copy = [...list];
      for (let last = copy.length - 1; last > 0; last--) {
        const other = int(0, last);
        [copy[last], copy[other]] = [copy[other], copy[last]];
      }
      return copy;
    },
    /** One key of `{ key: weight }`. */
    weighted: (weights) => {
      const entries = Object.entries(weights);
      let left = between(
        0,
        entries.reduce((sum, [, weight]) => sum + weight, 0),
      );
      for (const [key, weight] of entries) {
        left -= weight;
        if (left < 0) return key;
      }
      return entries[0][0];
    },
    bytes: (count) => Buffer.from(Uint8Array.from({ length: count }, () => next() & 255)),
  };
}
