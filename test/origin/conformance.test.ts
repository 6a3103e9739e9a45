/** What every origin promises, held against a folder of this machine and a real SFTP server. */
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openOrigin } from "../../src/origin/open.ts";
import type { Entry, Expected, Origin } from "../../src/origin/origin.ts";
import { type Sshd, startSshd, withoutSshd } from "../support/sshd.ts";

const { signal } = new AbortController();
let root: string;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "godwit-origin-"));
  chmodSync(root, 0o755);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe("directory", () => laws((base) => openOrigin({ kind: "directory", base }, { signal })));

describe.skipIf(withoutSshd)(`sftp${withoutSshd ? `: ${withoutSshd}` : ""}`, () => {
  let sshd: Sshd;
  beforeAll(async () => {
    sshd = await startSshd();
  });
  afterAll(() => sshd.stop());
  laws((base) => openOrigin(sshd.settings({ base }), { signal }));
});

function laws(open: (base: string) => Promise<Origin>): void {
  test("lists files and folders with size and time, and leaves . and .. out", async () => {
    const base = folder({ "a.png": "12345", sub: null, "z z": "" });
    await using origin = await open(base);
    const entries = await all(origin, "");
    expect(entries.map(({ name, kind, addressable }) => [name, kind, addressable])).toEqual([
      ["a.png", "file", true],
      ["sub", "folder", true],
      ["z z", "file", true],
    ]);
    expect(entries[0]).toMatchObject({ sizeBytes: 5, mtimeMs: TIME_MS });
    expect(entries[2]).toMatchObject({ sizeBytes: 0, mtimeMs: TIME_MS });
    expect(await all(origin, "sub")).toEqual([]);
    expect(await origin.stat("a.png", { signal })).toEqual({ sizeBytes: 5, mtimeMs: TIME_MS });
  });

  test("follows links, says where they lead, and says what leads nowhere", async () => {
    const base = folder({ real: null, "real/x": "abc" });
    symlinkSync("real", join(base, "folder"));
    symlinkSync("real/x", join(base, "file"));
    symlinkSync("nowhere", join(base, "dangling"));
    symlinkSync("loop", join(base, "loop"));
    symlinkSync(".", join(base, "self"));
    await using origin = await open(base);
    const entries = new Map((await all(origin, "")).map((entry) => [entry.name, entry]));
    expect(entries.get("folder")).toMatchObject({ kind: "folder", realPath: join(base, "real") });
    expect(entries.get("file")).toMatchObject({
      kind: "file",
      sizeBytes: 3,
      mtimeMs: TIME_MS,
      realPath: join(base, "real/x"),
    });
    expect(entries.get("self")).toMatchObject({ kind: "folder", realPath: base });
    expect(entries.get("real")).not.toHaveProperty("realPath");
    for (const name of ["dangling", "loop"]) {
      expect(entries.get(name)).toMatchObject({ kind: "nowhere" });
      expect(entries.get(name)).not.toHaveProperty("realPath");
      await expect(origin.stat(name, { signal })).rejects.toMatchObject({ code: "FILE_GONE" });
    }
    expect((await all(origin, "folder")).map(({ name }) => name)).toEqual(["x"]);
  });

  test("a base that is a link is resolved once", async () => {
    const base = folder({ real: null, "real/x": "abc" });
    symlinkSync("real", join(base, "link"));
    await using origin = await open(join(base, "link"));
    expect(origin.realBase).toBe(join(base, "real"));
    expect((await all(origin, "")).map(({ name }) => name)).toEqual(["x"]);
  });

  test("names in either Unicode form are two files, and each is found again", async () => {
    const names = ["Blüte.png", "Blüte.png".normalize("NFD"), "日本 🦜.png", "a\nb", "'\"\\", "-rf", " "];
    const base = folder(Object.fromEntries(names.map((name, i) => [name, `content ${i}`])));
    await using origin = await open(base);
    const entries = await all(origin, "");
    expect(entries.map(({ name }) => name).sort()).toEqual([...names].sort());
    for (const [i, name] of names.entries()) {
      expect(entries.find((entry) => entry.name === name)?.addressable).toBe(true);
      const found = await origin.stat(name, { signal });
      expect((await origin.read(name, found, { signal })).toString()).toBe(`content ${i}`);
    }
  });

  test("a name that is not UTF-8 is listed as one that cannot be asked for", async () => {
    const base = folder({ good: "1" });
    writeFileSync(Buffer.concat([Buffer.from(`${base}/bad-`), Buffer.from([0xe9, 0xff])]), "22");
    symlinkSync("good", Buffer.concat([Buffer.from(`${base}/link-`), Buffer.from([0xff])]));
    await using origin = await open(base);
    const entries = await all(origin, "");
    expect(entries.map(({ addressable }) => addressable).sort()).toEqual([false, false, true]);
    expect(entries.find(({ name }) => name.startsWith("bad-"))).toMatchObject({ kind: "file", sizeBytes: 2 });
  });

  test("reads exactly the bytes, whatever their number, and tells how many came", async () => {
    const sizes = [0, 1, 32_767, 32_768, 32_769, 1_048_576, 5_000_003];
    const contents = sizes.map((size) => randomBytes(size));
    const base = folder(Object.fromEntries(contents.map((bytes, i) => [`f${i}`, bytes])));
    await using origin = await open(base);
    for (const [i, bytes] of contents.entries()) {
      let told = 0;
      const read = await origin.read(
        `f${i}`,
        { sizeBytes: bytes.length, mtimeMs: TIME_MS },
        {
          signal,
          onBytes: (count) => {
            told += count;
          },
        },
      );
      expect(read.equals(bytes)).toBe(true);
      expect(told).toBe(bytes.length);
    }
  });

  test("2,000 reads at once all come, from 30 folders deep, while every folder is still being listed", async () => {
    const base = folder({});
    let deep = "";
    for (let level = 0; level < 30; level++) {
      deep = deep === "" ? "d" : `${deep}/d`;
      mkdirSync(join(base, deep));
      writeFileSync(join(base, deep, "f"), `level ${level}`);
    }
    await using origin = await open(base);
    const found: [path: string, expected: Expected][] = [];
    const walk = async (path: string): Promise<void> => {
      for await (const page of origin.list(path, { signal })) {
        for (const entry of page) {
          const below = path === "" ? entry.name : `${path}/${entry.name}`;
          if (entry.kind === "folder") await walk(below);
          else found.push([below, entry]);
        }
      }
    };
    await walk("");
    expect(found.length).toBe(30);
    const reads = await Promise.all(
      Array.from({ length: 2000 }, (_, i) => {
        const [path, expected] = found[i % 30] as (typeof found)[0];
        return origin.read(path, expected, { signal });
      }),
    );
    for (const [i, bytes] of reads.entries()) {
      const depth = (found[i % 30]?.[0].split("/").length ?? 0) - 2;
      expect(bytes.toString()).toBe(`level ${depth}`);
    }
  });

  test("what is not there is gone, whatever of its path is missing", async () => {
    const base = folder({ file: "1" });
    await using origin = await open(base);
    for (const path of ["none", "none/at/all", "file/below", "nul\0in it"]) {
      await expect(origin.stat(path, { signal })).rejects.toMatchObject({ code: "FILE_GONE" });
      await expect(origin.read(path, ANY, { signal })).rejects.toMatchObject({ code: "FILE_GONE" });
    }
  });

  test("a folder is no file, and a file no folder", async () => {
    const base = folder({ file: "1", sub: null });
    await using origin = await open(base);
    await expect(origin.read("sub", ANY, { signal })).rejects.toMatchObject({ code: "FILE_UNREADABLE" });
    for (const path of ["file", "none"]) {
      await expect(all(origin, path)).rejects.toMatchObject({ code: "ORIGIN_FOLDER_UNREADABLE" });
    }
    expect(await all(origin, "")).toHaveLength(2);
  });

  test("a file that no longer looks as expected is not read", async () => {
    const base = folder({ file: "12345" });
    await using origin = await open(base);
    const now = { sizeBytes: 5, mtimeMs: TIME_MS };
    for (const expected of [
      { ...now, sizeBytes: 4 },
      { ...now, sizeBytes: 6 },
      { ...now, mtimeMs: TIME_MS + 1000 },
    ]) {
      await expect(origin.read("file", expected, { signal })).rejects.toMatchObject({ code: "FILE_CHANGED" });
    }
    expect((await origin.read("file", now, { signal })).toString()).toBe("12345");
  });

  describe("a file that changes while it is read", () => {
    const big = Buffer.alloc(8_000_000, 1);
    const changes: Record<string, (path: string) => void> = {
      "is written on": (path) => appendFileSync(path, "more"),
      "is cut short": (path) => truncateSync(path, 100),
      "is emptied": (path) => truncateSync(path, 0),
      "is overwritten in place": (path) => writeFileSync(path, Buffer.alloc(8_000_000, 2), { flag: "r+" }),
      "is touched": (path) => utimesSync(path, TIME_MS / 1000, TIME_MS / 1000 + 7),
    };
    test.for(Object.keys(changes))("and %s gives no bytes at all", async (change) => {
      const base = folder({ big });
      await using origin = await open(base);
      let changed = false;
      const reading = origin.read(
        "big",
        { sizeBytes: big.length, mtimeMs: TIME_MS },
        {
          signal,
          onBytes: () => {
            if (!changed) changes[change]?.(join(base, "big"));
            changed = true;
          },
        },
      );
      // Not the bytes themselves: a failure would print all of them.
      await expect(reading.then(({ length }) => length)).rejects.toMatchObject({ code: "FILE_CHANGED" });
      expect(await all(origin, "")).toHaveLength(1);
    });

    test("because another takes its place gives the old one whole, or nothing", async () => {
      const base = folder({ big, other: Buffer.alloc(big.length, 2) });
      await using origin = await open(base);
      const onBytes = () => {
        try {
          renameSync(join(base, "other"), join(base, "big"));
        } catch {
          // it is there already
        }
      };
      const read = await origin.read("big", { sizeBytes: big.length, mtimeMs: TIME_MS }, { signal, onBytes });
      expect(read.equals(big)).toBe(true);
    });
  });

  test("more than a gigabyte is refused before it is read", async () => {
    const base = folder({ file: "1" });
    truncateSync(join(base, "file"), 1024 ** 3 + 1);
    await using origin = await open(base);
    const found = await origin.stat("file", { signal });
    await expect(origin.read("file", found, { signal })).rejects.toMatchObject({ code: "FILE_TOO_LARGE" });
  });

  test("a signal ends what it belongs to with its reason, and nothing else", async () => {
    const big = randomBytes(20_000_000);
    const base = folder({ big, small: "abc" });
    await using origin = await open(base);
    const expected = { sizeBytes: big.length, mtimeMs: TIME_MS };
    const stop = new AbortController();
    const reason = new Error("enough");
    const others = [1, 2, 3].map(() => origin.read("big", expected, { signal }));
    const told: number[] = [];
    const ended = Array.from({ length: 50 }, () =>
      origin.read("big", expected, {
        signal: stop.signal,
        onBytes: (count) => {
          told.push(count);
          stop.abort(reason);
        },
      }),
    );
    for (const settled of await Promise.allSettled(ended)) {
      expect(settled).toEqual({ status: "rejected", reason });
    }
    for (const bytes of await Promise.all(others)) expect(bytes.equals(big)).toBe(true);
    await expect(origin.stat("small", { signal: stop.signal })).rejects.toBe(reason);
    await expect(all(origin, "", stop.signal)).rejects.toBe(reason);
    expect(await all(origin, "")).toHaveLength(2);
  });

  test("closing ends what is under way, may be done twice, and leaves nothing behind", async () => {
    const big = randomBytes(20_000_000);
    const base = folder({ big });
    const sockets = () => process.getActiveResourcesInfo().filter((name) => /TCPSocket/.test(name)).length;
    const before = sockets();
    const origin = await open(base);
    const listing = origin.list("", { signal })[Symbol.asyncIterator]();
    await listing.next();
    let closing: Promise<void> | undefined;
    const reading = origin.read(
      "big",
      { sizeBytes: big.length, mtimeMs: TIME_MS },
      {
        signal,
        onBytes: () => {
          closing ??= origin.close();
        },
      },
    );
    await expect(reading).rejects.toMatchObject({ code: "ORIGIN_LOST" });
    await closing;
    await origin.close();
    await expect(listing.next()).rejects.toMatchObject({ code: "ORIGIN_LOST" });
    await expect(origin.stat("big", { signal })).rejects.toMatchObject({ code: "ORIGIN_LOST" });
    await expect(all(origin, "")).rejects.toMatchObject({ code: "ORIGIN_LOST" });
    expect(sockets()).toBe(before);
  });

  test("a base that is missing, or no folder, is said when it is opened", async () => {
    const base = folder({ file: "1" });
    await expect(open(join(base, "none"))).rejects.toMatchObject({ code: "ORIGIN_BASE_MISSING" });
    await expect(open(join(base, "none/at/all"))).rejects.toMatchObject({ code: "ORIGIN_BASE_MISSING" });
    await expect(open(join(base, "file"))).rejects.toMatchObject({ code: "ORIGIN_BASE_UNREADABLE" });
  });

  test("a folder of 100,000 files comes in pages and needs little memory", { timeout: 120_000 }, async () => {
    await using origin = await open(crowded());
    const names = new Set<string>();
    const before = process.memoryUsage().heapUsed;
    let peak = 0;
    let largest = 0;
    for await (const page of origin.list("", { signal })) {
      largest = Math.max(largest, page.length);
      for (const { name } of page) names.add(name);
      peak = Math.max(peak, process.memoryUsage().heapUsed - before);
    }
    expect(names.size).toBe(100_000);
    expect(largest).toBeLessThanOrEqual(1000);
    // Our own 100,000 names are about 10 MB of it; the rest waits to be collected.
    expect(peak).toBeLessThan(96 * 1024 * 1024);
  });
}

const TIME_MS = 1_600_000_000_000;
const ANY: Expected = { sizeBytes: 1, mtimeMs: TIME_MS };
let made = 0;

/** A folder with these files (`null`: a folder), all with one time. */
function folder(contents: Readonly<Record<string, string | Buffer | null>>): string {
  const base = join(root, `base-${++made}`);
  mkdirSync(base);
  for (const [name, content] of Object.entries(contents)) {
    const path = join(base, name);
    if (content === null) mkdirSync(path);
    else {
      writeFileSync(path, content);
      utimesSync(path, TIME_MS / 1000, TIME_MS / 1000);
    }
  }
  return base;
}

function crowded(): string {
  const base = join(root, "crowded");
  try {
    mkdirSync(base);
  } catch {
    return base; // made for the other origin already
  }
  execFileSync("sh", ["-c", "seq -f 'design %06.0f.png' 1 100000 | tr '\\n' '\\0' | xargs -0 touch"], {
    cwd: base,
  });
  return base;
}

async function all(origin: Origin, path: string, until: AbortSignal = signal): Promise<Entry[]> {
  const entries: Entry[] = [];
  for await (const page of origin.list(path, { signal: until })) entries.push(...page);
  return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
}
