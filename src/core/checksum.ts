/** What identifies a text: the hash of its canonical form, and one that ignores its looks. */
import { createHash } from "node:crypto";

/** The text as it is hashed and sent: without byte order mark, lines ended by LF. */
export function canonicalText(text: string): string {
  const withoutMark = text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
  return withoutMark.includes("\r") ? withoutMark.replace(/\r\n?/g, "\n") : withoutMark;
}

/** `sha256:<hex>` of the canonical text. */
export function checksum(text: string): string {
  return `sha256:${sha256(canonicalText(text))}`;
}

/** `tokens:<hex>`, equal for texts that differ only in comments and white space. */
export function fingerprint(text: string): string {
  return `tokens:${sha256(canonicalText(text).replace(/\s+/g, " ").trim())}`;
}

function sha256(text: string): string {
  return createHash("sha256").update(text, "utf8").digest("hex");
}
