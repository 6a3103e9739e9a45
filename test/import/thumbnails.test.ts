/** Pictures for a contact sheet: those that can be had, and never a wait for those that cannot. */
import { describe } from "vitest";
import type { FileJob } from "../../src/import/protocol.ts";
import { readThumbnails } from "../../src/import/thumbnails.ts";
import { expect, test } from "../support/database.ts";
import { LONG_AGO, picture, put, settingsOf, temporaryFolder } from "../support/import-place.ts";
import { startSshd, withoutSshd } from "../support/sshd.ts";

const NAMES = Array.from({ length: 12 }, (_, n) => `s/t/${n}.png`);
const image = await picture(1);

const jobs = (): readonly FileJob[] =>
  NAMES.map((path, n) => ({ id: String(n), path, sizeBytes: image.length, mtimeMs: LONG_AGO.getTime() }));
const options = { sizePx: 32, signal: new AbortController().signal, onProgress: () => {} };

describe("thumbnails", () => {
  test("are made of what is there; what is gone or broken is left out", async () => {
    const base = temporaryFolder();
    put(base, Object.fromEntries(NAMES.slice(2).map((name) => [name, image])));
    put(base, { [NAMES[2] ?? ""]: Buffer.alloc(image.length) });
    const found = await readThumbnails(settingsOf(base), jobs(), options);
    expect([...found.keys()].sort()).toEqual(
      NAMES.slice(3)
        .map((_, n) => String(n + 3))
        .sort(),
    );
    expect(Buffer.from(found.get("5") ?? []).toString("latin1", 8, 12)).toBe("WEBP");
  });

  test.skipIf(withoutSshd)(
    "of a host that is not trusted, or not there, are an error and no wait",
    async () => {
      const sshd = await startSshd();
      put(sshd.folder, Object.fromEntries(NAMES.map((name) => [name, image])));
      const settings = { ...settingsOf(sshd.folder), workers: 2 };
      const stranger = sshd.settings({ hostKeys: { pinned: [], knownHosts: null, trustOnFirstUse: false } });
      await expect(readThumbnails({ ...settings, origin: stranger }, jobs(), options)).rejects.toMatchObject({
        code: "ORIGIN_HOST_UNKNOWN",
      });
      const known = sshd.settings();
      expect((await readThumbnails({ ...settings, origin: known }, jobs(), options)).size).toBe(NAMES.length);
      await sshd.stop();
      await expect(readThumbnails({ ...settings, origin: known }, jobs(), options)).rejects.toMatchObject({
        code: "ORIGIN_UNREACHABLE",
      });
    },
  );
});
