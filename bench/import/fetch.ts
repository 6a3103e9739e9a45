/** All files below an origin, four at a time, and nothing done with them: `ORIGIN=<settings as JSON> node fetch.mjs`. */
import { openOrigin } from "../../src/origin/open.ts";
import type { Expected } from "../../src/origin/origin.ts";

const { signal } = new AbortController();
const origin = await openOrigin(JSON.parse(process.env.ORIGIN ?? ""), { signal });
const files: { path: string; expected: Expected }[] = [];
await walk("");
const queue = files.values();
let bytes = 0;
await Promise.all(
  Array.from({ length: 4 }, async () => {
    for (const { path, expected } of queue) bytes += (await origin.read(path, expected, { signal })).length;
  }),
);
await origin.close();
if (bytes === 0) throw new Error("Nothing was read.");

async function walk(folder: string): Promise<void> {
  for await (const page of origin.list(folder, { signal }))
    for (const { name, kind, sizeBytes, mtimeMs } of page) {
      const path = folder === "" ? name : `${folder}/${name}`;
      if (kind === "folder") await walk(path);
      else files.push({ path, expected: { sizeBytes, mtimeMs } });
    }
}
