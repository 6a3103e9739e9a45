/** Files that may be the same as another one, and what is known between them. */

export interface Candidate {
  /** Of the file; lower is older. */
  readonly id: number;
  /** The same for files with the same bytes. */
  readonly content: number;
  /** Its classes by look, as it is and on white. `null`: it has none, or the class says nothing. */
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

/** The distance of two contents in colour; `null` where it is not known. */
export type CompareColours = (left: number, right: number) => number | null;

export function classesOf({ visual, white }: Candidate): readonly number[] {
  return [visual, white].filter((one, at, all): one is number => one !== null && all.indexOf(one) === at);
}

/** The files by each of their keys. Those of one key keep their order. */
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

/** The links by the class at either end. */
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
