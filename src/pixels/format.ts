/** Recognises a file by its first bytes, never by its name. */
import { ImportFailed } from "../errors.ts";
import { unsupported } from "./refusal.ts";

export type Format = "png" | "jpeg" | "webp" | "gif" | "tiff" | "svg" | "avif" | "psd" | "psb";

/** Throws `ImportFailed` (`FILE_EMPTY`, `IMAGE_UNSUPPORTED`) and names the format if it is recognised. */
export function formatOf(bytes: Uint8Array): Format {
  if (bytes.length === 0)
    throw new ImportFailed({
      code: "FILE_EMPTY",
      message: "The file is empty: it has 0 bytes.",
      hint: "Bring it again; a copy may have been interrupted.",
    });
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 4_096));
  const known = FORMATS.find(([, is]) => is(head))?.[0];
  if (known !== undefined) return known;
  throw unsupported(OTHERS.find(([, is]) => is(head))?.[0] ?? describeText(head));
}

/**
 * Whether a file says itself that it should be longer. A decoder would notice most of these, but not all. Some files
 * have their pixels before the missing part, and some decoders give no useful message.
 */
export function endsEarly(bytes: Buffer, format: Format): boolean {
  if (format === "png") {
    for (let at = 8; at + 8 <= bytes.length; at += 12 + bytes.readUInt32BE(at))
      if (bytes.toString("latin1", at + 4, at + 8) === "IEND") return false;
    return true;
  }
  if (format === "webp") return bytes.length < 12 || bytes.readUInt32LE(4) + 8 > bytes.length;
  if (format !== "tiff" || bytes.length < 8) return bytes.length < 8;
  const little = bytes[0] === 0x49;
  // 43 instead of the usual 42 means 64-bit offsets.
  if (bytes[2] === 43 || bytes[3] === 43) return bytes.length < 16;
  return (little ? bytes.readUInt32LE(4) : bytes.readUInt32BE(4)) + 2 > bytes.length;
}

type Recogniser = (head: Buffer) => boolean;

function startsWith(magic: string, at = 0): Recogniser {
  const expected = Buffer.from(magic, "latin1");
  return (head) => head.subarray(at, at + expected.length).equals(expected);
}

/** MPEG containers name themselves, and the formats that they are compatible with, in their first box. */
function hasBrand(...brands: readonly string[]): Recogniser {
  return (head) => {
    if (!startsWith("ftyp", 4)(head)) return false;
    const end = Math.min(head.readUInt32BE(0), head.length);
    for (let at = 8; at + 4 <= end; at += 4)
      if (at !== 12 && brands.includes(head.toString("latin1", at, at + 4))) return true;
    return false;
  };
}

const any =
  (...looks: readonly Recogniser[]): Recogniser =>
  (head) =>
    looks.some((look) => look(head));
const all =
  (...looks: readonly Recogniser[]): Recogniser =>
  (head) =>
    looks.every((look) => look(head));

const FORMATS: readonly [Format, Recogniser][] = [
  ["png", startsWith("\x89PNG\r\n\x1a\n")],
  ["jpeg", startsWith("\xff\xd8\xff")],
  ["webp", all(startsWith("RIFF"), startsWith("WEBP", 8))],
  ["gif", any(startsWith("GIF87a"), startsWith("GIF89a"))],
  // Canon's raw files begin like TIFF, and hold a thumbnail in place of the picture.
  [
    "tiff",
    all(
      any(startsWith("II*\0"), startsWith("MM\0*"), startsWith("II+\0"), startsWith("MM\0+")),
      (head) => !startsWith("CR", 8)(head),
    ),
  ],
  ["avif", hasBrand("avif", "avis")],
  ["psd", startsWith("8BPS\0\x01")],
  ["psb", startsWith("8BPS\0\x02")],
  ["svg", isSvg],
];

const OTHERS: readonly [what: string, Recogniser][] = [
  ["a BMP image", startsWith("BM")],
  ["an Adobe Illustrator file", all(startsWith("%PDF"), (head) => head.includes("Illustrator"))],
  ["a PDF document", startsWith("%PDF")],
  [
    "an EPS file",
    any(
      startsWith("\xc5\xd0\xd3\xc6"),
      all(startsWith("%!PS"), (head) => head.includes("EPSF")),
    ),
  ],
  ["a PostScript file", startsWith("%!")],
  ["a HEIC image", hasBrand("heic", "heix", "hevc", "heim", "heis", "mif1", "msf1")],
  ["a JPEG 2000 image", any(startsWith("\0\0\0\x0cjP  "), startsWith("\xff\x4f\xff\x51"))],
  ["a JPEG XL image", any(startsWith("\0\0\0\x0cJXL "), startsWith("\xff\x0a"))],
  [
    "a raw photo of a camera",
    any(startsWith("CR", 8), hasBrand("crx "), startsWith("FUJIFILMCCD-RAW"), startsWith("IIRO")),
  ],
  ["an icon (ICO)", startsWith("\0\0\x01\0")],
  ["a cursor (CUR)", startsWith("\0\0\x02\0")],
  ["an icon (ICNS)", startsWith("icns")],
  ["a GIMP file (XCF)", startsWith("gimp xcf")],
  ["an OpenEXR image", startsWith("\x76\x2f\x31\x01")],
  ["a DDS texture", startsWith("DDS ")],
  ["a PNM image", (head) => /^P[1-7]\s/.test(head.toString("latin1", 0, 3))],
  ["a CorelDRAW file", all(startsWith("RIFF"), startsWith("CDR", 8))],
  [
    "a video",
    any(
      all(startsWith("RIFF"), startsWith("AVI ", 8)),
      startsWith("\x1aE\xdf\xa3"),
      startsWith("ftyp", 4),
      startsWith("moov", 4),
    ),
  ],
  [
    "a sound file",
    any(
      startsWith("ID3"),
      startsWith("OggS"),
      startsWith("fLaC"),
      all(startsWith("RIFF"), startsWith("WAVE", 8)),
    ),
  ],
  ["a zip archive (or an office document)", any(startsWith("PK\x03\x04"), startsWith("PK\x05\x06"))],
  ["a gzip archive (or a compressed SVG)", startsWith("\x1f\x8b")],
  ["a RAR archive", startsWith("Rar!")],
  ["a 7z archive", startsWith("7z\xbc\xaf\x27\x1c")],
  ["a font", any(startsWith("OTTO"), startsWith("\0\x01\0\0\0"), startsWith("wOFF"), startsWith("wOF2"))],
  ["a program", any(startsWith("MZ"), startsWith("\x7fELF"))],
];

/** Looks for the root element, after what may come before it. */
function isSvg(head: Buffer): boolean {
  const text = textOf(head)?.replace(
    /^\s*(?:<\?[\s\S]*?\?>\s*|<!--[\s\S]*?-->\s*|<!DOCTYPE\s[^[>]*(?:\[[\s\S]*?\]\s*)?>\s*)*/i,
    "",
  );
  // A long list of entities may fill everything that was read.
  return text !== undefined && /^<(?:[\w-]+:)?svg[\s>/]|^<!DOCTYPE\s+svg\b/i.test(text);
}

function describeText(head: Buffer): string {
  const text = textOf(head);
  if (text === undefined) return "not an image format that is known";
  if (/^\s*<(!doctype\s+html|html)/i.test(text)) return "an HTML page";
  return /^\s*<\?xml/i.test(text) ? "an XML document that is no SVG" : "a text file";
}

/** `undefined`: the bytes are not text in UTF-8 or UTF-16. */
function textOf(head: Buffer): string | undefined {
  const wide = (head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff);
  try {
    const decoder = new TextDecoder(wide ? (head[0] === 0xff ? "utf-16le" : "utf-16be") : "utf-8", {
      fatal: true,
    });
    const text = decoder.decode(head, { stream: true });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what tells text from other bytes.
    return /[\x00-\x08\x0e-\x1a\x1c-\x1f]/.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}
