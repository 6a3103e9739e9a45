/** Groups of duplicates as plain data, for printing, for JSON and for the contact sheet. */
import type { Limits } from "./limits.ts";

export interface DuplicateFile {
  readonly id: number;
  /** Name of the import that brought it. */
  readonly import: string;
  readonly path: string;
  readonly sizeBytes: number;
  readonly width: number;
  readonly height: number;
  readonly format: string;
  readonly hasAlpha: boolean;
  readonly sha256: string;
  /** A person said "keep this one". */
  readonly kept: boolean;
  /** The best one: most pixels, then with alpha, then most bytes, then oldest. */
  readonly suggested: boolean;
}

export type GroupKind = "exact" | "same";

export interface DuplicateGroup {
  /** Id of its oldest file. */
  readonly id: number;
  /** `exact`: the same bytes. `same`: the same design. */
  readonly kind: GroupKind;
  readonly files: readonly DuplicateFile[];
  /** Members beyond one of each content: they have the same bytes as another member. */
  readonly exactCopies: number;
  /** Members whose colours were never read, so that only their shapes are known to be the same. `--keep` of the group leaves them open. */
  readonly unsure: readonly number[];
  /** All members, also those that are not asked about (any more) or too many to list. */
  readonly size: number;
  /** Only the first `MAX_SHOWN` are listed. */
  readonly truncated: boolean;
  /** All is decided; listed only where settled groups are asked for. */
  readonly settled: boolean;
}

/** Two that look alike, one of two groups or files each: a person should look. */
export interface ReviewPair {
  readonly files: readonly [DuplicateFile, DuplicateFile];
  /** Bits of 64 and of 256 that differ. */
  readonly distance: number;
  readonly distance256: number;
  /** How far apart in colour; up to 16 counts as the same. `null`: not known. */
  readonly colours: number | null;
}

/** Of all, whatever part of it is listed. */
export interface DuplicateCounts {
  /** Stored files in the library. */
  readonly files: number;
  /** Open groups by kind, and files in them beyond one each. */
  readonly exact: number;
  readonly same: number;
  readonly surplus: number;
  /** Of `surplus`: files with the same bytes as another one of their group. */
  readonly exactCopies: number;
  /** Members of open groups whose colours were never read. */
  readonly unsure: number;
  readonly review: number;
  /** Groups in which all is decided. */
  readonly settled: number;
  /** Looks that wait to be compared: run `compareNew` first. */
  readonly pending: number;
  /** Looks with so many near ones that only the nearest are known. */
  readonly crowded: number;
}

export interface Duplicates {
  readonly groups: readonly DuplicateGroup[];
  readonly review: readonly ReviewPair[];
  readonly counts: DuplicateCounts;
  /** Which part this is; `groups` and `review` are each cut by it. */
  readonly page: { readonly offset: number; readonly limit: number };
  readonly limits: Limits;
}
