import { expect, test } from "vitest";
import { Host } from "./host.ts";

test("a module that is loaded after the end is refused once, and nothing is left that nobody hears", async () => {
  const unheard: unknown[] = [];
  const hear = (reason: unknown) => unheard.push(reason);
  process.on("unhandledRejection", hear);
  try {
    const host = new Host({ cacheFolder: null });
    await host.close();
    const module = { path: "/nowhere/0001_a.ts", file: "0001_a.ts", text: "" };
    await expect(host.load(module)).rejects.toThrow("was closed");
    // Node tells of them when all promises have settled.
    await new Promise((next) => setImmediate(next));
    expect(unheard).toEqual([]);
  } finally {
    process.off("unhandledRejection", hear);
  }
});
