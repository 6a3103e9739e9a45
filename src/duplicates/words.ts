/** Texts that the terminal and the contact sheet share. */

import { whole } from "../std/number.ts";
import { shellWord } from "../std/shell-word.ts";
import { SAME_COLOURS } from "./colours.ts";
import type { DuplicateFile, DuplicateGroup, Duplicates, ReviewPair } from "./duplicates.ts";

export const KIND_TITLES = {
  exact: "Exact copies",
  same: "Same design",
  review: "For review",
} as const;

/** What a command says behind its files. `target`: of several that are configured, the one that it is about. */
export function targetFlag(target: string | undefined): string {
  return target === undefined ? "" : ` --target ${shellWord(target)}`;
}

export function keepCommand(group: DuplicateGroup, target: string | undefined): string {
  const file = bestOf(group.files);
  return `godwit duplicates --keep ${file?.id ?? group.id}${targetFlag(target)}`;
}

export function distinctCommand(files: readonly DuplicateFile[], target: string | undefined): string {
  return `godwit duplicates --distinct ${files.map(({ id }) => id).join(" ")}${targetFlag(target)}`;
}

/** The command names the copy, because a pair for review is not a group. */
export function keepOfPairCommand({ files }: ReviewPair, target: string | undefined): string {
  const kept = bestOf(files) ?? files[0];
  return `godwit duplicates --keep ${[kept, ...files.filter((file) => file !== kept)].map(({ id }) => id).join(" ")}${targetFlag(target)}`;
}

/** Why a pair is for review. */
export function differenceOf({ distance256, colours }: ReviewPair): string {
  const shape = `${distance256} of 256 bits differ`;
  if (colours !== null && colours > SAME_COLOURS) return `other colours (${colours} apart), ${shape}`;
  // The two look equal. A person separated them, or the colours of another member did.
  return distance256 === 0 ? `${shape}, but one of them differs from another file of the group` : shape;
}

/** How many copies a group has. In an exact group all members are copies. */
export function copiesOf({ kind, exactCopies }: DuplicateGroup): string {
  if (kind === "exact" || exactCopies === 0) return "";
  return `, ${exactCopies === 1 ? "1 of them an exact copy" : `${whole(exactCopies)} of them exact copies`} of another`;
}

export function bestOf(files: readonly DuplicateFile[]): DuplicateFile | undefined {
  return files.find(({ suggested }) => suggested);
}

export function bytes(sizeBytes: number): string {
  const units = ["B", "kB", "MB", "GB"];
  let value = sizeBytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 || value >= 99.5 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

export function count(number: number, one: string, many = `${one}s`): string {
  return `${whole(number)} ${number === 1 ? one : many}`;
}

/** Lines such as "showing 200 of 1,234 groups", if not everything is listed. */
export function showing({ groups, review, page }: Duplicates): readonly string[] {
  return [
    ...(groups.length < page.groups
      ? [`showing ${whole(groups.length)} of ${count(page.groups, "group")}`]
      : []),
    ...(review.length < page.pairs
      ? [`showing ${whole(review.length)} of ${count(page.pairs, "pair")} for review`]
      : []),
  ];
}
