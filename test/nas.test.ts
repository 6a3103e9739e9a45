/** The made-up NAS is the same every time, and is what its manifest says: other tests believe it. */
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeNas, type NasManifest } from "../scripts/nas.mjs";

const DESIGNS = 40;
const PIXELS = 300;

let scratch: string;
let base: string;
let manifest: NasManifest;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "godwit-nas-"));
  base = join(scratch, "nas");
  manifest = await makeNas(base, { designs: DESIGNS, pixels: PIXELS, manifest: join(scratch, "nas.json") });
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

test("one seed makes one folder, byte for byte and date for date; another seed another", async () => {
  const settings = { designs: DESIGNS, pixels: PIXELS };
  const again = await makeNas(join(scratch, "again"), settings);
  expect(again).toEqual(manifest);
  expect(await treeOf(join(scratch, "again"))).toEqual(await treeOf(base));
  const other = await makeNas(join(scratch, "other"), { ...settings, seed: 2 });
  const contents = new Set(
    manifest.files.filter(({ kind }) => kind !== "debris").map(({ sha256 }) => sha256),
  );
  const shared = other.files.filter(({ kind, sha256 }) => kind !== "debris" && contents.has(sha256));
  // Text and nothing are the same in every folder.
  expect(shared.map(({ how }) => how).sort()).toEqual(["empty", "text"]);
});

test("the folder holds what the manifest lists, and nothing else", async () => {
  const tree = await treeOf(base);
  const files = new Map(manifest.files.map(({ path, sha256, mtimeMs }) => [path, `${sha256} ${mtimeMs}`]));
  expect(Object.fromEntries([...tree].filter(([, what]) => what !== "folder"))).toEqual(
    Object.fromEntries(files),
  );
  for (const path of manifest.emptyFolders) expect(await readdir(join(base, path))).toEqual([]);
  expect(JSON.parse(await readFile(join(scratch, "nas.json"), "utf8"))).toEqual(manifest);
});

test("every design has one original at its place, and every copy one design", () => {
  const stored = manifest.files.filter(({ fate }) => fate === "stored");
  const originals = stored.filter(({ of }) => of === null);
  expect(originals.map(({ design }) => design).sort((a, b) => Number(a) - Number(b))).toEqual(
    // One more lies in a folder below its template; two more at no place of a design.
    [...Array.from({ length: DESIGNS }, (_, index) => index), DESIGNS + 2],
  );
  const byPath = new Map(manifest.files.map((file) => [file.path, file]));
  for (const copy of manifest.files.filter(({ of }) => of !== null)) {
    const original = byPath.get(copy.of ?? "");
    expect(original?.design, copy.path).toBe(copy.design);
    const isSame = copy.sha256 === original?.sha256;
    expect(isSame, copy.path).toBe(copy.how === "exact" || copy.how === "deleted");
  }
  // Different designs never are the same file by accident.
  const owners = new Map<string, Set<number | null>>();
  for (const { sha256, design } of stored) owners.set(sha256, (owners.get(sha256) ?? new Set()).add(design));
  expect([...owners.values()].filter((designs) => designs.size > 1)).toEqual([]);
});

test("even a small folder has every kind, every format and every kind of trouble", () => {
  const values = (name: "kind" | "format" | "how" | "fate" | "ink") =>
    [...new Set(manifest.files.map((file) => String(file[name])))].sort();
  expect(values("kind")).toEqual(["badge", "broken", "debris", "illustration", "photo", "text"]);
  expect(values("format")).toEqual("avif,gif,jpeg,null,png,psd,svg,tiff,webp".split(","));
  expect(values("fate")).toEqual(["ignored", "outside", "quarantined", "stored", "unsupported"]);
  expect(values("ink")).toEqual(["black", "coloured", "null", "white"]);
  const trouble = "apple-double,deleted,document,empty,explorer,finder,misnamed,random,text,thumbnail";
  const broken = "truncated-jpeg,truncated-png";
  const copies = "exact,jpeg,lossless,resized50,resized75,webp";
  expect(values("how")).toEqual(expect.arrayContaining([trouble, broken, copies].join(",").split(",")));
});

test("where an image lies decides whether it is to be stored", () => {
  for (const { path, fate } of manifest.files) {
    const parts = path.split("/");
    const isDebris = parts.some((part) => /^([.@#]|Thumbs\.db$)/.test(part));
    expect(isDebris, path).toBe(fate === "ignored");
    if (!isDebris) expect(parts.length < 3, path).toBe(fate === "outside");
  }
});

test.runIf(process.platform === "linux")(
  "names differ only by their Unicode form, for files and folders",
  () => {
    const forms = (paths: readonly string[]) => {
      const spellings = new Map<string, Set<string>>();
      for (const path of paths) {
        const key = path.normalize("NFC");
        spellings.set(key, (spellings.get(key) ?? new Set()).add(path));
      }
      return [...spellings.values()].filter((set) => set.size > 1).length;
    };
    const stored = manifest.files.filter(({ fate }) => fate === "stored").map(({ path }) => path);
    expect(forms(stored)).toBeGreaterThan(0);
    expect(forms(stored.map((path) => path.split("/").slice(0, 2).join("/")))).toBeGreaterThan(0);
  },
);

test("what is to be stored can be decoded, and is in the format that is said", async () => {
  for (const { path, fate, format } of manifest.files) {
    if (fate !== "stored" && fate !== "outside") continue;
    const bytes = await readFile(join(base, path));
    if (format === "psd") {
      expect(bytes.subarray(0, 6).toString("latin1"), path).toBe("8BPS\0\x01");
      continue;
    }
    const { info } = await sharp(bytes, { failOn: "error" }).raw().toBuffer({ resolveWithObject: true });
    const found = (await sharp(bytes).metadata()).format;
    expect(found === "heif" ? "avif" : found, path).toBe(format);
    expect(Math.max(info.width, info.height), path).toBeLessThanOrEqual(PIXELS);
  }
});

test("what is broken cannot be decoded", async () => {
  const broken = manifest.files.filter(({ kind }) => kind === "broken");
  expect(broken).toHaveLength(7);
  for (const { path } of broken) {
    const bytes = await readFile(join(base, path));
    const decoded = async () => sharp(bytes, { failOn: "error" }).raw().toBuffer();
    await expect(decoded(), path).rejects.toThrow();
  }
});

test("a PSD's merged picture is the design itself, raw and packed, with and without alpha", async () => {
  const copies = manifest.files.filter(({ of, how }) => how === "lossless" && of?.endsWith(".psd"));
  const seen = new Set<string>();
  for (const { path, of } of copies) {
    const psd = mergedPicture(await readFile(join(base, of ?? "")));
    const png = await sharp(join(base, path)).raw().toBuffer({ resolveWithObject: true });
    const { width, height, channels } = png.info;
    expect([psd.width, psd.height, psd.planes.length], path).toEqual([width, height, channels]);
    for (const [channel, plane] of psd.planes.entries()) {
      const wanted = plane.map((_, pixel) => png.data[pixel * channels + channel] ?? 0);
      expect(Buffer.compare(plane, wanted), `${path}, channel ${channel}`).toBe(0);
    }
    seen.add(`${channels} channels`).add(psd.packed ? "packed" : "raw");
  }
  expect([...seen].sort()).toEqual(["3 channels", "4 channels", "packed", "raw"]);
});

test("a folder with something in it is left alone", async () => {
  const taken = join(scratch, "taken");
  await mkdir(taken);
  await writeFile(join(taken, "mine.txt"), "mine");
  await expect(makeNas(taken, { designs: 1 })).rejects.toThrow("is not empty");
  expect(await readdir(taken)).toEqual(["mine.txt"]);
});

test("a benchmark can have one kind, of one size, and nothing else", async () => {
  const folder = join(scratch, "plain");
  const options = {
    designs: 3,
    pixels: 200,
    sizes: "exact",
    mix: { photo: 1 },
    copies: 0,
    trouble: false,
  } as const;
  const { files } = await makeNas(folder, options);
  expect(files.map(({ kind, fate, of }) => `${kind} ${fate} ${of}`)).toEqual(
    Array(3).fill("photo stored null"),
  );
  for (const { path, format } of files) {
    if (format === "psd") continue;
    const { width, height } = await sharp(join(folder, path)).metadata();
    expect([width, height]).toEqual([200, 200]);
  }
});

/** Every path below a folder, with the digest of its bytes and its date. */
async function treeOf(folder: string): Promise<Map<string, string>> {
  const tree = new Map<string, string>();
  const visit = async (below: string): Promise<void> => {
    for (const entry of await readdir(join(folder, below), { withFileTypes: true })) {
      const path = below ? `${below}/${entry.name}` : entry.name;
      if (entry.isDirectory()) {
        tree.set(path, "folder");
        await visit(path);
        continue;
      }
      const digest = createHash("sha256").update(await readFile(join(folder, path)));
      tree.set(path, `${digest.digest("hex")} ${(await stat(join(folder, path))).mtimeMs}`);
    }
  };
  await visit("");
  return new Map([...tree].sort(([left], [right]) => (left < right ? -1 : 1)));
}

function mergedPicture(psd: Buffer) {
  const [channels, height, width] = [psd.readUInt16BE(12), psd.readUInt32BE(14), psd.readUInt32BE(18)];
  let at = 26;
  for (let section = 0; section < 3; section++) at += 4 + psd.readUInt32BE(at);
  const packed = psd.readUInt16BE(at) === 1;
  at += 2;
  const rows = Array.from({ length: channels * height }, (_, row) =>
    packed ? psd.readUInt16BE(at + 2 * row) : width,
  );
  if (packed) at += 2 * rows.length;
  const lines = rows.map((length) => {
    const line = psd.subarray(at, at + length);
    at += length;
    return packed ? unpack(line) : line;
  });
  expect(at).toBe(psd.length);
  expect(lines.every(({ length }) => length === width)).toBe(true);
  const planes = Array.from({ length: channels }, (_, channel) =>
    Uint8Array.from(Buffer.concat(lines.slice(channel * height, (channel + 1) * height))),
  );
  return { width, height, packed, planes };
}

function unpack(line: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < line.length; ) {
    const head = line.readInt8(at);
    const size = head < 0 ? 1 : head + 1;
    const part = line.subarray(at + 1, at + 1 + size);
    parts.push(head < 0 ? Buffer.alloc(1 - head, part) : part);
    at += 1 + size;
  }
  return Buffer.concat(parts);
}
