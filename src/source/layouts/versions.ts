/** Versions in file names: their orders, and what is wrong when two files have the same one. */

import { duplicateVersion } from "../problems.ts";
import type { Entry } from "./layout.ts";

export interface Versioned extends Entry {
  /** As the tool's history has it. */
  readonly version: string;
}

/** `0012` → `12`. */
export function withoutZeros(digits: string): string {
  return digits.replace(/^0+(?=\d)/, "");
}

/** By the bytes of UTF-8, as most languages but JavaScript compare text. */
export function byBytes(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right));
}

/** All that share a version are refused, each naming all files. Keeps the order. */
export function refuseShared(entries: readonly Versioned[]): readonly Entry[] {
  const files = new Map<string, string[]>();
  for (const { version, file } of entries) files.set(version, [...(files.get(version) ?? []), file]);
  return entries.map((entry) => {
    const [first, second, ...others] = files.get(entry.version) ?? [];
    if (first === undefined || second === undefined) return entry;
    return {
      ...entry,
      problem: entry.problem ?? duplicateVersion(entry.version, [first, second, ...others]),
    };
  });
}
