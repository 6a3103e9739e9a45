/** Image files that sharp cannot write, as small as they can be. */

export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  /** Interleaved, 8 bits. */
  readonly data: Uint8Array;
}

export interface PsdOptions {
  /** 1 grey, 3 RGB, 4 CMYK (as stored: 255 is no ink), 2 indexed, 8 duotone, 9 Lab. */
  readonly mode: number;
  readonly packed?: boolean;
  readonly psb?: boolean;
  readonly depth?: 8 | 16;
  /** The first channel behind the colours is transparency. */
  readonly transparent?: boolean;
  readonly table?: Uint8Array;
  /** What the program says about the merged picture. */
  readonly merged?: boolean;
}

export function psd({ width, height, channels, data }: Pixels, options: PsdOptions): Buffer {
  const { mode, packed = false, psb = false, depth = 8, transparent = false, table, merged } = options;
  const length = (content: Buffer) => {
    const field = Buffer.alloc(psb ? 8 : 4);
    field.writeUInt32BE(content.length, psb ? 4 : 0);
    return Buffer.concat([field, content]);
  };
  const short = (content: Buffer) => Buffer.concat([uint(content.length, 4), content]);
  const name = Buffer.concat([Buffer.from([3]), Buffer.from("abc")]);
  const resources = Buffer.concat([
    Buffer.from("8BIM"),
    uint(0x03ed, 2),
    name,
    short(Buffer.from([1, 2, 3])),
    Buffer.from([0]),
    ...(merged === undefined
      ? []
      : [
          Buffer.from("8BIM"),
          uint(0x0421, 2),
          uint(0, 2),
          short(Buffer.concat([uint(1, 4), Buffer.from([merged ? 1 : 0])])),
          Buffer.from([0]),
        ]),
  ]);
  const layerCount = Buffer.alloc(4);
  layerCount.writeInt16BE(transparent ? -1 : 1, 0);
  const planes: Buffer[] = [];
  for (let channel = 0; channel < channels; channel++)
    for (let y = 0; y < height; y++) {
      const row = Buffer.alloc((width * depth) / 8);
      for (let x = 0; x < width; x++) {
        const value = data[(y * width + x) * channels + channel] as number;
        if (depth === 8) row[x] = value;
        else row.writeUInt16BE(value * 256 + ((x * 7) & 255), x * 2);
      }
      planes.push(packed ? packBits(row) : row);
    }
  return Buffer.concat([
    Buffer.from("8BPS"),
    uint(psb ? 2 : 1, 2),
    Buffer.alloc(6),
    uint(channels, 2),
    uint(height, 4),
    uint(width, 4),
    uint(depth, 2),
    uint(mode, 2),
    short(Buffer.from(table ?? [])),
    short(resources),
    length(length(layerCount)),
    uint(packed ? 1 : 0, 2),
    ...(packed ? planes.map((row) => uint(row.length, psb ? 4 : 2)) : []),
    ...planes,
  ]);
}

/** An uncompressed TIFF of CMYK, 255 is full ink. */
export function cmykTiff({ width, height, data }: Omit<Pixels, "channels">): Buffer {
  const entries: readonly [tag: number, type: 3 | 4, count: number, value: number][] = [
    [256, 4, 1, width],
    [257, 4, 1, height],
    [258, 3, 4, 8],
    [259, 3, 1, 1],
    [262, 3, 1, 5],
    [273, 4, 1, 16],
    [277, 3, 1, 4],
    [278, 4, 1, height],
    [279, 4, 1, data.length],
  ];
  const directory = Buffer.alloc(2 + entries.length * 12 + 4);
  directory.writeUInt16LE(entries.length, 0);
  for (const [i, [tag, type, count, value]] of entries.entries()) {
    const at = 2 + i * 12;
    directory.writeUInt16LE(tag, at);
    directory.writeUInt16LE(type, at + 2);
    directory.writeUInt32LE(count, at + 4);
    directory.writeUInt32LE(value, at + 8);
  }
  // Bits of four samples: they stand at 8, in front of the pixels.
  directory.writeUInt32LE(8, 2 + 2 * 12 + 8);
  const header = Buffer.from([0x49, 0x49, 42, 0, 0, 0, 0, 0, 8, 0, 8, 0, 8, 0, 8, 0]);
  header.writeUInt32LE(16 + data.length, 4);
  return Buffer.concat([header, data, directory]);
}

/** Runs of three and more, and what lies between them. */
function packBits(row: Buffer): Buffer {
  const out: number[] = [];
  const runAt = (at: number) => {
    let end = at + 1;
    while (end < row.length && end - at < 128 && row[end] === row[at]) end++;
    return end - at;
  };
  for (let at = 0; at < row.length; ) {
    const run = runAt(at);
    if (run >= 3) {
      out.push(257 - run, row[at] as number);
      at += run;
      continue;
    }
    let end = at;
    while (end < row.length && end - at < 128 && runAt(end) < 3) end++;
    out.push(end - at - 1, ...row.subarray(at, end));
    at = end;
  }
  return Buffer.from(out);
}

function uint(value: number, bytes: 2 | 4): Buffer {
  const field = Buffer.alloc(bytes);
  field.writeUIntBE(value, 0, bytes);
  return field;
}
