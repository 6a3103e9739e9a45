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

/**
 * Those of the wanted fingerprints that a run of whole statements in this text has, but not the text as a whole: the
 * text may be several migrations put together. A run that does no harm a second time does not count. Looks at a bounded
 * number of runs, so a very long text may have more.
 */
export function fingerprintsWithin(text: string, wanted: ReadonlySet<string>): ReadonlySet<string> {
  const statements = text.length > LONGEST_SEARCHED ? [] : statementTokens(canonicalText(text));
  const found = new Set<string>();
  let left = LONGEST_SEARCHED * SEARCHES;
  for (let first = 0; first < statements.length && found.size < wanted.size; first++) {
    const hash = createHash("sha256");
    let counts = false;
    for (let last = first; last < statements.length; last++) {
      const { tokens, isEnded } = statements[last] as StatementTokens;
      counts ||= !HARMLESS_TWICE.test(tokens);
      left -= tokens.length + COST_OF_A_LOOK;
      if (left < 0) return found;
      hash.update(tokens, "utf8");
      const isWhole = first === 0 && last === statements.length - 1;
      const seen = () => `tokens:${hash.copy().digest("hex")}`;
      const bare = seen();
      if (isEnded) hash.update("; ", "utf8");
      for (const one of isEnded ? [bare, seen()] : [bare])
        if (counts && !isWhole && wanted.has(one)) found.add(one);
    }
  }
  return found;
}

const LONGEST_SEARCHED = 1_000_000;
const SEARCHES = 32;
/** Making a digest costs about as much as hashing this many characters. */
const COST_OF_A_LOOK = 500;

/** Many files begin or end with such statements, so they tell nothing. */
const HARMLESS_TWICE =
  /^(?:$|create or replace |create \w+ (?:\w+ )?if not exists |drop \w+ (?:\w+ )?if exists |(?:set|reset|notify|grant|revoke|comment|analyze|begin|commit) )/;

interface StatementTokens {
  readonly tokens: string;
  /** A semicolon follows. */
  readonly isEnded: boolean;
}

function statementTokens(canonical: string): readonly StatementTokens[] {
  const statements: StatementTokens[] = [];
  let tokens = "";
  for (let token = nextToken(canonical, 0); token !== null; token = nextToken(canonical, token.end)) {
    const written = canonical.slice(token.start, token.end);
    if (written === ";") {
      statements.push({ tokens, isEnded: true });
      tokens = "";
    } else tokens += token.kind === "word" ? `${fold(written)} ` : `${written} `;
  }
  if (tokens !== "") statements.push({ tokens, isEnded: false });
  return statements;
}
