/** The same file as other checkouts have it: a hash of its bytes knows only one of them. */

/** As it is, with LF and with CRLF; each once. */
export function lineEndVariants(bytes: Buffer): readonly Buffer[] {
  // One character for every byte, whatever the encoding is.
  const text = bytes.toString("latin1");
  const variants = [text, text.replace(/\r\n/g, "\n"), text.replace(/\r?\n/g, "\r\n")];
  return [...new Set(variants)].map((variant) => Buffer.from(variant, "latin1"));
}
