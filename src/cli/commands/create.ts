/** What `new`, `merge` and `init` share: how the next migration of a folder is called, and how it begins. */
import { join } from "node:path";
import type { Migration } from "../../core/migration.ts";
import { ConfigError } from "../../errors.ts";
import { writeNew } from "../files.ts";

export type Language = "sql" | "ts";

/** The next number in the width of the others, or the time in UTC where the others have one. */
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

/** `Add shop slugs!` → `add_shop_slugs`, with the letters of any script. Throws `ConfigError` where nothing is left of it. */
export function slugOf(words: string): string {
  const slug = words
    .normalize("NFKD")
    .toLowerCase()
    // Of Latin letters the accents may go; elsewhere a mark makes another letter, or is a vowel.
    .replace(/(\p{Script=Latin})\p{M}+/gu, "$1")
    .normalize("NFC")
    .replace(/[^\p{L}\p{M}\p{N}]+/gu, "_");
  const short = shortened(slug.replace(/^_+|_+$/g, "")).replace(/_+$/, "");
  if (short !== "") return short;
  throw new ConfigError({
    code: "CONFIG_INVALID",
    message: "A migration needs a name.",
    hint: "For example: godwit new add shop slugs",
    details: { from: "flag" },
  });
}

/** At most 80 characters, and what a file system takes for a name. */
function shortened(slug: string): string {
  let kept = [...slug].slice(0, 80);
  while (Buffer.byteLength(kept.join("")) > MOST_BYTES) kept = kept.slice(0, -1);
  return kept.join("");
}

/** Of the 255 some are for the number, the extension, and the name it is written under at first. */
const MOST_BYTES = 160;

/** Never overwrites a file. */
export function writeMigration(folder: string, name: string, text: string): void {
  writeNew(join(folder, name), text);
}

export function templateOf(language: Language, revises: readonly string[] | null): string {
  if (language === "sql") {
    const header =
      revises === null ? "" : `-- godwit: revises=${revises.length === 0 ? "none" : revises.join(",")}\n\n`;
    return `${header}-- migrate:up\n\n\n-- migrate:down\n\n`;
  }
  const parents =
    revises === null ? "" : `  revises: ${JSON.stringify(revises.length === 0 ? "none" : revises)},\n`;
  return `import { migration } from "godwit";

export default migration({
${parents}  async up({ sql }) {
    // await sql\`update shops set slug = lower(name) where slug is null\`;
  },
  async down({ sql }) {},
});
`;
}

export function isGraph(migrations: readonly Migration[]): boolean {
  return migrations.some((migration) => migration.revises !== null);
}

/** In the language that the folder speaks. */
export function languageOf(migrations: readonly Migration[]): Language {
  const own = migrations.filter((migration) => migration.kind !== "repeatable");
  return own.length > 0 && own.every((migration) => /\.[mc]?ts$/.test(migration.file)) ? "ts" : "sql";
}
