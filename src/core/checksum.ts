/**
 * Tells whether a migration is still the one that was applied. Ledgers store both hashes: never change how they are
 * made.
 */
import { createHash } from "node:crypto";
import { fold, nextToken } from "./sql/tokens.ts";

/** The text without a byte order mark and with `\n` for every line break. It is the same on every machine. */
export function canonicalText(text: string): string {
  return text.replace(/^\ufeff/, "").replace(/\r\n?/g, "\n");
}

/** `sha256:<hex>`, the hash of the canonical text in UTF-8. */
export function checksum(text: string): string {
  return `sha256:${createHash("sha256").update(canonicalText(text), "utf8").digest("hex")}`;
}

/**
 * `tokens:<hex>`. It is equal for SQL that differs only in comments, white space between tokens and the case of unquoted
 * words. Strings and dollar-quoted bodies are hashed as written.
 */
export function fingerprint(text: string): string {
  const steps = fingerprintSteps(text);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** Does the same for a text of many MB. It pauses every 65,536 characters, so that the caller can do other work. */
export function* fingerprintSteps(text: string): Generator<undefined, string> {
  const canonical = canonicalText(text);
  const hash = createHash("sha256");
  let pending = "";
  for (let token = nextToken(canonical, 0); token !== null; token = nextToken(canonical, token.end)) {
    const written = canonical.slice(token.start, token.end);
    // A single space neither joins tokens nor continues a literal. The hashed text therefore has exactly these tokens.
    pending += token.kind === "word" ? `${fold(written)} ` : `${written} `;
    if (pending.length > FLUSH_CHARACTERS) {
      hash.update(pending, "utf8");
      pending = "";
      yield;
    }
  }
  return `tokens:${hash.update(pending, "utf8").digest("hex")}`;
}

const FLUSH_CHARACTERS = 65_536;
