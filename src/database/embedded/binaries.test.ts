import { lstat, mkdir, mkdtemp, readlink, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { DatabaseError } from "../../errors.ts";
import { locateBinaries } from "./binaries.ts";
import { chooseIdentity } from "./identity.ts";

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

test("nobody is told to set DATABASE_URL for a scratch server, which takes the place of no database", async () => {
  const folder = await mkdtemp(join(tmpdir(), "godwit-binaries-"));
  const hintOf = (work: Promise<unknown>) =>
    work.then(
      () => null,
      (error: DatabaseError) => error.hint ?? "",
    );
  try {
    const postgres = join(folder, "postgres");
    await writeFile(postgres, "");
    const binaries = { initdb: postgres, postgres, pgCtl: postgres, version: "18.4", major: 18 };
    for (const purpose of ["database", "scratch"] as const) {
      const helps = purpose === "database";
      const hint = await hintOf(locateBinaries(join(folder, "none"), purpose));
      expect(hint?.includes("DATABASE_URL")).toBe(helps);
      expect(hint).toContain("npm install");
      // Only root has to be somebody else.
      if (process.getuid?.() === 0)
        expect((await hintOf(chooseIdentity(folder, binaries, purpose)))?.includes("DATABASE_URL")).toBe(
          helps,
        );
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});
