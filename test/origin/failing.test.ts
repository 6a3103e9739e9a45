/**
 * What the server or the network does to us (FAILURES 63): whatever it is and whenever it comes, every operation
 * settles, with a code that says what to do, and nothing escapes: an unhandled rejection fails the run.
 */
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ImportFailed } from "../../src/errors.ts";
import { openOrigin } from "../../src/origin/open.ts";
import type { Origin, SftpSettings } from "../../src/origin/origin.ts";
import { Channels } from "../../src/origin/sftp/channels.ts";
import { connectSftp } from "../../src/origin/sftp/connect.ts";
import { type Sshd, startSshd, withoutSshd } from "../support/sshd.ts";
import { until } from "../support/until.ts";
import { startWire, type Wire, type WireEvent } from "../support/wire.ts";

const { signal } = new AbortController();
const BIG = randomBytes(12_000_000);

describe.skipIf(withoutSshd)(`a server that fails${withoutSshd ? `: ${withoutSshd}` : ""}`, () => {
  let shared: Sshd;
  beforeAll(async () => {
    shared = await startSshd();
    fill(shared);
  });
  afterAll(() => shared.stop());

  describe("in the middle of reading and listing", () => {
    test("killed: what is under way is lost, and so is all that comes", async () => {
      const sshd = await startSshd();
      fill(sshd);
      await using origin = await openOrigin(sshd.settings(), { signal });
      const { results, started } = busy(origin);
      await started;
      await sshd.stop();
      expect(codes(await results)).toEqual(["ORIGIN_LOST"]);
      await isDead(origin);
    });

    test("a caller that gives up while the first page of a list is asked for", async () => {
      const origin = await openOrigin(shared.settings(), { signal });
      const caller = new AbortController();
      let looks = 0;
      // The second look is the one behind the question.
      caller.signal.throwIfAborted = () => {
        if (++looks === 2) caller.abort(new Error("given up"));
        AbortSignal.prototype.throwIfAborted.call(caller.signal);
      };
      const pages = origin.list("", { signal: caller.signal })[Symbol.asyncIterator]();
      await expect(pages.next()).rejects.toThrow("given up");
      expect(looks).toBe(2);
      // The question ends with the connection, and nobody waits for it.
      await origin.close();
    });

    test("one process of several killed: the connection is given up at once, not after a timeout", async () => {
      await using sshd = await startSshd();
      fill(sshd);
      await using origin = await openOrigin(sshd.settings(), { signal });
      const { results, started } = busy(origin);
      await started;
      const [one] = sshd.channels();
      if (one === undefined) throw new Error("no process serves a channel");
      process.kill(one, "SIGKILL");
      expect(codes(await results)).toEqual(["ORIGIN_LOST"]);
      await isDead(origin);
    });

    test("a channel that the server ends while nobody uses it is opened again", async () => {
      await using sshd = await startSshd();
      const connection = await connectSftp(sshd.settings(), { signal });
      try {
        const channels = new Channels(connection, 1);
        await channels.start();
        for (let round = 0; round < 3; round++) {
          expect(await channels.use(signal, (channel) => channel.realpath("/"))).toBe("/");
          expect(channels.size).toBe(1);
          for (const one of sshd.channels()) process.kill(one, "SIGKILL");
          await until(() => channels.size === 0, { what: "the news of the channel's end" });
        }
      } finally {
        await connection.close();
      }
    });

    test("frozen: one operation says that it took too long, the others that the connection is lost", async () => {
      await using sshd = await startSshd();
      fill(sshd);
      await using origin = await openOrigin(sshd.settings({ operationTimeoutMs: 400, channels: 1 }), {
        signal,
      });
      const { results, started } = busy(origin);
      await started;
      sshd.freeze();
      const errors = await results;
      const late = errors.filter(({ code }) => code === "ORIGIN_TIMEOUT");
      expect(late).toHaveLength(1);
      expect(late[0]?.message).toMatch(/did not answer for 400 ms \((reading|listing|looking at|opening) /);
      expect(codes(errors)).toEqual(["ORIGIN_LOST", "ORIGIN_TIMEOUT"]);
      await isDead(origin);
      sshd.thaw();
    });

    test("frozen while nobody asks: keepalives notice", async () => {
      await using sshd = await startSshd();
      const sockets = () =>
        process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap").length;
      const before = sockets();
      await using origin = await openOrigin(sshd.settings({ operationTimeoutMs: 200 }), { signal });
      await origin.stat("", { signal });
      sshd.freeze();
      await until(
        () =>
          origin.stat("", { signal: AbortSignal.abort() }).then(
            () => undefined,
            () => sockets() <= before,
          ),
        { what: "the connection to be given up" },
      );
      await isDead(origin);
      sshd.thaw();
    });
  });

  test("frozen while it is opened: unreachable, after the time for that", async () => {
    await using sshd = await startSshd();
    sshd.freeze();
    const opening = openOrigin(sshd.settings({ connectTimeoutMs: 300 }), { signal });
    await expect(opening).rejects.toMatchObject({ code: "ORIGIN_UNREACHABLE" });
    sshd.thaw();
  });

  describe("a network that fails at any byte", () => {
    const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
    const random = mulberry(seed);

    test.each([
      ["cut", 40, 20_000],
      ["garble", 25, 2_000],
      ["silence", 15, 300],
    ] as const)(`%s (seed ${seed})`, { timeout: 120_000 }, async (event: WireEvent, runs, timeoutMs) => {
      await using sshd = await startSshd();
      fill(sshd);
      const quiet = await throughWire(sshd, 20_000, () => {});
      expect(quiet.errors).toEqual([]);
      expect(quiet.bytes).toBeGreaterThan(3 * BIG.length);
      for (let run = 0; run < runs; run++) {
        // Every other time in the beginning, where keys are exchanged and the login is.
        const at = 1 + Math.floor(random() * (run % 2 ? 8_000 : quiet.bytes));
        const { errors } = await throughWire(sshd, timeoutMs, (wire) => wire.at(at, event));
        const context = `${event} at byte ${at} of ${quiet.bytes}, seed ${seed}: ${errors.join("; ")}`;
        const expected =
          // A garbled length makes us wait for bytes that never come.
          event !== "cut"
            ? ["ORIGIN_UNREACHABLE", "ORIGIN_LOST", "ORIGIN_TIMEOUT", "ORIGIN_HOST_CHANGED"]
            : ["ORIGIN_UNREACHABLE", "ORIGIN_LOST"];
        expect(
          codes(errors).filter((code) => !expected.includes(code)),
          context,
        ).toEqual([]);
      }
    });
  });

  /** Opens, lists and reads through a bad network, and gives every error there was. Whatever comes is right. */
  async function throughWire(sshd: Sshd, timeoutMs: number, harm: (wire: Wire) => void) {
    await using wire = await startWire({ to: sshd.port });
    harm(wire);
    const times = { operationTimeoutMs: timeoutMs, connectTimeoutMs: Math.max(timeoutMs, 1000) };
    const settings: SftpSettings = sshd.settings({ port: wire.port, ...times });
    let origin: Origin;
    try {
      origin = await openOrigin(settings, { signal });
    } catch (error) {
      return { errors: [error as ImportFailed], bytes: wire.bytes };
    }
    try {
      const errors = await busy(origin).results;
      return { errors, bytes: wire.bytes };
    } finally {
      await origin.close();
    }
  }
});

/** Three files being read, a folder being listed and a file looked at, at once; gives the errors. */
function busy(origin: Origin): { results: Promise<ImportFailed[]>; started: Promise<void> } {
  let begin = () => {};
  const started = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const read = async () => {
    const found = await origin.stat("big", { signal });
    const bytes = await origin.read("big", found, { signal, onBytes: begin });
    expect(bytes.equals(BIG)).toBe(true);
  };
  const listFiles = async () => {
    let count = 0;
    for await (const page of origin.list("", { signal })) count += page.length;
    expect(count).toBe(301);
  };
  const work = [read(), read(), read(), listFiles(), listFiles()];
  const results = Promise.allSettled(work).then((all) =>
    all.flatMap((one) => (one.status === "rejected" ? [one.reason as ImportFailed] : [])),
  );
  results.then(begin);
  return { results, started };
}

async function isDead(origin: Origin): Promise<void> {
  for (const operation of [
    origin.stat("big", { signal }),
    origin.read("big", { sizeBytes: 1, mtimeMs: 1 }, { signal }),
    origin.list("", { signal })[Symbol.asyncIterator]().next(),
  ]) {
    await expect(operation).rejects.toMatchObject({ code: "ORIGIN_LOST" });
  }
}

function codes(errors: readonly unknown[]): string[] {
  for (const error of errors) if (!(error instanceof ImportFailed)) throw error;
  return [...new Set(errors.map((error) => (error as ImportFailed).code))].sort();
}

function fill({ folder }: Sshd): void {
  writeFileSync(join(folder, "big"), BIG);
  for (let i = 0; i < 300; i++) writeFileSync(join(folder, `small ${i}`), "x");
}

/** A small random generator, so that a seed gives the same run again. */
function mulberry(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
