/** The bytes of one file in checkouts with other line ends. A hash of the bytes matches only one of them. */

/** The file unchanged, with LF and with CRLF. Equal variants appear once. */
export function lineEndVariants(bytes: Buffer): readonly Buffer[] {
  // One character per byte, whatever the encoding is.
  const text = bytes.toString("latin1");
  const variants = [text, text.replace(/\r\n/g, "\n"), text.replace(/\r?\n/g, "\r\n")];
  return [...new Set(variants)].map((variant) => Buffer.from(variant, "latin1"));
}
