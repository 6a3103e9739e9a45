// From a planned design to the bytes of its files.
import { badgeDesign, inkOf, textDesign } from "./inked.mjs";
import { illustration, photo } from "./painted.mjs";
import { encodePsd } from "./psd.mjs";
import { randomFrom } from "./random.mjs";

/** Shown on shirts, mugs and posters: width to height. */
const SHAPES = [
  [1, 1],
  [1, 1],
  [1, 0.75],
  [0.75, 1],
  [1, 0.6],
  [0.8, 1],
];

/** `{ ink, svg, raw: { data, info } }`: what a design looks like; raw is RGB or RGBA. */
export async function drawDesign(sharp, { kind, design, words, files }, { seed, pixels, sizes }) {
  const random = randomFrom(seed, "drawing", design);
  const [across, down] = sizes === "exact" ? [1, 1] : random.pick(SHAPES);
  const side = sizes === "exact" ? pixels : random.between((pixels * 2) / 3, pixels);
  const [width, height] = [Math.round(side * across), Math.round(side * down)];
  if (kind === "photo") {
    const info = { width, height, channels: 3 };
    return { ink: null, light: false, raw: { data: photo(random, info), info } };
  }
  const ink = kind === "illustration" ? null : inkOf(random);
  const opaque = kind === "illustration" && (random.chance(0.65) || files[0]?.format === "jpeg");
  const draw = { text: textDesign, badge: badgeDesign, illustration }[kind];
  const svg = draw(random, { words, width, height, colour: ink?.colour, transparent: !opaque });
  const { data, info } = await sharp(Buffer.from(svg))
    .ensureAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const raw = opaque ? await withoutAlpha(sharp, { data, info }) : { data, info };
  return { ink: ink?.name ?? null, light: ink?.name === "white", svg, raw };
}

export async function encodeOriginal(sharp, { svg, raw }, format) {
  return format === "svg"
    ? Buffer.from(svg)
    : encode(imageOf(sharp, raw), format, { raw, quality: 92, lossless: true });
}

/** A copy, made in the way that `how` says; not for `exact`. */
export async function encodeCopy(sharp, { raw }, { how, format }) {
  const image = imageOf(sharp, raw);
  if (how === "jpeg") return image.flatten({ background: "#ffffff" }).jpeg({ quality: 70 }).toBuffer();
  if (how === "webp") return image.webp({ quality: 80, effort: 2 }).toBuffer();
  if (how === "lossless") return image.png({ compressionLevel: 3, adaptiveFiltering: true }).toBuffer();
  const share = how === "resized50" ? 0.5 : 0.75;
  return encode(image.resize({ width: Math.round(raw.info.width * share) }), format, { raw, quality: 88 });
}

export async function thumbnail(sharp, { raw }) {
  const image = imageOf(sharp, raw).resize({ width: 120, height: 120, fit: "inside" });
  return image.flatten({ background: "#ffffff" }).jpeg({ quality: 75 }).toBuffer();
}

function imageOf(sharp, { data, info: { width, height, channels } }) {
  return sharp(data, { raw: { width, height, channels } });
}

async function withoutAlpha(sharp, raw) {
  return imageOf(sharp, raw).removeAlpha().raw().toBuffer({ resolveWithObject: true });
}

function encode(image, format, { raw, quality, lossless = false }) {
  if (format === "png") return image.png({ compressionLevel: 6 }).toBuffer();
  if (format === "jpeg") return image.flatten({ background: "#ffffff" }).jpeg({ quality }).toBuffer();
  if (format === "webp")
    return image
      .webp(raw.info.channels === 4 && lossless ? { lossless, effort: 1 } : { quality, effort: 1 })
      .toBuffer();
  if (format === "gif") return image.gif({ effort: 2 }).toBuffer();
  if (format === "tiff") return image.tiff({ compression: "lzw" }).toBuffer();
  if (format === "avif") return image.avif({ quality: 70, effort: 0 }).toBuffer();
  const { width, height, channels } = raw.info;
  if (format === "psd")
    return encodePsd({ width, height, channels, pixels: raw.data, packed: channels === 4 });
  throw new Error(`No way to write "${format}".`);
}
