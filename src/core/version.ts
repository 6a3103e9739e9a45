/** Versions in names: the digits in front, or what a tool makes of them. Two names with one version are one migration. */
import type { Migration } from "./migration.ts";

/**
 * Whether two names have the same version. A revision's name contains its version: the leading digits, which some write
 * with dashes.
 */
export function sharesVersion({ id, kind, tool }: Migration, other: string): boolean {
  const version = tool?.version ?? versionIn(id);
  if (id === other || kind === "repeatable" || version === undefined) return false;
  const isIn = (name: string) => {
    const one = versionIn(name);
    return one !== undefined && (one === version || withoutZeros(one) === withoutZeros(version));
  };
  return isIn(id) && isIn(other);
}

/** Whether two names begin with the same time stamp, to the minute at least. Nobody makes two of these by chance. */
export function sharesTimestamp(one: string, other: string): boolean {
  const stamp = /^\d{12,}(?=[_.-]|$)/.exec(one)?.[0];
  return stamp !== undefined && stamp === /^\d{12,}(?=[_.-]|$)/.exec(other)?.[0];
}

/** `001` and `1` are the same number. */
export function withoutZeros(key: string): string {
  return /^\d+$/.test(key) ? key.replace(/^0+(?=\d)/, "") : key;
}

function versionIn(name: string): string | undefined {
  // Flyway's prefix. Its versions have dots, or underscores in place of dots.
  const [, flyway] = /^[A-Z](\d+(?:[._]\d+)*)__/i.exec(name) ?? [];
  if (flyway !== undefined) return flyway.replaceAll("_", ".");
  const digits = /^\d+(?:-\d+)*(?=[_.-]|$)/.exec(name)?.[0];
  // Several migrations may have been made on one day.
  return digits === undefined || /^\d{4}-\d\d-\d\d$/.test(digits) ? undefined : digits.replaceAll("-", "");
}
