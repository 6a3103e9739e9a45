// The smallest PSD that Photoshop would write: header, one empty layer, and the merged picture of 8 bits a channel.
//
// The number of layers is negative, which is how the format says that the fourth channel of the merged picture
// is its transparency.

/** `pixels`: RGB or RGBA, row by row; `packed`: rows packed as runs (PackBits), else raw. */
export function encodePsd({ width, height, channels, pixels, packed }) {
  const header = Buffer.alloc(26);
  header.write("8BPS", 0, "latin1");
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(channels, 12);
  header.writeUInt32BE(height, 14);
  header.writeUInt32BE(width, 18);
  header.writeUInt16BE(8, 22);
  header.writeUInt16BE(3, 24); // RGB
  const empty = Buffer.alloc(4);
  const layers = channels === 4 ? section(Buffer.concat([layerSection(), empty])) : empty;
  const rows = [];
  for (let channel = 0; channel < channels; channel++) {
    for (let y = 0; y < height; y++) {
      const row = Buffer.allocUnsafe(width);
      for (let x = 0, at = y * width * channels + channel; x < width; x++, at += channels)
        row[x] = pixels[at];
      rows.push(packed ? pack(row) : row);
    }
  }
  const lengths = Buffer.alloc(packed ? 2 * rows.length : 0);
  if (packed) for (const [index, row] of rows.entries()) lengths.writeUInt16BE(row.length, 2 * index);
  return Buffer.concat([header, empty, empty, layers, Buffer.from([0, packed ? 1 : 0]), lengths, ...rows]);
}

function layerSection() {
  const record = Buffer.alloc(16 + 2 + 4 * 6 + 12 + 4 + 12);
  let at = 16; // An empty rectangle: the layer has no pixels of its own.
  at = record.writeUInt16BE(4, at);
  for (const channel of [-1, 0, 1, 2]) {
    at = record.writeInt16BE(channel, at);
    at = record.writeUInt32BE(2, at);
  }
  at += record.write("8BIMnorm", at, "latin1");
  record[at] = 255; // opaque
  record.writeUInt32BE(12, at + 4);
  const count = Buffer.alloc(2);
  count.writeInt16BE(-1, 0);
  const channels = Buffer.alloc(4 * 2);
  return section(Buffer.concat([count, record, channels]));
}

/** With its length in front. Even, as the format wants it. */
function section(content) {
  const length = Buffer.alloc(4);
  const padded = content.length % 2 === 0 ? content : Buffer.concat([content, Buffer.alloc(1)]);
  length.writeUInt32BE(padded.length, 0);
  return Buffer.concat([length, padded]);
}

function pack(row) {
  const out = [];
  for (let at = 0; at < row.length; ) {
    let run = 1;
    while (run < 128 && row[at + run] === row[at]) run++;
    if (run > 2) {
      out.push(257 - run, row[at]);
      at += run;
      continue;
    }
    const start = at;
    while (at < row.length && at - start < 128 && !(row[at] === row[at + 1] && row[at] === row[at + 2])) at++;
    out.push(at - start - 1, ...row.subarray(start, at));
  }
  return Buffer.from(out);
}
