/** What `new`, `merge` and `init` share: the name of the next migration of a folder, and its first text. */
import { join } from "node:path";
import type { Migration } from "../../core/migration.ts";
import { ConfigError } from "../../errors.ts";
import type { Language } from "../../source/plain/template.ts";
import { writeNew } from "../files.ts";

/** The next number, as wide as the others. If the others are times, the current time in UTC. */
export function nextNumber(migrations: readonly Migration[], now: Date): string {
  const numbers = migrations.flatMap((migration) => {
    const digits = migration.kind === "repeatable" ? undefined : /^\d+/.exec(migration.id)?.[0];
    return digits === undefined ? [] : [digits];
  });
  const time = now.toISOString().replace(/\D/g, "").slice(0, 14);
  if (numbers.some((digits) => digits.length === 14)) {
    const last = numbers.reduce((a, b) => (BigInt(a) > BigInt(b) ? a : b));
    return BigInt(last) >= BigInt(time) ? String(BigInt(last) + 1n) : time;
  }
  const greatest = numbers.reduce((best, digits) => (BigInt(digits) > best ? BigInt(digits) : best), 0n);
  const width = numbers.length === 0 ? 4 : Math.max(...numbers.map((digits) => digits.length));
  return String(greatest + 1n).padStart(width, "0");
}

/**
 * Makes `add_shop_slugs` from `Add shop slugs!`. Letters of any script stay. Throws `ConfigError` if nothing is left.
 */
export function slugOf(words: string): string {
  const slug = words
    .normalize("NFKD")
    .toLowerCase()
    // Accents of Latin letters are removed. In other scripts a mark makes another letter or is a vowel, so it stays.
    .replace(/(\p{Script=Latin})\p{M}+/gu, "$1")
    .normalize("NFC")
    .replace(/[^\p{L}\p{M}\p{N}]+/gu, "_");
  const short = shortened(slug.replace(/^_+|_+$/g, "")).replace(/_+$/, "");
  if (short !== "") return short;
  throw new ConfigError({
    code: "CONFIG_INVALID",
    message: "A migration needs a name.",
    hint: "For example: `godwit new add shop slugs`",
    details: { from: "flag" },
  });
}

/** At most 80 characters and `MOST_BYTES` bytes. */
function shortened(slug: string): string {
  let kept = [...slug].slice(0, 80);
  while (Buffer.byteLength(kept.join("")) > MOST_BYTES) kept = kept.slice(0, -1);
  return kept.join("");
}

/** The most bytes of a slug. File systems allow 255, and the number, the extension and a temporary suffix need some. */
const MOST_BYTES = 160;

/** Never overwrites a file. */
export function writeMigration(folder: string, name: string, text: string): void {
  writeNew(join(folder, name), text);
}

export function isGraph(migrations: readonly Migration[]): boolean {
  return migrations.some((migration) => migration.revises !== null);
}

/** TypeScript if all numbered migrations of the folder are TypeScript, else SQL. */
export function languageOf(migrations: readonly Migration[]): Language {
  const own = migrations.filter((migration) => migration.kind !== "repeatable");
  return own.length > 0 && own.every((migration) => /\.[mc]?ts$/.test(migration.file)) ? "ts" : "sql";
}
