/** Tells whether a migration is still the one that was applied. Both hashes are kept in ledgers: never change them. */
import { createHash } from "node:crypto";
import { fold, nextToken } from "./sql/tokens.ts";

/** Without byte order mark, with `\n` for every line break: the same on every machine. */
export function canonicalText(text: string): string {
  return text.replace(/^\ufeff/, "").replace(/\r\n?/g, "\n");
}

/** `sha256:<hex>` of the canonical text in UTF-8. */
export function checksum(text: string): string {
  return `sha256:${createHash("sha256").update(canonicalText(text), "utf8").digest("hex")}`;
}

/**
 * `tokens:<hex>`, equal for SQL that differs only in comments, white space between tokens and the case of
 * unquoted words. Strings and dollar bodies count as they are written.
 */
export function fingerprint(text: string): string {
  const steps = fingerprintSteps(text);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** The same for a text of many MB: it stops every 65,536 characters, so that whoever asks can do something else. */
export function* fingerprintSteps(text: string): Generator<undefined, string> {
  const canonical = canonicalText(text);
  const hash = createHash("sha256");
  let pending = "";
  for (let token = nextToken(canonical, 0); token !== null; token = nextToken(canonical, token.end)) {
    const written = canonical.slice(token.start, token.end);
    // One space cannot join or continue tokens, so the text that is hashed has exactly these tokens.
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
