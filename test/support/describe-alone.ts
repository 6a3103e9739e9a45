// A process of its own that describes the image on its standard input, and says how much memory it took.
import { readFileSync } from "node:fs";
import { describeImage } from "../../src/pixels/describe.ts";

const bytes = readFileSync(0);
const description = await describeImage(bytes, {
  hashSize: 8,
  maxPixels: 200_000_000,
  maxDecodedBytes: Number(process.argv[2]),
  // As the workers of an import do.
  onStripDone: async () => {
    globalThis.gc?.();
    await new Promise((resolve) => setImmediate(resolve));
  },
});
console.log(JSON.stringify({ description, peakMb: process.resourceUsage().maxRSS / 1024 }));
