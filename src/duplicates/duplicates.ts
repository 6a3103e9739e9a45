/** Groups of duplicates as plain data, for printing, for JSON and for the contact sheet. */
import type { Limits } from "./limits.ts";

export interface DuplicateFile {
  readonly id: number;
  /** The name of its import. */
  readonly import: string;
  readonly path: string;
  readonly sizeBytes: number;
  readonly width: number;
  readonly height: number;
  readonly format: string;
  readonly hasAlpha: boolean;
  readonly sha256: string;
  /** Whether a person said "keep this one". */
  readonly kept: boolean;
  /** Whether it is the best of the group: most pixels, then with alpha, then most bytes, then the oldest. */
  readonly suggested: boolean;
}

export type GroupKind = "exact" | "same";

export interface DuplicateGroup {
  /** The id of its oldest file. */
  readonly id: number;
  /** `exact`: the same bytes. `same`: the same design. */
  readonly kind: GroupKind;
  readonly files: readonly DuplicateFile[];
  /** How many members have the same bytes as another member, not counting one for each content. */
  readonly exactCopies: number;
  /**
   * Ids of members whose colours were never read, so only their shapes are known to be the same. `--keep` of the
   * group leaves them open.
   */
  readonly unsure: readonly number[];
  /** How many members the group has, including those that are decided or too many to list. */
  readonly size: number;
  /** Only the first `MAX_SHOWN` are listed. */
  readonly truncated: boolean;
  /** Whether everything in it is decided. Such a group is listed only on request. */
  readonly settled: boolean;
}

/** Two files of different groups that look alike. A person should look at them. */
export interface ReviewPair {
  readonly files: readonly [DuplicateFile, DuplicateFile];
  /** How many of 64 and of 256 bits differ. */
  readonly distance: number;
  readonly distance256: number;
  /** The distance in colour. Up to 16 counts as the same. `null`: it is not known. */
  readonly colours: number | null;
}

/** Counts over everything, not only over the listed part. */
export interface DuplicateCounts {
  /** How many files the library has. */
  readonly files: number;
  /** How many open groups of each kind there are. `surplus`: their files beyond one each. */
  readonly exact: number;
  readonly same: number;
  readonly surplus: number;
  /** How many of `surplus` have the same bytes as another file of their group. */
  readonly exactCopies: number;
  /** How many members of open groups have colours that were never read. */
  readonly unsure: number;
  readonly review: number;
  /** How many groups are decided. */
  readonly settled: number;
  /** How many looks are not compared yet. Run `compareNew` first. */
  readonly pending: number;
  /** How many looks have so many near ones that only the nearest are known. */
  readonly crowded: number;
}

export interface Duplicates {
  readonly groups: readonly DuplicateGroup[];
  readonly review: readonly ReviewPair[];
  readonly counts: DuplicateCounts;
  /** The listed part. It applies to `groups` and to `review`. */
  readonly page: {
    readonly offset: number;
    readonly limit: number;
    /** How many groups of the wanted kinds there are. */
    readonly groups: number;
    /** How many pairs for review there are, if they are wanted. */
    readonly pairs: number;
  };
  readonly limits: Limits;
}
