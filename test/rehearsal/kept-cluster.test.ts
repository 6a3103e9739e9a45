/** The data directory that is kept for scratch servers: it saves time, and nothing that happens to it is seen otherwise. */
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { describe, vi } from "vitest";
import { openScratch, type Scratch } from "../../src/database/embedded/scratch.ts";
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";

// Each test starts servers of its own, which a busy machine takes its time for.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

const cacheOf = (folder: string) => join(folder, "cache");
const clusters = (folder: string) => join(cacheOf(folder), "godwit", "clusters");
const open = (folder: string) =>
  openScratch({ environment: { ...process.env, XDG_CACHE_HOME: cacheOf(folder) } });

/** `initdb` gives each data directory a number, which a copy has too. */
async function numberOf(scratch: Scratch): Promise<string> {
  await using connection = await scratch.open("postgres");
  const { rows } = await connection.query<{ number: string }>(
    "select system_identifier::text as number from pg_control_system()",
  );
  return rows[0]?.number ?? "";
}

/** The only kept cluster. */
function kept(folder: string): string {
  const names = readdirSync(clusters(folder));
  expect(names).toHaveLength(1);
  return join(clusters(folder), names[0] ?? "");
}

async function made(folder: string): Promise<string> {
  await using scratch = await open(folder);
  return await numberOf(scratch);
}

test("the second server is a copy of what the first one was made of, with a password of its own", async () => {
  const folder = folderOf({});
  await using one = await open(folder);
  await using another = await open(folder);
  expect(await numberOf(another)).toBe(await numberOf(one));
  const { password } = JSON.parse(readFileSync(join(kept(folder), "contents.json"), "utf8"));
  const passwords = [one, another].map((scratch) => new URL(scratch.urlOf("postgres")).password);
  expect(new Set([password, ...passwords]).size).toBe(3);
  for (const [scratch, other] of [
    [one, passwords[1]],
    [another, passwords[0]],
    [one, password],
    [another, password],
  ] as const) {
    const url = new URL(scratch.urlOf("postgres"));
    url.password = other;
    const client = new pg.Client(url.href);
    await expect(client.connect()).rejects.toThrow("password authentication failed");
    await client.end().catch(() => undefined);
  }
});

test.skipIf(process.platform === "win32")("only this user may read what is kept", async () => {
  const folder = folderOf({});
  await made(folder);
  expect(statSync(kept(folder)).mode & 0o777).toBe(0o700);
  expect(statSync(join(kept(folder), "contents.json")).mode & 0o777).toBe(0o600);
});

test("of many that begin with an empty cache all start, and one keeps its cluster", async () => {
  const folder = folderOf({});
  const scratches = await Promise.all(Array.from({ length: 6 }, () => open(folder)));
  for (const scratch of scratches) await scratch.close();
  const number = await made(folder);
  expect(await made(folder)).toBe(number);
  expect(readdirSync(kept(folder)).sort()).toEqual(["contents.json", "data"]);
});

describe("what is kept and damaged is replaced:", () => {
  const CASES: Readonly<Record<string, (cluster: string) => void>> = {
    "a file is missing": (cluster) => rmSync(join(cluster, "data", "base", "1", "1259")),
    "a file is cut": (cluster) => writeFileSync(join(cluster, "data", "base", "1", "1259"), ""),
    "the folder is empty": (cluster) => rmSync(join(cluster, "data"), { recursive: true }),
    "no server starts from it": (cluster) =>
      writeFileSync(join(cluster, "data", "global", "pg_control"), Buffer.alloc(8192, 1)),
    "what describes it is not JSON": (cluster) => writeFileSync(join(cluster, "contents.json"), "{"),
  };
  test.for(Object.entries(CASES))("%s", async ([, damage]) => {
    const folder = folderOf({});
    const number = await made(folder);
    damage(kept(folder));
    const next = await made(folder);
    expect(next).not.toBe(number);
    expect(await made(folder)).toBe(next);
    expect(readdirSync(clusters(folder))).toHaveLength(1);
  });
});

test("a cache that cannot be written, or is not there, changes nothing", async ({ db }) => {
  const folder = folderOf({ "migrations/0001_a.sql": "create table a (id int);", file: "" });
  for (const env of [{ XDG_CACHE_HOME: join(folder, "file") }, { XDG_CACHE_HOME: "", HOME: "" }]) {
    const { json } = await commandIn({ folder, url: db.url, env })("rehearse", "--json");
    expect(json).toMatchObject({ steps: [{ revision: "0001_a" }] });
  }
  expect(existsSync(join(folder, ".cache"))).toBe(false);
});
