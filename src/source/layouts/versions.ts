/** Versions in file names: how to sort them, and what to report if two files have the same one. */

import { duplicateVersion } from "../problems.ts";
import type { Entry } from "./layout.ts";

export interface Versioned extends Entry {
  /** The version as the tool's history stores it. */
  readonly version: string;
}

/** Compares the bytes of UTF-8, as most languages except JavaScript compare text. */
export function byBytes(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right));
}

/** Refuses all entries that share a version. Each problem names all files. The order stays the same. */
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
