/** Files that may be duplicates, and what is known about pairs of them. */

export interface Candidate {
  /** The id of the file. A lower id is older. */
  readonly id: number;
  /** Files with the same bytes have the same number. */
  readonly content: number;
  /** Its classes by look, as it is and on a white ground. `null`: it has none, or the class says nothing. */
  readonly visual: number | null;
  readonly white: number | null;
}

export interface Link {
  readonly left: number;
  readonly right: number;
  readonly distance: number;
  readonly distance256: number;
}

export interface Verdict {
  readonly left: number;
  readonly right: number;
  readonly verdict: "distinct" | "duplicate";
  readonly kept: number | null;
}

/** The distance of two contents in colour. `null`: it is not known. */
export type CompareColours = (left: number, right: number) => number | null;

export function classesOf({ visual, white }: Candidate): readonly number[] {
  return [visual, white].filter((one, at, all): one is number => one !== null && all.indexOf(one) === at);
}

/** Groups files by each of their keys. The files of one key keep their order. */
export function collect(files: readonly Candidate[], keys: (file: Candidate) => readonly number[]) {
  const found = new Map<number, Candidate[]>();
  for (const file of files)
    for (const key of keys(file)) {
      const some = found.get(key);
      if (some === undefined) found.set(key, [file]);
      else some.push(file);
    }
  return found;
}

/** Groups links by the class at either end. */
export function neighboursOf(links: readonly Link[]): ReadonlyMap<number, readonly Link[]> {
  const found = new Map<number, Link[]>();
  for (const link of links)
    for (const end of [link.left, link.right]) {
      const some = found.get(end);
      if (some === undefined) found.set(end, [link]);
      else some.push(link);
    }
  return found;
}
