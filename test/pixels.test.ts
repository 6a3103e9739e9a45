/** From an image's bytes to what is kept of it: the right hash, or a reason; never a crash. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { ImportFailed } from "../src/errors.ts";
import { describeImage, readHeader } from "../src/pixels/describe.ts";
import { thumbnail } from "../src/pixels/thumbnail.ts";
import { cmykTiff, psd } from "./support/documents.ts";
import { CHANNELS, paint, pixelsOf, randomBytes, VECTORS } from "./support/pictures.ts";

const OPTIONS = { hashSize: 8, maxPixels: 100_000_000, maxDecodedBytes: 256 * 2 ** 20 };
const describeBytes = (bytes: Buffer, options = {}) => describeImage(bytes, { ...OPTIONS, ...options });

async function refusalOf(bytes: Buffer, options = {}): Promise<ImportFailed> {
  const error = await describeBytes(bytes, options).then(
    (description) => expect.fail(`It was read: ${JSON.stringify(description)}`),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ImportFailed);
  return error as ImportFailed;
}

function distance(one: string, other: string): number {
  const bits = (BigInt(`0x${one}`) ^ BigInt(`0x${other}`)).toString(2);
  return bits.replaceAll("0", "").length;
}

const raw = (data: Uint8Array, [width, height, channels]: readonly [number, number, 1 | 2 | 3 | 4]) => {
  const image = sharp(data, { raw: { width, height, channels } });
  return channels < 3 ? image.toColourspace("b-w") : image;
};

const colours = paint({ width: 300, height: 200, channels: 4 }, (x, y) => [x, y, x * y, x * 3]);
const colourful = () => raw(colours, [300, 200, 4]);
const photo = () => colourful().removeAlpha();

/** One small file of each format. */
const FILES = {
  png: await colourful().png().toBuffer(),
  "interlaced png": await colourful().png({ progressive: true }).toBuffer(),
  jpeg: await photo().jpeg().toBuffer(),
  "progressive jpeg": await photo().jpeg({ progressive: true }).toBuffer(),
  webp: await colourful().webp().toBuffer(),
  gif: await colourful().gif().toBuffer(),
  tiff: await colourful().tiff({ compression: "lzw" }).toBuffer(),
  avif: await colourful().avif({ effort: 0 }).toBuffer(),
  svg: Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="300" height="200"><path d="M10 10L290 60L90 190z" fill="#123"/></svg>`,
  ),
  psd: psd(
    { width: 300, height: 200, channels: 4, data: colours },
    { mode: 3, packed: true, transparent: true },
  ),
};

describe("the reference pictures as files", () => {
  test.each(VECTORS.map((vector) => [vector.name, vector] as const))(
    "%s hashes as in Python",
    async (_, vector) => {
      const { w: width, h: height, mode } = vector;
      const data = pixelsOf(vector);
      const bytes =
        mode === "CMYK"
          ? cmykTiff({ width, height, data })
          : await raw(data, [width, height, CHANNELS[mode]]).png({ compressionLevel: 1 }).toBuffer();
      const description = await describeBytes(bytes);
      expect(description).toMatchObject({
        sha256: createHash("sha256").update(bytes).digest("hex"),
        format: mode === "CMYK" ? "tiff" : "png",
        width,
        height,
        hasAlpha: mode.endsWith("A"),
        orientation: 1,
        hashSource: "full",
        hashSize: 8,
        phash: vector.phash8,
        phash256: vector.phash16,
      });
      if (!description.hasAlpha)
        expect(description).toMatchObject({ visual: vector.phash8, visual256: vector.phash16, white: null });
      const inStrips = await describeBytes(bytes, { maxDecodedBytes: width * height, hashSize: 12 });
      expect(inStrips).toMatchObject({
        ...description,
        hashSize: 12,
        phash: vector.phash12,
        decodedBytes: expect.any(Number),
      });
    },
  );

  test("a TIFF is turned as it says, because Pillow does so", async () => {
    const upright = await describeBytes(await photo().tiff({ compression: "lzw" }).toBuffer());
    const stored = await photo().rotate(270).toBuffer({ resolveWithObject: true });
    const turned = await sharp(stored.data, { raw: { width: 200, height: 300, channels: 3 } })
      .withMetadata({ orientation: 6 })
      .tiff({ compression: "lzw" })
      .toBuffer();
    expect((await sharp(turned).metadata()).orientation).toBe(6);
    const { sha256, decodedBytes, ...seen } = await describeBytes(turned, { maxDecodedBytes: 1_000 });
    expect(decodedBytes).toBe(360_000);
    expect(upright).toMatchObject(seen);
    expect(upright.sha256).not.toBe(sha256);
  });

  test("a header tells size and memory without decoding", async () => {
    expect(await readHeader(FILES.png, OPTIONS)).toEqual({
      format: "png",
      width: 300,
      height: 200,
      decodedBytes: 240_000,
    });
    const { decodedBytes } = await readHeader(FILES.png, { ...OPTIONS, maxDecodedBytes: 100_000 });
    expect(decodedBytes).toBeLessThanOrEqual(100_000);
  });
});

describe("formats", () => {
  test.each(Object.entries(FILES))("%s is known by its bytes", async (name, bytes) => {
    const description = await describeBytes(bytes);
    expect(description).toMatchObject({ format: name.split(" ").at(-1), width: 300, height: 200 });
    expect(description.lowInformation).toBe(false);
    const small = await sharp(await thumbnail(bytes, { sizePx: 64, maxPixels: 1e6 })).metadata();
    expect(small).toMatchObject({ format: "webp", width: 64, height: 43, hasAlpha: description.hasAlpha });
  });

  test.each([
    ["a BMP image", "BM\x9a\0\0\0"],
    ["a PDF document", "%PDF-1.7\n1 0 obj"],
    ["an Adobe Illustrator file", "%PDF-1.6\n%\xe2\xe3\n<</Creator(Adobe Illustrator 27)>>"],
    ["an EPS file", "%!PS-Adobe-3.0 EPSF-3.0\n"],
    ["a JPEG 2000 image", "\0\0\0\x0cjP  \r\n\x87\n"],
    ["a HEIC image", "\0\0\0\x18ftypheic\0\0\0\0mif1heic"],
    ["an icon (ICO)", "\0\0\x01\0\x01\0"],
    ["a zip archive (or an office document)", "PK\x03\x04\x14\0"],
    ["a video", "\0\0\0\x18ftypmp42\0\0\0\0isommp42"],
    ["an HTML page", "<!doctype html><html>"],
    ["an XML document that is no SVG", '<?xml version="1.0"?><a/>'],
    ["a text file", "hello, world\n"],
    ["not an image format that is known", "\x01\x02\x03\x04\x05"],
  ])("%s is refused by its name", async (what, content) => {
    const error = await refusalOf(Buffer.from(content, "latin1"));
    expect(error.code).toBe("IMAGE_UNSUPPORTED");
    expect(error.message).toBe(`It is ${what}, which cannot be read.`);
  });

  test("a file of 0 bytes says so", async () => {
    expect(await refusalOf(Buffer.alloc(0))).toMatchObject({ code: "FILE_EMPTY" });
  });

  test("the first frame of an animation is the picture", async () => {
    const frames = Buffer.concat([colours, Buffer.alloc(colours.length, 90)]);
    const gif = await sharp(frames, { raw: { width: 300, height: 400, channels: 4, pageHeight: 200 } })
      .gif({ loop: 0 })
      .toBuffer();
    expect((await sharp(gif).metadata()).pages).toBe(2);
    const description = await describeBytes(gif);
    expect(description).toMatchObject({ width: 300, height: 200 });
    expect(distance(description.visual, (await describeBytes(FILES.gif)).visual)).toBeLessThanOrEqual(4);
  });
});

describe("what is broken", () => {
  test.each(Object.entries(FILES))("%s is refused wherever it is cut off", async (_, bytes) => {
    for (let tenth = 1; tenth < 10; tenth++) {
      const error = await refusalOf(bytes.subarray(0, Math.floor((bytes.length * tenth) / 10)));
      expect([`${tenth}/10`, error.code]).toEqual([`${tenth}/10`, "IMAGE_BROKEN"]);
      expect(error.message).toMatch(/^The \w+ (ends before the picture does|is damaged: [a-z ]+)\.$/);
    }
    expect(await refusalOf(bytes.subarray(0, bytes.length - 5))).toMatchObject({ code: "IMAGE_BROKEN" });
  });

  test("flipped bytes give a hash or a reason, and the process goes on", async () => {
    const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
    console.log(`SEED=${seed}`);
    const outcomes = new Map<string, number>();
    let draw = 0;
    const random = randomBytes(400_000, seed);
    const next = (below: number) =>
      (((random[draw++] as number) << 16) | ((random[draw++] as number) << 8) | (random[draw++] as number)) %
      below;
    for (const [name, bytes] of Object.entries(FILES))
      for (let round = 0; round < 40; round++) {
        const flipped = Buffer.from(bytes);
        for (let i = 0; i <= next(12); i++)
          flipped[next(round % 2 ? flipped.length : Math.min(200, flipped.length))] = next(256);
        const outcome = await describeBytes(flipped, { maxPixels: 4_000_000 }).then(
          ({ phash }) => (/^[0-9a-f]{16}$/.test(phash) ? "read" : "nonsense"),
          (error: unknown) => (error instanceof ImportFailed ? error.code : `${name}: ${String(error)}`),
        );
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      }
    const codes = ["read", "IMAGE_BROKEN", "IMAGE_TOO_LARGE", "IMAGE_UNSUPPORTED"];
    expect([...outcomes.keys()].filter((outcome) => !codes.includes(outcome))).toEqual([]);
    expect(outcomes.get("IMAGE_BROKEN")).toBeGreaterThan(40);
  }, 120_000);

  test("more pixels than wanted are refused with both numbers", async () => {
    expect(await refusalOf(FILES.png, { maxPixels: 10_000 })).toMatchObject({
      code: "IMAGE_TOO_LARGE",
      message: "It has 0.060 megapixels (300 x 200); at most 0.010 are read.",
      hint: expect.stringContaining("maxPixels"),
    });
  });
});

describe("an SVG", () => {
  const svg = (content: string, { before = "", size = 'width="300" height="200"' } = {}) =>
    Buffer.from(
      `<?xml version="1.0"?>${before}<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" ${size}>${content}</svg>`,
    );
  const shape = '<rect x="20" y="30" width="90" height="120"/>';
  const billion = `<!DOCTYPE svg [<!ENTITY a0 "lol">${Array.from({ length: 10 }, (_, i) => `<!ENTITY a${i + 1} "${`&a${i};`.repeat(10)}">`).join("")}]>`;
  const quadratic = `<!DOCTYPE svg [<!ENTITY a "${"x".repeat(50_000)}">]>`;

  test("with the entities of Illustrator, links and embedded parts is read", async () => {
    const before =
      '<!-- Generator --><!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd" [<!ENTITY ns_svg "http://www.w3.org/2000/svg">]>';
    const content = `<a xlink:href="https://example.org/">${shape}</a><defs><path id="p" d="M0 0h50v50z"/></defs><use xlink:href="#p" fill="url(#g)"/>`;
    expect(await describeBytes(svg(content, { before }))).toMatchObject({
      format: "svg",
      width: 300,
      height: 200,
    });
  });

  test.each([
    ["an image", '<image xlink:href="file:///etc/hostname" width="9" height="9"/>', ""],
    ["an image of the web", '<image href="https://example.org/a.png" width="9" height="9"/>', ""],
    ["a style", "<style>@import url(https://example.org/a.css);</style>", ""],
    ["a paint", '<rect width="9" height="9" fill="url(other.svg#a)"/>', ""],
    ["a style sheet", shape, '<?xml-stylesheet href="a.css"?>'],
    ["an entity", shape, '<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/hostname">]>'],
  ])("that needs %s from elsewhere is refused", async (_, content, before) => {
    expect(await refusalOf(svg(content, { before }))).toMatchObject({ code: "IMAGE_UNSUPPORTED" });
  });

  test.each([
    ["made of each other", svg("<text>&a10;</text>", { before: billion })],
    ["long and often used", svg(`<text>${"&a;".repeat(5_000)}</text>`, { before: quadratic })],
  ])("with entities %s is refused at once", async (_, bytes) => {
    const startedAt = performance.now();
    expect(await refusalOf(bytes)).toMatchObject({ code: "IMAGE_BROKEN" });
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });

  test("of absurd size is refused", async () => {
    const bytes = svg(shape, { size: 'width="90000" height="90000"' });
    expect((await refusalOf(bytes)).code).toMatch(/^IMAGE_(TOO_LARGE|BROKEN)$/);
  });
});

describe("a PSD", () => {
  const size = { width: 300, height: 200 };
  const rgb = paint({ ...size, channels: 3 }, (x, y) => [x, y, (x * y) >> 4]);
  const grey = paint({ ...size, channels: 1 }, (x, y) => [x + y]);
  const ink = paint({ ...size, channels: 4 }, (x, y) => [x, y, x + y, (x * y) >> 6]);
  const table = randomBytes(768, 3);
  const looked = paint({ ...size, channels: 3 }, (x, y) =>
    [0, 256, 512].map((part) => table[part + ((x + y) & 255)] as number),
  );

  for (const psb of [false, true])
    for (const packed of [false, true])
      for (const depth of [8, 16] as const)
        test.each([
          ["RGB", { mode: 3, channels: 3, data: rgb }, () => raw(rgb, [300, 200, 3]).png()],
          [
            "transparent",
            { mode: 3, channels: 4, data: colours, transparent: true },
            () => colourful().png(),
          ],
          ["grey", { mode: 1, channels: 1, data: grey }, () => raw(grey, [300, 200, 1]).png()],
          ["duotone", { mode: 8, channels: 1, data: grey }, () => raw(grey, [300, 200, 1]).png()],
          ["CMYK", { mode: 4, channels: 4, data: ink.map((value) => 255 - value) }, undefined],
        ])(
          `%s, ${psb ? "PSB" : "PSD"}, ${packed ? "packed" : "raw"}, ${depth} bits: as the same pixels elsewhere`,
          async (_, { mode, channels, data, ...more }, other) => {
            const bytes = psd({ ...size, channels, data }, { mode, packed, psb, depth, ...more });
            const { format, sha256, hashSource, decodedBytes, ...seen } = await describeBytes(bytes);
            expect({ format, hashSource }).toEqual({ format: psb ? "psb" : "psd", hashSource: "composite" });
            expect(sha256).toHaveLength(64);
            expect(decodedBytes).toBeGreaterThan(0);
            const same = other ? await other().toBuffer() : cmykTiff({ ...size, data: ink });
            expect(await describeBytes(same)).toMatchObject(seen);
          },
        );

  test("with a colour table is looked up in it", async () => {
    const bytes = psd({ ...size, channels: 1, data: grey }, { mode: 2, table });
    const same = await raw(looked, [300, 200, 3]).png().toBuffer();
    expect((await describeBytes(bytes)).phash256).toBe((await describeBytes(same)).phash256);
  });

  test("whose fourth channel is a selection has no transparency", async () => {
    const bytes = psd({ ...size, channels: 4, data: colours }, { mode: 3 });
    expect(await describeBytes(bytes)).toMatchObject({ hasAlpha: false, white: null });
  });

  test.each([
    [
      "says that it has no merged picture",
      psd({ ...size, channels: 3, data: rgb }, { mode: 3, merged: false }),
    ],
    ["is in Lab", psd({ ...size, channels: 3, data: rgb }, { mode: 9 })],
    [
      "has nothing behind its layers",
      psd({ ...size, channels: 3, data: rgb }, { mode: 3 }).subarray(0, -(rgb.length + 2)),
    ],
  ])("that %s is unsupported", async (_, bytes) => {
    const error = await refusalOf(bytes);
    expect(error).toMatchObject({
      code: "IMAGE_UNSUPPORTED",
      message: expect.stringMatching(/a PSD (in|without)/),
    });
  });

  test("that says it has one is read", async () => {
    const bytes = psd({ ...size, channels: 3, data: rgb }, { mode: 3, merged: true });
    expect(await describeBytes(bytes)).toMatchObject({ format: "psd" });
  });
});

describe("the visual hash", () => {
  test("is that of the picture as it is shown, for each orientation", async () => {
    const shown = paint({ width: 300, height: 200, channels: 3 }, (x, y) =>
      (x - 90) ** 2 + (y - 120) ** 2 < 4_900
        ? [30, 60, 200]
        : x > 220 && y < 70
          ? [200, 20, 20]
          : [250, 240 - y / 2, 230 - x / 2],
    );
    const upright = await describeBytes(await raw(shown, [300, 200, 3]).png().toBuffer());
    for (let orientation = 1; orientation <= 8; orientation++) {
      // Stored so that this orientation shows it upright.
      const undo = {
        1: [],
        2: ["x"],
        3: ["x", "y"],
        4: ["y"],
        5: ["t"],
        6: ["t", "x"],
        7: ["t", "x", "y"],
        8: ["t", "y"],
      }[orientation] as string[];
      const stored = turn(shown, [300, 200], undo, orientation);
      const bytes = await sharp(stored.data, {
        raw: { width: stored.width, height: stored.height, channels: 3 },
      })
        .withMetadata({ orientation })
        .png()
        .toBuffer();
      const description = await describeBytes(bytes);
      expect(description.orientation).toBe(orientation);
      expect(distance(description.visual, upright.visual), `orientation ${orientation}`).toBeLessThanOrEqual(
        2,
      );
      expect(distance(description.visual256, upright.visual256)).toBeLessThanOrEqual(8);
      if (orientation > 1) expect(distance(description.phash, upright.phash)).toBeGreaterThan(8);
    }
  });

  test("of an opaque picture is Python's, also where it has alpha", async () => {
    const description = await describeBytes(await photo().ensureAlpha().png().toBuffer());
    expect(description).toMatchObject({ hasAlpha: true, white: null, white256: null });
    expect(description.visual).toBe(description.phash);
    expect(description.visual256).toBe(description.phash256);
  });

  test("of a picture with nothing in it is marked", async () => {
    const empty = raw(Buffer.alloc(300 * 200 * 4), [300, 200, 4]);
    for (const bytes of [
      await empty.png().toBuffer(),
      await raw(Buffer.alloc(60_000, 7), [300, 200, 1]).png().toBuffer(),
      await raw(
        paint({ width: 300, height: 200, channels: 1 }, (x) => [100 + (x > 150 ? 1 : 0)]),
        [300, 200, 1],
      )
        .png()
        .toBuffer(),
    ])
      expect((await describeBytes(bytes)).lowInformation).toBe(true);
  });

  test("tells one-colour texts on transparency apart, which Python's does not", async () => {
    const designs = await Promise.all(Array.from({ length: 300 }, (_, i) => design(i)));
    const found = [];
    for (const { png } of designs) found.push(await describeBytes(png));
    const shared = (hashes: readonly string[]) => hashes.length - new Set(hashes).size;
    expect(shared(found.map(({ visual }) => visual))).toBe(0);
    expect(found.filter(({ lowInformation }) => lowInformation)).toEqual([]);
    // Black ink on transparent black is a black picture to Python.
    expect(shared(found.map(({ phash }) => phash))).toBeGreaterThanOrEqual(90);
    let closest = 256;
    for (const [i, one] of found.entries())
      for (const other of found.slice(0, i))
        closest = Math.min(closest, distance(one.visual256, other.visual256));
    expect(closest).toBeGreaterThan(24);

    for (const [i, { png, light }] of designs.entries()) {
      if (i % 10 !== 0) continue;
      const original = found[i] as (typeof found)[number];
      expect(original.white === null).toBe(!light);
      const jpeg = await describeBytes(
        await sharp(png).flatten({ background: "#fff" }).jpeg({ quality: 70 }).toBuffer(),
      );
      const half = await describeBytes(await sharp(png).resize(300).png().toBuffer());
      const webp = await describeBytes(await sharp(png).webp({ quality: 80 }).toBuffer());
      if (!(light && jpeg.lowInformation))
        expect(distance(jpeg.visual, original.white ?? original.visual)).toBeLessThanOrEqual(8);
      expect(distance(half.visual, original.visual)).toBeLessThanOrEqual(8);
      expect(distance(webp.visual, original.visual)).toBeLessThanOrEqual(8);
    }
  }, 180_000);
});

/** Letters made of strokes, so that no font is needed. */
async function design(seed: number): Promise<{ png: Buffer; light: boolean }> {
  const random = randomBytes(4_000, seed + 1);
  let at = 100;
  const next = (below: number) => (((random[at++] as number) << 8) | (random[at++] as number)) % below;
  const fill = ["#000", "#fff", ["#b01030", "#1040a0", "#ffd020", "#80e0c0"][next(4)]][seed % 3] as string;
  const lines = 1 + next(3);
  let path = "";
  for (let line = 0; line < lines; line++) {
    const letters = 3 + next(6);
    const size = 440 / letters;
    const top = 60 + line * 160 + next(40);
    for (let letter = 0; letter < letters; letter++)
      for (let stroke = 0; stroke < 3; stroke++) {
        const x = () => 60 + (letter + next(10) / 12) * size;
        const y = () => top + next(120);
        path += `M${x()} ${y()}L${x()} ${y()}`;
      }
  }
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="600" height="600"><path d="${path}" fill="none" stroke="${fill}" stroke-width="${10 + next(10)}"/></svg>`;
  // As design programs write it: what cannot be seen is black.
  return {
    png: await sharp(Buffer.from(svg)).png({ compressionLevel: 1 }).toBuffer(),
    light: ["#fff", "#ffd020", "#80e0c0"].includes(fill),
  };
}

/** Flips and transposes RGB pixels; `orientation` 5 to 8 lie on their side. */
function turn(
  data: Buffer,
  [width, height]: readonly [number, number],
  undo: readonly string[],
  orientation: number,
) {
  const side = orientation >= 5;
  const [w, h] = side ? [height, width] : [width, height];
  const out = Buffer.alloc(data.length);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      // Where the upright pixel is stored.
      let [sx, sy] = side ? [y, x] : [x, y];
      const flipsX = undo.includes(side ? "y" : "x");
      const flipsY = undo.includes(side ? "x" : "y");
      if (flipsX) sx = w - 1 - sx;
      if (flipsY) sy = h - 1 - sy;
      data.copy(out, (sy * w + sx) * 3, (y * width + x) * 3, (y * width + x) * 3 + 3);
    }
  return { data: out, width: w, height: h };
}

describe("a picture of 169 megapixels in less than a megabyte", () => {
  const bomb = sharp({
    create: { width: 13_000, height: 13_000, channels: 4, background: { r: 200, g: 30, b: 30, alpha: 0.5 } },
    limitInputPixels: false,
  })
    .png({ compressionLevel: 9 })
    .toBuffer();

  test("is refused by its header", async () => {
    const bytes = await bomb;
    expect(bytes.length).toBeLessThan(2 ** 20);
    expect(await refusalOf(bytes)).toMatchObject({
      code: "IMAGE_TOO_LARGE",
      message: "It has 169 megapixels (13000 x 13000); at most 100 are read.",
    });
  });

  test("is described in bounded memory where it is wanted", async () => {
    const folder = mkdtempSync(join(tmpdir(), "godwit-pixels-"));
    try {
      const root = join(import.meta.dirname, "..");
      const program = join(folder, "describe-alone.mjs");
      await build({
        entryPoints: [join(root, "test", "support", "describe-alone.ts")],
        bundle: true,
        platform: "node",
        format: "esm",
        outfile: program,
        external: ["sharp"],
        logLevel: "warning",
      });
      symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
      const answer = execFileSync(process.execPath, ["--expose-gc", program, String(128 * 2 ** 20)], {
        input: await bomb,
      });
      const { peakMb, description } = JSON.parse(answer.toString());
      console.log(`169 megapixels: ${Math.round(peakMb)} MB at most`);
      expect(description).toMatchObject({ width: 13_000, lowInformation: true, phash: "8000000000000000" });
      // All its pixels would be 676 MB.
      expect(peakMb).toBeLessThan(300);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }, 120_000);
});
