/** How Flyway reads the name of a file: kind, version and description. This file is pure. */
import { basename } from "node:path";
import type { FlywaySettings } from "./flyway-settings.ts";

export interface Named {
  readonly kind: "V" | "R" | "B";
  readonly id: string;
  /** Path below the folder. */
  readonly file: string;
  /** The version as Flyway stores it, with `.` for `_`. Empty for R. */
  readonly version: string;
  readonly description: string;
  /** The file is not SQL. */
  readonly foreign: boolean;
}

export const FOREIGN = /\.(?:java|kt|groovy|scala|class|cmd|bat|ps1|py|sh|bash)$/;
export const VERSION = /^\d+(?:\.\d+)*$/;

/** The name without its extension. `null` if Flyway ignores the file. */
export function stemOf(
  file: string,
  { suffixes }: FlywaySettings,
): { stem: string; foreign: boolean } | null {
  const name = basename(file);
  const suffix = suffixes.find((each) => name.toLowerCase().endsWith(each.toLowerCase()));
  if (suffix !== undefined) return { stem: name.slice(0, -suffix.length), foreign: false };
  return FOREIGN.test(name) ? { stem: name.replace(/\.[^.]+$/, ""), foreign: true } : null;
}

export function parseName(file: string, settings: FlywaySettings): Named | null {
  const found = stemOf(file, settings);
  if (found === null) return null;
  const { stem, foreign } = found;
  const { prefixes, separator } = settings;
  const kinds = (["V", "R", "B"] as const).filter((kind) => stem.startsWith(prefixes[kind]));
  // If two prefixes match, the longer one counts: `V` and `VIEW`.
  const [kind] = kinds.sort((left, right) => prefixes[right].length - prefixes[left].length);
  if (kind === undefined) return null;
  const rest = stem.slice(prefixes[kind].length);
  const at = rest.indexOf(separator);
  const version = (at === -1 ? rest : rest.slice(0, at)).replaceAll("_", ".");
  const description = at === -1 ? "" : rest.slice(at + separator.length);
  if (kind === "R" ? version !== "" : !VERSION.test(version)) return null;
  return { kind, file, id: stem, version, description: shorten(description), foreign };
}

function shorten(description: string): string {
  const spaced = description.replaceAll("_", " ");
  return spaced.length > 200 ? `${spaced.slice(0, 197)}...` : spaced;
}

/** Compares part by part, as whole numbers of any size. A missing part counts as 0. */
export function byVersion(left: Named, right: Named): number {
  const [ours, theirs] = [left, right].map(({ version }) => version.split(".").map(BigInt));
  for (let at = 0; at < Math.max(ours?.length ?? 0, theirs?.length ?? 0); at++) {
    const [a, b] = [ours?.[at] ?? 0n, theirs?.[at] ?? 0n];
    if (a !== b) return a < b ? -1 : 1;
  }
  return 0;
}

export function byDescription(left: Named, right: Named): number {
  return left.description < right.description ? -1 : left.description > right.description ? 1 : 0;
}
