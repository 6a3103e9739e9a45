/** The least that can be done: read, decode to raw pixels, forget. `node floor.mjs <folder> <part> <parts>` prints CPU-ms. */
import { readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";

const [folder = "", part = "0", parts = "1"] = process.argv.slice(2);
sharp.cache(false);
sharp.concurrency(1);
const files = readdirSync(folder, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name))
  .filter((_, index) => index % Number(parts) === Number(part))
  .values();
const before = process.cpuUsage();
await Promise.all(
  Array.from({ length: 2 }, async () => {
    for (const file of files)
      await sharp(await readFile(file), { ignoreIcc: true, failOn: "error", limitInputPixels: false })
        .raw()
        .toBuffer();
  }),
);
const { user, system } = process.cpuUsage(before);
process.stdout.write(`${(user + system) / 1000}\n`);
