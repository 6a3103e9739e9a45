// A NAS folder as a print shop has it, made up: node scripts/nas.mjs <folder> [--designs n] [--seed n] [--pixels n]
//   [--copies share] [--exact-size] [--clean] [--manifest file]
//
// One seed, one folder: the same names, bytes and dates, whenever it is made with the same version of sharp. It
// grows beside its place as `<folder>.new` and is moved there when it is whole, so that what is there is complete.
import { createHash } from "node:crypto";
import { mkdir, readdir, rename, rm, rmdir, utimes, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { drawDesign, encodeCopy, encodeOriginal, thumbnail } from "./nas/draw.mjs";
import { planNas } from "./nas/plan.mjs";
import { randomFrom } from "./nas/random.mjs";

const AT_ONCE = 4;
const FOLDER_TIME = new Date(Date.UTC(2023, 4, 1));

export async function makeNas(folder, options = {}) {
  const settings = {
    seed: 1,
    designs: 300,
    pixels: 900,
    sizes: "varied",
    mix: { text: 48, badge: 14, illustration: 19, photo: 19 },
    copies: 0.3,
    trouble: true,
    // macOS and Windows have one file where Linux has two.
    twins: process.platform === "linux",
    ...options,
  };
  const place = resolve(folder);
  const partial = `${place}.new`;
  if ((await readdir(place).catch(() => [])).length > 0) throw new Error(`${place} is not empty.`);
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { recursive: true });

  const { default: sharp } = await import("sharp");
  const plan = planNas(settings);
  const files = [];
  const write = async (entry, bytes) => {
    const path = join(partial, entry.path);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, bytes, { flag: "wx" });
    await utimes(path, entry.mtimeMs / 1000, entry.mtimeMs / 1000);
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    files.push({ ...entry, sizeBytes: bytes.length, sha256 });
  };
  await inTurns(plan.designs, async (wanted) => {
    const drawn = await drawDesign(sharp, wanted, settings);
    const [original, ...copies] = wanted.files;
    const { kind, design } = wanted;
    const entry = { kind, design, ink: drawn.ink };
    const bytes = await encodeOriginal(sharp, drawn, original.format);
    await write({ ...original, ...entry, of: null }, bytes);
    for (const copy of copies) {
      // White ink on a white ground would be an empty sheet.
      if (copy.how === "jpeg" && drawn.light) continue;
      const copied = copy.how === "exact" ? bytes : await encodeCopy(sharp, drawn, copy);
      await write({ ...copy, ...entry, of: original.path }, copied);
    }
    for (const waste of plan.debris.filter((file) => file.of === original.path)) {
      const thrown = waste.how === "deleted" ? bytes : await thumbnail(sharp, drawn);
      await write({ ...waste, kind: "debris", ink: null, format: null }, thrown);
    }
  });
  const nothing = { design: null, ink: null, format: null, of: null };
  for (const waste of plan.debris.filter(({ of }) => !of)) {
    await write({ ...nothing, ...waste, kind: "debris" }, junk(waste));
  }
  for (const entry of plan.broken) {
    await write({ ...nothing, ...entry, kind: "broken" }, await breakage(sharp, entry, settings));
  }
  for (const empty of plan.emptyFolders) await mkdir(join(partial, empty), { recursive: true });
  await setFolderTimes(partial);
  await rmdir(place).catch(() => {});
  await rename(partial, place);

  files.sort((left, right) => (left.path < right.path ? -1 : 1));
  const { seed, designs, pixels } = settings;
  const manifest = { seed, designs, pixels, emptyFolders: plan.emptyFolders, files };
  if (settings.manifest) await writeFile(settings.manifest, `${JSON.stringify(manifest, null, 1)}\n`);
  return manifest;
}

/** What is no image, or no longer one. */
async function breakage(sharp, { path, how }, { seed, pixels }) {
  const random = randomFrom(seed, "broken", path);
  if (how === "empty") return Buffer.alloc(0);
  if (how === "text")
    return Buffer.from("Anna, das Motiv liegt noch bei Björn. Bitte nachfragen!\n".repeat(9));
  // The first byte of no format.
  if (how === "random") return Buffer.concat([Buffer.from([0xfe]), random.bytes(20_000)]);
  if (how === "document")
    return Buffer.concat([Buffer.from("%PDF-1.5\n%\xe2\xe3\xcf\xd3\n", "latin1"), random.bytes(4_000)]);
  const wanted = {
    kind: how === "truncated-png" ? "badge" : "photo",
    design: path,
    words: ["NICHT", "FERTIG"],
  };
  const drawn = await drawDesign(sharp, wanted, { seed, pixels, sizes: "varied" });
  const whole = await encodeOriginal(sharp, drawn, how === "truncated-png" ? "png" : "jpeg");
  return whole.subarray(0, Math.floor(whole.length * 0.6));
}

function junk({ path, how }) {
  if (how === "apple-double")
    return Buffer.from("\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        ", "latin1");
  return randomFrom("junk", path).bytes(6_148);
}

async function inTurns(jobs, work) {
  const queue = jobs.values();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (const job of queue) await work(job);
    }),
  );
}

/** From the inside out: making a file changes its folder. */
async function setFolderTimes(folder) {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) await setFolderTimes(join(folder, entry.name));
  }
  await utimes(folder, FOLDER_TIME, FOLDER_TIME);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const text = { type: "string" };
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      designs: text,
      seed: text,
      pixels: text,
      copies: text,
      manifest: text,
      "exact-size": { type: "boolean" },
      clean: { type: "boolean" },
    },
  });
  if (positionals.length !== 1)
    throw new Error("node scripts/nas.mjs <folder> [--designs n] [--seed n] [--pixels n]");
  const options = values.manifest ? { manifest: resolve(values.manifest) } : {};
  for (const name of ["designs", "seed", "pixels", "copies"]) {
    if (values[name] === undefined) continue;
    options[name] = Number(values[name]);
    if (!(options[name] >= 0)) throw new Error(`--${name} wants a number, not "${values[name]}".`);
  }
  if (values["exact-size"]) options.sizes = "exact";
  if (values.clean) options.trouble = false;
  const { files } = await makeNas(positionals[0], options);
  const bytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  console.log(`${files.length} files, ${(bytes / 1e6).toFixed(1)} MB, in ${resolve(positionals[0])}`);
}
