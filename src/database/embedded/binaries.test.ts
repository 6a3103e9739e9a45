import { lstat, mkdir, mkdtemp, readlink, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { locateBinaries } from "./binaries.ts";

test("links that npm did not make are made, those that are there stay", async () => {
  const folder = await mkdtemp(join(tmpdir(), "godwit-binaries-"));
  try {
    await mkdir(join(folder, "dist"));
    await mkdir(join(folder, "native", "lib"), { recursive: true });
    await writeFile(
      join(folder, "package.json"),
      JSON.stringify({ type: "module", version: "17.10.0-beta.17" }),
    );
    await writeFile(
      join(folder, "dist", "index.js"),
      `export const initdb = "i", postgres = "p", pg_ctl = "c";`,
    );
    await writeFile(
      join(folder, "native", "pg-symlinks.json"),
      JSON.stringify([
        { source: "native/lib/libx.so.1.2", target: "native/lib/libx.so" },
        { source: "native/lib/libx.so.1.2", target: "native/lib/libx.so.1" },
      ]),
    );
    await writeFile(join(folder, "native", "lib", "libx.so.1"), "already there");
    expect(await locateBinaries(folder)).toEqual({
      initdb: "i",
      postgres: "p",
      pgCtl: "c",
      version: "17.10",
      major: 17,
    });
    expect(await readlink(join(folder, "native", "lib", "libx.so"))).toBe("libx.so.1.2");
    expect((await lstat(join(folder, "native", "lib", "libx.so.1"))).isFile()).toBe(true);
    await locateBinaries(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
});
