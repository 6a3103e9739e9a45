/** Images that are only rows: hashes by formula, and files that look so. */

import { createImageTables, imageTables } from "../../src/images/sql.ts";
import { HUE_BYTES } from "../../src/pixels/hues.ts";
import type { TestDatabase } from "./database.ts";

export interface Look {
  readonly hash: bigint;
  readonly hash256: bigint;
}

export type Random = () => number;

/** Mulberry32: the same numbers for the same seed. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function randomBits(random: Random, count: number): bigint {
  let bits = 0n;
  for (let word = 0; word < count / 32; word++) bits = (bits << 32n) | BigInt(Math.floor(random() * 2 ** 32));
  return bits;
}

export function flip(random: Random, bits: bigint, change: { of: number; count: number }): bigint {
  const places = new Set<number>();
  while (places.size < change.count) places.add(Math.floor(random() * change.of));
  let flipped = bits;
  for (const place of places) flipped ^= 1n << BigInt(place);
  return flipped;
}

/** Some far from everything, some in clusters around a common origin; all different. */
export function randomLooks(random: Random, count: number, clusters: number): readonly Look[] {
  const origins = Array.from({ length: clusters }, () => lookOf(random));
  const looks = new Map<string, Look>();
  while (looks.size < count) {
    const origin = random() < 0.5 ? origins[Math.floor(random() * clusters)] : undefined;
    const look =
      origin === undefined
        ? lookOf(random)
        : near(random, origin, Math.floor(random() * 7), Math.floor(random() * 50));
    looks.set(`${look.hash} ${look.hash256}`, look);
  }
  return [...looks.values()];
}

export function lookOf(random: Random): Look {
  return { hash: randomBits(random, 64), hash256: randomBits(random, 256) };
}

export function near(random: Random, look: Look, ...[bits, bits256]: [number, number]): Look {
  return {
    hash: flip(random, look.hash, { of: 64, count: bits }),
    hash256: flip(random, look.hash256, { of: 256, count: bits256 }),
  };
}

export async function createTables(db: TestDatabase, schema: string): Promise<void> {
  await db.sql(createImageTables(schema));
}

/** Returns the ids, in the order of the looks. */
export async function insertLooks(
  db: TestDatabase,
  schema: string,
  ...[looks, lowInformation = false]: [looks: readonly Look[], lowInformation?: boolean]
): Promise<readonly number[]> {
  const rows = await db.sql<{ id: number }>(
    `with added as (insert into ${imageTables(schema).hashes} (hash, hash_256, low_information)
  select hash, bits::bit(256), $3 from unnest($1::bigint[], $2::text[]) with ordinality as look (hash, bits, number)
  order by number returning id) select id::float8 as id from added order by id`,
    [
      looks.map(({ hash }) => String(BigInt.asIntN(64, hash))),
      looks.map(({ hash256 }) => hash256.toString(2).padStart(256, "0")),
      lowInformation,
    ],
  );
  return rows.map(({ id }) => id);
}

export interface FileWish {
  readonly path: string;
  readonly visual: number;
  readonly white?: number | null;
  /** Equal for equal bytes. */
  readonly content: number;
  readonly state?: string;
  readonly width?: number;
  readonly hasAlpha?: boolean;
  readonly sizeBytes?: number;
  readonly import?: string;
  /** Of the whole picture; default: grey. `null`: an earlier release read it, which knew none. */
  readonly colour?: readonly [number, number, number] | null;
}

/** A picture of one colour, of which no hue is told. */
function gridOf(colour: readonly [number, number, number]): Buffer {
  const cells = Array.from({ length: 64 }, () => [...colour, 255]).flat();
  return Buffer.concat([Buffer.from(cells), Buffer.alloc(HUE_BYTES)]);
}

export async function insertFile(db: TestDatabase, schema: string, wish: FileWish): Promise<number> {
  const t = imageTables(schema);
  const sha256 = Buffer.alloc(32);
  sha256.writeUInt32BE(wish.content);
  await db.sql(
    `insert into ${t.contents} values ($1, 'png', $2, 100, $3, 1, 'full', 1, 8, '', '', $4, $5) on conflict do nothing`,
    [sha256, wish.width ?? 100, wish.hasAlpha ?? true, wish.visual, wish.white ?? null],
  );
  if (wish.colour !== null)
    await db.sql(`insert into ${t.colours} values ($1, $2) on conflict do nothing`, [
      sha256,
      gridOf(wish.colour ?? [128, 128, 128]),
    ]);
  const [row] = await db.sql<{ id: number }>(
    `insert into ${t.files} (import, path, size, mtime, state, sha256, scan) values ($1, $2, $3, 0, $4, $5, 1)
  returning id::float8 as id`,
    [wish.import ?? "nas", wish.path, wish.sizeBytes ?? 1000, wish.state ?? "stored", sha256],
  );
  return row?.id ?? 0;
}
