/**
 * The merged picture of a Photoshop document, which programs draw if they do not understand layers.
 *
 *   header (26 bytes) │ colour table │ resources │ layers and masks │ compression │ channel after channel, row by row
 *
 * PSB is the same with 64-bit lengths. Rows are read in place, so that memory holds only a few rows. Rows are raw, or
 * packed by runs (PackBits) with a table of their lengths before them.
 */
import type { PixelKind } from "./kernel.ts";
import type { Picture } from "./picture.ts";
import { broken, ENDS_EARLY, unsupported } from "./refusal.ts";

const MODES = ["bitmap", "grey", "indexed", "RGB", "CMYK", "", "", "multichannel", "duotone", "Lab"] as const;
const VERSION_INFO = 0x0421;
const STRIP_BYTES = 2 ** 20;

interface Document {
  readonly width: number;
  readonly height: number;
  readonly kind: PixelKind;
  /** 1 or 2 bytes per value. */
  readonly depth: number;
  /** How many of the channels are used, from the first. */
  readonly channels: number;
  readonly palette: Buffer | undefined;
  /** CMYK: 255 means no ink. */
  readonly inverted: boolean;
  /** The bytes of a row, packed or not. */
  readonly row: (channel: number, y: number) => Buffer;
  readonly packed: boolean;
}

/** Throws `ImportFailed`: `IMAGE_BROKEN`, `IMAGE_UNSUPPORTED`. */
export function openPsd(bytes: Buffer, format: "psd" | "psb"): Picture {
  const document = read(bytes, format);
  const { width, height, kind } = document;
  const rowBytes = width * (kind === 5 ? 4 : kind);
  const rowsAtOnce = Math.max(1, Math.min(height, Math.floor(STRIP_BYTES / rowBytes)));
  return {
    format,
    width,
    height,
    decodedBytes: rowBytes * rowsAtOnce,
    hasAlpha: kind === 2 || kind === 4,
    orientation: 1,
    async eachPart(use) {
      for (let top = 0; top < height; top += rowsAtOnce) {
        const rows = Buffer.alloc(rowBytes * Math.min(rowsAtOnce, height - top));
        for (let at = 0; at < rows.length; at += rowBytes)
          interleave(document, top + at / rowBytes, rows.subarray(at, at + rowBytes), format);
        use({ kind, rows });
      }
    },
  };
}

function read(bytes: Buffer, format: "psd" | "psb"): Document {
  const wide = format === "psb";
  if (bytes.length < 26) throw broken(format, ENDS_EARLY);
  const present = bytes.readUInt16BE(12);
  const [height, width] = [bytes.readUInt32BE(14), bytes.readUInt32BE(18)];
  const bits = bytes.readUInt16BE(22);
  const mode = MODES[bytes.readUInt16BE(24)] ?? "";
  const maxSide = wide ? 300_000 : 30_000;
  if (width === 0 || height === 0 || width > maxSide || height > maxSide || present === 0 || present > 56)
    throw broken(format, "is damaged: its header makes no sense");
  const name = `a ${format.toUpperCase()} in ${mode || "unknown"} mode with ${bits} bits`;
  if (!["grey", "indexed", "RGB", "CMYK", "duotone"].includes(mode) || ![8, 16].includes(bits))
    throw unsupported(name, "Save it in RGB with 8 bits.");

  const cursor = { at: 26 };
  const table = section(bytes, cursor, { format, wide: false });
  const resources = section(bytes, cursor, { format, wide: false });
  const layers = section(bytes, cursor, { format, wide });
  if (hasNoComposite(resources) || cursor.at >= bytes.length)
    throw unsupported(
      `a ${format.toUpperCase()} without its merged picture`,
      'Save it with "Maximize compatibility".',
    );
  if (cursor.at + 2 > bytes.length) throw broken(format, ENDS_EARLY);
  const compression = bytes.readUInt16BE(cursor.at);
  if (compression > 1) throw unsupported(`${name} and a compressed merged picture`);
  cursor.at += 2;

  const colours = { grey: 1, duotone: 1, indexed: 1, RGB: 3, CMYK: 4 }[mode as "RGB"];
  if (present < colours) throw broken(format, "is damaged: it has fewer channels than its mode needs");
  if (mode === "indexed" && table.length < 768)
    throw broken(format, "is damaged: its colour table is too short");
  const alpha = ["grey", "duotone", "RGB"].includes(mode) && present > colours && firstIsAlpha(layers, wide);
  return {
    width,
    height,
    kind: (mode === "CMYK" ? 5 : mode === "indexed" ? 3 : colours + (alpha ? 1 : 0)) as PixelKind,
    depth: bits / 8,
    channels: colours + (alpha ? 1 : 0),
    palette: mode === "indexed" ? table : undefined,
    inverted: mode === "CMYK",
    packed: compression === 1,
    row:
      compression === 1
        ? packedRows(bytes, { at: cursor.at, rows: height, channels: present, wide, format })
        : rawRows(bytes, {
            at: cursor.at,
            rows: height,
            channels: present,
            rowBytes: (width * bits) / 8,
            format,
          }),
  };
}

function section(
  bytes: Buffer,
  cursor: { at: number },
  { format, wide }: { format: string; wide: boolean },
): Buffer {
  const start = cursor.at + (wide ? 8 : 4);
  if (start > bytes.length) throw broken(format, ENDS_EARLY);
  const length = wide ? Number(bytes.readBigUInt64BE(cursor.at)) : bytes.readUInt32BE(cursor.at);
  if (start + length > bytes.length) throw broken(format, ENDS_EARLY);
  cursor.at = start + length;
  return bytes.subarray(start, cursor.at);
}

/**
 * Whether the version resource of the saving program says so. A resource is `8BIM`, id, name, length, content, all
 * padded to even.
 */
function hasNoComposite(resources: Buffer): boolean {
  for (let at = 0; at + 12 <= resources.length; ) {
    const id = resources.readUInt16BE(at + 4);
    const nameBytes = 1 + (resources[at + 6] as number);
    const content = at + 6 + nameBytes + (nameBytes % 2) + 4;
    if (content > resources.length) return false;
    const length = resources.readUInt32BE(content - 4);
    if (id === VERSION_INFO && length >= 5) return resources[content + 4] === 0;
    at = content + length + (length % 2);
  }
  return false;
}

/** The layer count is negative if the first channel after the colours is the picture's transparency. */
function firstIsAlpha(layers: Buffer, wide: boolean): boolean {
  const at = wide ? 8 : 4;
  return layers.length >= at + 2 && layers.readInt16BE(at) < 0;
}

interface PixelRows {
  readonly at: number;
  readonly rows: number;
  readonly channels: number;
  readonly format: string;
}

function rawRows(bytes: Buffer, { at, rows, channels, rowBytes, format }: PixelRows & { rowBytes: number }) {
  if (at + rows * channels * rowBytes > bytes.length) throw broken(format, ENDS_EARLY);
  return (channel: number, y: number) => {
    const start = at + (channel * rows + y) * rowBytes;
    return bytes.subarray(start, start + rowBytes);
  };
}

function packedRows(bytes: Buffer, { at, rows, channels, wide, format }: PixelRows & { wide: boolean }) {
  const lengthBytes = wide ? 4 : 2;
  const starts = new Float64Array(rows * channels + 1);
  if (at + rows * channels * lengthBytes > bytes.length) throw broken(format, ENDS_EARLY);
  starts[0] = at + rows * channels * lengthBytes;
  for (let i = 0; i < rows * channels; i++)
    starts[i + 1] = (starts[i] as number) + bytes.readUIntBE(at + i * lengthBytes, lengthBytes);
  if ((starts[rows * channels] as number) > bytes.length) throw broken(format, ENDS_EARLY);
  return (channel: number, y: number) =>
    bytes.subarray(starts[channel * rows + y], starts[channel * rows + y + 1]);
}

function interleave(document: Document, y: number, out: Buffer, format: string): void {
  const { width, channels, depth, palette, inverted } = document;
  const step = palette ? 3 : channels;
  for (let channel = 0; channel < channels; channel++) {
    const stored = document.row(channel, y);
    const row = document.packed ? unpack(stored, width * depth, format) : stored;
    // Of 16 bits the high byte comes first, and it is enough.
    for (let x = 0; x < width; x++) {
      const value = row[x * depth] as number;
      if (!palette) out[x * step + channel] = inverted ? 255 - value : value;
      else for (let part = 0; part < 3; part++) out[x * 3 + part] = palette[part * 256 + value] as number;
    }
  }
}

/** PackBits: a count followed by that many bytes, or a count followed by one byte to repeat. */
function unpack(packed: Buffer, length: number, format: string): Buffer {
  const row = Buffer.alloc(length);
  let to = 0;
  for (let at = 0; at < packed.length && to < length; ) {
    const count = packed.readInt8(at++);
    if (count === -128) continue;
    if (count >= 0) {
      packed.copy(row, to, at, at + count + 1);
      at += count + 1;
      to += count + 1;
    } else {
      if (at >= packed.length) break;
      row.fill(packed[at++] as number, to, Math.min(length, to + 1 - count));
      to += 1 - count;
    }
  }
  if (to !== length || packed.length === 0)
    throw broken(format, "is damaged: a row has not the length it should have");
  return row;
}
