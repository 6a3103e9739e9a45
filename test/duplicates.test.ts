/** Duplicates: what is near is found, all of it, however it came in; and what people decided stays decided. */
import { parseAddress } from "../src/database/address/address.ts";
import type { Connection } from "../src/database/connection.ts";
import { openPostgres } from "../src/database/wire/postgres.ts";
import { joinNear } from "../src/duplicates/bands.ts";
import { compareNew } from "../src/duplicates/compare.ts";
import { decide } from "../src/duplicates/decide.ts";
import { findDuplicates } from "../src/duplicates/find.ts";
import { MAX_NEIGHBOURS, STORED_256 } from "../src/duplicates/limits.ts";
import { loadHashes } from "../src/duplicates/load.ts";
import { duplicateSql } from "../src/duplicates/sql.ts";
import { ConfigError } from "../src/errors.ts";
import { imageTables } from "../src/images/sql.ts";
import { test as base, expect, ledgerSchema as schema, type TestDatabase } from "./support/database.ts";
import {
  createTables,
  insertFile,
  insertLooks,
  type Look,
  lookOf,
  near,
  randomFrom,
  randomLooks,
} from "./support/library.ts";
import { searchSimilar } from "./support/search-similar.ts";

const t = imageTables(schema);

const test = base.extend<{ open: () => Promise<Connection>; connection: Connection }>({
  open: async ({ db }, use) => {
    const opened: Connection[] = [];
    await createTables(db, schema);
    await use(async () => {
      const address = parseAddress({ url: db.url, environment: {} });
      const connection = await openPostgres(address, { applicationName: "duplicates" });
      opened.push(connection);
      return connection;
    });
    await Promise.all(opened.map((one) => one.close()));
  },
  connection: async ({ open }, use) => use(await open()),
});

test("band query, join in memory and brute force find the same, at every radius", {
  timeout: 120_000,
}, async ({ db, connection }) => {
  const seed = seedOf("exactness");
  const random = randomFrom(seed);
  const looks = randomLooks(random, 4_000, 150);
  const ids = await insertLooks(db, schema, looks);
  await db.sql(`analyze ${t.hashes}`);
  const all = bruteForce(looks, ids);
  const sql = duplicateSql(schema, connection.server.version);
  const hashes = await loadHashes(connection, sql);
  expect([...hashes.ids]).toEqual(ids);

  for (let radius = 0; radius <= 7; radius++) {
    const pairs = await joinNear(hashes, { radius, neighbours: looks.length });
    const found = Array.from({ length: pairs.count }, (_, at) =>
      [
        hashes.ids[pairs.left[at] ?? 0],
        hashes.ids[pairs.right[at] ?? 0],
        pairs.distance[at],
        pairs.distance256[at],
      ].join(" "),
    );
    const expected = all.filter(({ distance }) => distance <= radius);
    expect(found.toSorted()).toEqual(expected.map(lineOf).toSorted());

    const matches = new Map<number, string[]>();
    for (const { left, right, distance, distance256 } of expected.filter((pair) => pair.distance256 <= 40))
      for (const [own, other] of [
        [left, right],
        [right, left],
      ] as const)
        matches.set(own, [...(matches.get(own) ?? []), `${other} ${distance} ${distance256}`]);
    for (let query = 0; query < 25; query++) {
      const at = Math.floor(random() * looks.length);
      const result = await searchSimilar(connection, schema, ...hexOf(looks[at] as Look), {
        radius,
        review256: 40,
      });
      expect(result[0]).toMatchObject({ id: ids[at], distance: 0, distance256: 0 });
      expect(
        result
          .slice(1)
          .map(({ id, distance, distance256 }) => `${id} ${distance} ${distance256}`)
          .toSorted(),
      ).toEqual((matches.get(ids[at] ?? 0) ?? []).toSorted());
    }
  }

  const first = await compareNew(connection, schema, { method: "database", batch: 1000 });
  expect(first.classes).toBe(looks.length);
  expect(await edges(db)).toEqual(all.map(lineOf).toSorted());
  await db.sql(`truncate ${t.edges}; update ${t.hashes} set compared = false`);
  await compareNew(connection, schema, { method: "memory" });
  expect(await edges(db)).toEqual(all.map(lineOf).toSorted());
  expect(await compareNew(connection, schema)).toMatchObject({ classes: 0, method: "none" });
});

test("in whatever parts and order they are compared, the same pairs are known, also where neighbours are too many", async ({
  db,
  connection,
}) => {
  const random = randomFrom(seedOf("increments"));
  const centre = lookOf(random);
  const crowd = Array.from({ length: MAX_NEIGHBOURS + 150 }, () => near(random, centre, 2, 6));
  const looks = new Map([...crowd, ...randomLooks(random, 300, 10)].map((look) => [look.hash256, look]));
  const ids = await insertLooks(db, schema, [...looks.values()]);
  await compareNew(connection, schema, { method: "memory" });
  const whole = await edges(db);
  const perClass = await db.sql<{ most: number }>(
    `select max(count)::float8 as most from (select count(*) from ${t.edges} group by right_id) as c`,
  );
  expect(perClass[0]?.most).toBe(MAX_NEIGHBOURS);

  for (const method of ["database", "memory", "mixed"] as const) {
    // They are there all the time; which of them have been compared already is chance.
    await db.sql(`truncate ${t.edges}; update ${t.hashes} set compared = true`);
    const waiting = shuffled(random, ids);
    await db.sql(`create temporary table later as select * from ${t.hashes}`);
    await db.sql(`delete from ${t.hashes}`);
    while (waiting.length > 0) {
      const some = waiting.splice(0, 1 + Math.floor(random() * 150));
      await db.sql(
        `insert into ${t.hashes} (id, hash, hash_256, low_information) overriding system value
  select id, hash, hash_256, low_information from later where id = any ($1::bigint[])`,
        [some],
      );
      const now = method === "mixed" ? (random() < 0.5 ? "database" : "memory") : method;
      await compareNew(connection, schema, { method: now, batch: 1 + Math.floor(random() * 100) });
    }
    await db.sql("drop table later");
    expect(await edges(db), method).toEqual(whole);
  }
  expect((await findDuplicates(connection, schema)).counts.crowded).toBeGreaterThan(0);
});

test("a comparison that is killed anywhere is completed by the next one", async ({
  db,
  open,
  connection,
}) => {
  const random = randomFrom(seedOf("kill"));
  const looks = randomLooks(random, 1200, 20);
  const expected = bruteForce(looks, await insertLooks(db, schema, looks))
    .map(lineOf)
    .toSorted();
  for (const method of ["database", "memory"] as const) {
    await db.sql(`truncate ${t.edges}; update ${t.hashes} set compared = false`);
    for (let statements = 1; statements < 12; statements += 2) {
      const victim = await open();
      const doomed = killedAfter(victim, statements, db);
      await compareNew(doomed, schema, { method, batch: 200 }).catch(() => undefined);
      const [broken] = await db.sql<{ count: number }>(
        // What is marked has its edges, whenever it was killed.
        `select count(*)::int from unnest($1::bigint[], $2::bigint[]) as pair (l, r)
  where exists (select from ${t.hashes} a, ${t.hashes} b where a.id = l and b.id = r and a.compared and b.compared)
    and not exists (select from ${t.edges} where left_id = l and right_id = r)`,
        [expected.map((line) => line.split(" ")[0]), expected.map((line) => line.split(" ")[1])],
      );
      expect(broken?.count).toBe(0);
    }
    await compareNew(connection, schema, { method });
    expect(await edges(db)).toEqual(expected);
  }
});

test("an aborted comparison stops with the reason, and the connection is fit for more", async ({
  db,
  connection,
}) => {
  const random = randomFrom(seedOf("abort"));
  await insertLooks(db, schema, randomLooks(random, 400, 20));
  for (const method of ["database", "memory"] as const) {
    await db.sql(`update ${t.hashes} set compared = false`);
    const abort = new AbortController();
    const work = compareNew(connection, schema, {
      method,
      batch: 100,
      signal: abort.signal,
      onProgress: () => abort.abort(new Error("enough")),
    });
    await expect(work).rejects.toThrow("enough");
    expect((await compareNew(connection, schema, { method })).classes).toBeGreaterThan(0);
  }
});

test("two comparers at once, while more comes in, do no harm", async ({ db, open }) => {
  const random = randomFrom(seedOf("race"));
  const looks = randomLooks(random, 1500, 20);
  const early = await insertLooks(db, schema, looks.slice(0, 1000));
  const connections = await Promise.all([open(), open(), open()]);
  const work = connections.map((one, at) =>
    compareNew(one, schema, { method: at === 2 ? "memory" : "database", batch: 100 }),
  );
  const late = await insertLooks(db, schema, looks.slice(1000));
  await Promise.all(work);
  await compareNew(connections[0] as Connection, schema);
  expect(await edges(db)).toEqual(
    bruteForce(looks, [...early, ...late])
      .map(lineOf)
      .toSorted(),
  );
});

test("low-information looks join by equal bytes only", async ({ db, connection }) => {
  const [blank = 0, almost = 0] = await insertLooks(
    db,
    schema,
    [
      { hash: 0n, hash256: 0n },
      { hash: 1n, hash256: 1n },
    ],
    true,
  );
  const file = (path: string, content: number, visual: number) =>
    insertFile(db, schema, { path, content, visual });
  const a = await file("a.png", 1, blank);
  await file("b.png", 2, blank);
  await file("c.png", 3, almost);
  const d = await file("d.png", 1, blank);
  await compareNew(connection, schema);
  const { groups, review, counts } = await findDuplicates(connection, schema);
  expect(groups.map(({ kind, files }) => [kind, files.map(({ id }) => id)])).toEqual([["exact", [a, d]]]);
  expect(review).toEqual([]);
  expect(counts).toMatchObject({ files: 4, exact: 1, same: 0, review: 0, pending: 0, surplus: 1 });
});

test("light ink on transparent ground is found again on white", async ({ db, connection }) => {
  const random = randomFrom(seedOf("white"));
  const [onBlack = 0, onWhite = 0, reencoded = 0] = await insertLooks(db, schema, whites(random));
  const design = await insertFile(db, schema, {
    path: "design.png",
    content: 1,
    visual: onBlack,
    white: onWhite,
  });
  const jpeg = await insertFile(db, schema, { path: "flat.jpg", content: 2, visual: reencoded });
  await compareNew(connection, schema);
  const { groups } = await findDuplicates(connection, schema);
  expect(groups.map(({ id, kind, files }) => [id, kind, files.map((file) => file.id)])).toEqual([
    [design, "same", [design, jpeg]],
  ]);
});

test("only stored files count, and the best one is suggested", async ({ db, connection }) => {
  const [look = 0] = await insertLooks(db, schema, [lookOf(randomFrom(7))]);
  const file = (path: string, wish: object) =>
    insertFile(db, schema, { path, visual: look, content: 0, ...wish });
  await file("small.png", { content: 1, width: 50 });
  await file("no-alpha.png", { content: 2, hasAlpha: false, sizeBytes: 9000 });
  await file("light.png", { content: 3, sizeBytes: 10 });
  const best = await file("heavy.png", { content: 4, sizeBytes: 20 });
  await file("younger.png", { content: 5, sizeBytes: 20 });
  await file("gone.png", { content: 6, width: 9999, state: "missing" });
  const [group] = (await findDuplicates(connection, schema)).groups;
  expect(group?.files.map(({ path }) => path)).toEqual([
    "small.png",
    "no-alpha.png",
    "light.png",
    "heavy.png",
    "younger.png",
  ]);
  expect(group?.files.filter(({ suggested }) => suggested).map(({ id }) => id)).toEqual([best]);
});

test("a decision is remembered, asked again only for what is new, and can be changed", async ({
  db,
  connection,
}) => {
  const [look = 0] = await insertLooks(db, schema, [lookOf(randomFrom(9))]);
  let content = 0;
  const file = (path: string) => insertFile(db, schema, { path, visual: look, content: ++content });
  const [a, b, c] = [await file("a.png"), await file("b.png"), await file("c.png")];
  const listed = async () => {
    const { groups, review } = await findDuplicates(connection, schema);
    const names = groups.map(({ files }) => files.map(({ id, kept }) => (kept ? `${id} kept` : `${id}`)));
    return { groups: names, review: review.map(({ files }) => files.map(({ id }) => id)) };
  };

  expect(await decide(connection, schema, { kind: "keep", file: "b.png" })).toEqual({
    kind: "keep",
    files: [
      { id: b, path: "b.png" },
      { id: a, path: "a.png" },
      { id: c, path: "c.png" },
    ],
    changed: 2,
  });
  expect(await listed()).toEqual({ groups: [], review: [] });
  expect((await findDuplicates(connection, schema)).counts.settled).toBe(1);
  expect((await decide(connection, schema, { kind: "keep", file: b })).changed).toBe(0);

  await db.sql(`update ${t.files} set path = 'moved/b.png' where id = $1`, [b]);
  const d = await file("d.png");
  expect(await listed()).toEqual({ groups: [[`${b} kept`, `${d}`]], review: [] });

  await decide(connection, schema, { kind: "distinct", files: [b, d] });
  expect(await listed()).toEqual({ groups: [], review: [] });
  expect((await decide(connection, schema, { kind: "distinct", files: [d, b] })).changed).toBe(0);

  // Another mind: d is a copy after all, and the one to keep.
  await decide(connection, schema, { kind: "keep", file: d, others: [b] });
  expect(await listed()).toEqual({ groups: [[`${b} kept`, `${d} kept`]].slice(1), review: [] });
  await decide(connection, schema, { kind: "keep", file: a });
  expect(await db.sql(`select distinct kept_file::int from ${t.decisions}`)).toEqual([{ kept_file: a }]);

  expect((await decide(connection, schema, { kind: "forget", files: [a] })).changed).toBe(3);
  expect(await listed()).toEqual({ groups: [[a, b, c, d].map(String)], review: [] });
});

test("a pair for review is asked once", async ({ db, connection }) => {
  const random = randomFrom(seedOf("review"));
  const look = lookOf(random);
  const [one = 0, two = 0] = await insertLooks(db, schema, [look, near(random, look, 5, 33)]);
  const a = await insertFile(db, schema, { path: "a.png", content: 1, visual: one });
  const b = await insertFile(db, schema, { path: "b.png", content: 2, visual: two });
  await compareNew(connection, schema);
  const { groups, review } = await findDuplicates(connection, schema);
  expect(groups).toEqual([]);
  expect(review).toMatchObject([{ files: [{ id: a }, { id: b }], distance: 5, distance256: 33 }]);
  expect(await findDuplicates(connection, schema, { limits: { review256: 32 } })).toMatchObject({
    review: [],
  });
  await decide(connection, schema, { kind: "distinct", files: [a, b] });
  expect((await findDuplicates(connection, schema)).review).toEqual([]);
  await decide(connection, schema, { kind: "keep", file: a, others: [b] });
  expect((await findDuplicates(connection, schema)).review).toEqual([]);
  await decide(connection, schema, { kind: "forget", files: [a, b] });
  expect((await findDuplicates(connection, schema)).review).toHaveLength(1);
});

test("an unknown, an ambiguous and a lonely file are told, with what to do", async ({ db, connection }) => {
  const looks = await insertLooks(db, schema, [lookOf(randomFrom(1)), lookOf(randomFrom(2))]);
  const file = (path: string, wish: object) =>
    insertFile(db, schema, { path, visual: looks[0] ?? 0, content: 1, ...wish });
  await file("shop/Mug/cat.png", {});
  await file("twice.png", { content: 2, import: "one", visual: looks[1] });
  await file("twice.png", { content: 3, import: "two" });
  const refusal = (decision: Parameters<typeof decide>[2]) =>
    decide(connection, schema, decision).then(
      () => undefined,
      (error: unknown) => {
        if (!(error instanceof ConfigError)) throw error;
        return `${error.code}: ${error.message} ${error.hint}`;
      },
    );
  expect(await refusal({ kind: "keep", file: 4711 })).toBe(
    'IMAGE_UNKNOWN: There is no imported file "4711". Name a file by the id or the path that `godwit duplicates` prints.',
  );
  expect(await refusal({ kind: "distinct", files: ["old/Cat.PNG", 1] })).toBe(
    'IMAGE_UNKNOWN: There is no imported file "old/Cat.PNG". Did you mean "shop/Mug/cat.png"?',
  );
  expect(await refusal({ kind: "keep", file: "twice.png" })).toBe(
    'IMAGE_UNKNOWN: "twice.png" is the path of several files: 2 of one, 3 of two. Name it by its id.',
  );
  expect(await refusal({ kind: "keep", file: 2 })).toMatch(
    /^IMAGE_UNKNOWN: File 2 \(twice\.png\) is in no group/,
  );
  expect(await refusal({ kind: "distinct", files: [1, "shop/Mug/cat.png"] })).toMatch(/^CONFIG_INVALID/);
});

function seedOf(name: string): number {
  const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
  console.log(`${name}: SEED=${seed}`);
  return seed;
}

interface Pair {
  readonly left: number;
  readonly right: number;
  readonly distance: number;
  readonly distance256: number;
}

function bruteForce(looks: readonly Look[], ids: readonly number[]): readonly Pair[] {
  const high = Uint32Array.from(looks, ({ hash }) => Number(hash >> 32n));
  const low = Uint32Array.from(looks, ({ hash }) => Number(hash & 0xffffffffn));
  const found: Pair[] = [];
  for (let one = 0; one < looks.length; one++)
    for (let other = one + 1; other < looks.length; other++) {
      let distance = 0;
      // One bit after the other, and not as the code under test counts.
      for (let bits = (high[one] ?? 0) ^ (high[other] ?? 0); bits !== 0 && distance < 8; bits &= bits - 1)
        distance++;
      for (let bits = (low[one] ?? 0) ^ (low[other] ?? 0); bits !== 0 && distance < 8; bits &= bits - 1)
        distance++;
      if (distance > 7) continue;
      const differ = ((looks[one]?.hash256 ?? 0n) ^ (looks[other]?.hash256 ?? 0n)).toString(2);
      const distance256 = differ.replaceAll("0", "").length;
      if (distance256 > STORED_256) continue;
      const [left = 0, right = 0] = [ids[one] ?? 0, ids[other] ?? 0].toSorted((a, b) => a - b);
      found.push({ left, right, distance, distance256 });
    }
  return found;
}

function lineOf({ left, right, distance, distance256 }: Pair): string {
  return `${left} ${right} ${distance} ${distance256}`;
}

async function edges(db: TestDatabase): Promise<readonly string[]> {
  const rows = await db.sql<{ line: string }>(
    `select concat_ws(' ', left_id, right_id, distance, distance_256) as line from ${t.edges}`,
  );
  return rows.map(({ line }) => line).toSorted();
}

function hexOf({ hash, hash256 }: Look): [string, string] {
  return [hash.toString(16).padStart(16, "0"), hash256.toString(16).padStart(64, "0")];
}

function whites(random: () => number): readonly Look[] {
  const onWhite = lookOf(random);
  return [lookOf(random), onWhite, near(random, onWhite, 2, 6)];
}

function shuffled<T>(random: () => number, values: readonly T[]): T[] {
  const result = [...values];
  for (let at = result.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1));
    [result[at], result[other]] = [result[other] as T, result[at] as T];
  }
  return result;
}

/** The same connection, whose session the server ends after so many statements. */
function killedAfter(connection: Connection, statements: number, db: TestDatabase): Connection {
  let left = statements;
  const spend = async () => {
    if (left-- === 0) await db.sql("select pg_terminate_backend($1)", [connection.server.backendPid]);
  };
  return new Proxy(connection, {
    get(target, name) {
      const value = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      if (name !== "query" && name !== "execute") return value.bind(target);
      return async (...given: unknown[]) => {
        await spend();
        return value.apply(target, given);
      };
    },
  });
}
