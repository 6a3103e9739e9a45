/**
 * Folders of files as print shops have them, made once and kept for further runs: drawings by `scripts/nas.mjs`,
 * 3000 x 3000 pixels, each of its own. What a photo costs to decode is decided by its size, so photos are noise of
 * the strength that gives the sizes of real ones.
 */
import { chmodSync, existsSync, linkSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import sharp, { type CreateRaw, type Sharp } from "sharp";
import { drawDesign } from "../../scripts/nas/draw.mjs";

export interface Folder {
  readonly name: string;
  /** As it is called in the results. */
  readonly title: string;
  readonly files: readonly Kind[];
}

type Kind = {
  readonly make: (number: number) => Promise<Buffer>;
  readonly ending: string;
  /** So many different ones; others are further names of them. */
  readonly distinct?: number;
};

const photoJpeg: Kind = { ending: "jpg", make: (n) => photo(n, 3000, 3000).jpeg({ quality: 90 }).toBuffer() };
const photoPng: Kind = {
  ending: "png",
  make: (n) => photo(n, 3000, 3000, 13).png({ compressionLevel: 6 }).toBuffer(),
};
const designPng: Kind = { ending: "png", make: design };
const smallJpeg: Kind = { ending: "jpg", make: (n) => photo(n, 300, 300).jpeg({ quality: 80 }).toBuffer() };
const largePng: Kind = { ending: "png", distinct: 1, make: (n) => transparent(n, 6000, 4000) };
const hugePng: Kind = { ending: "png", distinct: 1, make: (n) => transparent(n, 10_000, 10_000) };

export const MIX: Folder = {
  name: "mix",
  title: "152 files of 3000 x 3000: 100 JPEG photos, 46 transparent design PNGs, 6 photo PNGs",
  files: [...times(100, photoJpeg), ...times(46, designPng), ...times(6, photoPng)],
};
export const SMALL: Folder = {
  name: "small",
  title: "5,000 JPEGs of 300 x 300",
  files: times(5_000, smallJpeg),
};
/** Few different ones: what they cost does not depend on what they show. */
export const LARGE: Folder = {
  name: "large",
  title: "12 RGBA PNGs of 24 megapixels and 4 of 100",
  files: [...times(6, largePng), ...times(2, hugePng), ...times(6, largePng), ...times(2, hugePng)],
};
export const TINY: Folder = { name: "tiny", title: "one JPEG of 300 x 300", files: times(1, smallJpeg) };
/** Those of the mix, apart. */
export const KINDS: readonly Folder[] = [
  { name: "mix-jpeg", title: "JPEG photo", files: times(100, photoJpeg) },
  { name: "mix-design", title: "transparent design PNG", files: times(46, designPng) },
  { name: "mix-photo", title: "photo PNG", files: times(6, photoPng) },
];

/** Where the folder is; everybody may read it, because a user of few rights serves it. */
export async function folderOf({ name, files }: Folder): Promise<string> {
  const place = join(tmpdir(), "godwit-bench-files", `1-${name}-${files.length}`);
  if (existsSync(place)) return place;
  const draft = `${place}.new`;
  rmSync(draft, { recursive: true, force: true });
  const made = new Map<Kind, string[]>();
  const mix = name.startsWith("mix-") ? filesOf(await folderOf(MIX)) : [];
  for (const [index, kind] of files.entries()) {
    const folder = join(draft, `Shop ${index % 3}`, `Template ${index % 7}`);
    mkdirSync(folder, { recursive: true });
    const path = join(folder, `${String(index).padStart(5, "0")}.${kind.ending}`);
    const before = made.get(kind) ?? [];
    made.set(kind, [...before, path]);
    const at = MIX.files.indexOf(kind) + before.length;
    const same = mix[at] ?? before[before.length - (kind.distinct ?? Number.POSITIVE_INFINITY)];
    if (same !== undefined) {
      linkSync(same, path);
      continue;
    }
    await writeFile(path, await kind.make(index + 1));
    // Long ago: what is fresh may still be being written, and is left to rest.
    await utimes(path, 1_700_000_000, 1_700_000_000);
  }
  chmodSync(dirname(place), 0o755);
  renameSync(draft, place);
  return place;
}

/** By their numbers. */
function filesOf(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .sort((left, right) => (left.name < right.name ? -1 : 1))
    .map((entry) => join(entry.parentPath, entry.name));
}

function photo(number: number, width: number, height: number, grain = 4 + (number % 5)): Sharp {
  const background = { r: (number * 53) % 256, g: (number * 97) % 256, b: (number * 31) % 256 };
  const noise = { type: "gaussian", mean: 60 + ((number * 13) % 130), sigma: grain } as const;
  return sharp({ create: { width, height, channels: 3, background, noise } });
}

/** A motto, a badge or a drawing on nothing, with a soft shadow, as designers like them. */
async function design(number: number): Promise<Buffer> {
  const kind = (["text", "badge", "illustration"] as const)[number % 3] ?? "text";
  const words = ["GIN", "UND", `WEG ${number}`];
  const { raw } = await drawDesign(
    sharp,
    { kind, design: number, words, files: [{ format: "png" }] },
    { seed: number, pixels: 3000, sizes: "exact" },
  );
  const drawn = sharp(raw.data, { raw: raw.info }).ensureAlpha();
  const shadow = await drawn.clone().blur(12).raw().toBuffer({ resolveWithObject: true });
  return sharp(shadow.data, { raw: shadow.info as CreateRaw })
    .composite([{ input: await drawn.png({ compressionLevel: 1 }).toBuffer() }])
    .png({ compressionLevel: 6 })
    .toBuffer();
}

async function transparent(number: number, width: number, height: number): Promise<Buffer> {
  const tile = await photo(number, 1000, 1000).ensureAlpha(0.5).png().toBuffer();
  const canvas = { width, height, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0 } } as const;
  return sharp({ create: canvas, limitInputPixels: false })
    .composite([{ input: tile, tile: true }])
    .png({ compressionLevel: 1 })
    .toBuffer();
}

function times<T>(count: number, one: T): readonly T[] {
  return Array.from({ length: count }, () => one);
}
