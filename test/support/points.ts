/**
 * Disturbs a run at every point, each time on a database of its own, and compares what the next run leaves
 * with what an undisturbed one leaves.
 */
import pg from "pg";
import { expect, inject, onTestFinished } from "vitest";
import { DATABASE_PASSWORD } from "./database.ts";
import { OWNER, TEMPLATE } from "./global.ts";
import { expectNoSecretsInLedgers } from "./ledger-secrets.ts";
import { type Direction, type Proxy as Network, startProxy } from "./proxy.ts";
import { type State, stateOf } from "./state.ts";
import { until } from "./until.ts";
import { asFiles } from "./version.ts";

const AT_ONCE = 4;

export interface Place {
  /** As the owner, directly. */
  readonly url: string;
  /** What is in it at the end. */
  readonly state: () => Promise<State>;
}

/**
 * Makes databases, all in the state that `before` left in the first; each to be looked at once: then, or when the
 * test is over, it is dropped.
 */
export async function openPlaces(
  prefix: string,
  before: (url: string) => Promise<void> = async () => {},
): Promise<{ place: (name: string) => Promise<Place> }> {
  const { port } = inject("postgres");
  const server = new pg.Pool({ connectionString: `postgres://postgres@127.0.0.1:${port}/postgres` });
  const made = new Set<string>();
  const drop = async (database: string) => {
    await server.query(`drop database if exists ${database} with (force)`);
    made.delete(database);
  };
  onTestFinished(async () => {
    for (const database of made) await drop(database);
    await server.end();
  });
  const make = async (name: string, template: string) => {
    const database = `t_${process.pid}_${prefix}_${name}`;
    made.add(database);
    await server.query(`create database ${database} template ${template} owner ${OWNER} ${asFiles()}`);
    return { database, url: `postgres://${OWNER}:${DATABASE_PASSWORD}@127.0.0.1:${port}/${database}` };
  };
  const first = await make("first", TEMPLATE);
  // The first connection to a database fills a cache on disk that its copies then have too.
  const connection = new pg.Client(first.url);
  await connection.connect();
  await connection.end();
  await before(first.url);
  await untilAlone(server, first.database);
  return {
    async place(name) {
      const { database, url } = await make(name, first.database);
      return {
        url,
        async state() {
          const client = new pg.Client(`postgres://postgres@127.0.0.1:${port}/${database}`);
          await client.connect();
          try {
            const state = await stateOf(async (text) => (await client.query(text)).rows);
            await expectNoSecretsInLedgers(client);
            return state;
          } finally {
            await client.end();
            await drop(database); // there are hundreds of them
          }
        },
      };
    },
  };
}

/** A session that was just closed takes the server a moment to forget; a template must have none. */
async function untilAlone(server: pg.Pool, database: string): Promise<void> {
  const sessions = "select from pg_stat_activity where datname = $1";
  await until(async () => (await server.query(sessions, [database])).rows.length === 0, {
    what: `the last session of ${database} to end`,
  });
}

/**
 * Runs `attempt` for every point, a few at once. The first failure ends it. `lane` is the number of a row of attempts
 * that come one after the other, so they can share what only one may use at a time.
 */
export async function everyPoint<Point>(
  points: readonly Point[],
  attempt: (point: Point, lane: number) => Promise<void>,
  { atOnce = AT_ONCE }: { atOnce?: number } = {},
): Promise<void> {
  const queue = points.values();
  await Promise.all(
    Array.from({ length: atOnce }, async (_, lane) => {
      for (const point of queue) await attempt(point, lane);
    }),
  );
}

export interface CutOptions {
  /** Names the databases. */
  readonly prefix: string;
  /** Puts a database into the state in which every run finds it. */
  readonly before?: (url: string) => Promise<void>;
  /** Only these messages; both where it is left out. */
  readonly from?: Direction;
  /** Must not stop before all is done, whatever it takes: `true` where it needed a second run for that. */
  readonly run: (url: string, lane: number) => Promise<boolean>;
}

export interface CutResult {
  readonly messages: number;
  readonly points: number;
  /** Points at which the connection really was cut; the rest came after the last message of their run. */
  readonly cut: number;
  /** Runs that gave up, so that a second one was needed. */
  readonly again: number;
}

/**
 * Cuts all connections before and after every message of a run, both directions. Before a message that follows another
 * of the same direction is the same point as after that other, and is tried once.
 */
export async function cutEverywhere({ prefix, before, from, run }: CutOptions): Promise<CutResult> {
  const { port } = inject("postgres");
  const places = await openPlaces(prefix, before);
  const once = async (name: string, prepare: (proxy: Network) => void, lane = 0) => {
    const place = await places.place(name);
    const proxy = await startProxy({ port });
    prepare(proxy);
    try {
      const again = await run(proxy.url(place.url), lane);
      return { again, messages: proxy.messages, state: await place.state() };
    } finally {
      await proxy.close();
    }
  };

  const undisturbed = await once("calm", () => {});
  const { messages } = undisturbed;
  const asked = messages.flatMap((message, index) =>
    from === undefined || message.from === from ? [index + 1] : [],
  );
  const isSameAsAfterLast = (n: number) => messages[n - 2]?.from === messages[n - 1]?.from;
  const points = asked.flatMap((n) => [
    ...(isSameAsAfterLast(n)
      ? []
      : [{ n, name: `before_${n}`, prepare: (proxy: Network) => proxy.cutBefore(n) }]),
    { n, name: `after_${n}`, prepare: (proxy: Network) => proxy.cutAfter(n) },
  ]);
  let cut = 0;
  let again = 0;
  await everyPoint(points, async ({ n, name, prepare }, lane) => {
    const result = await once(name, prepare, lane).catch((error) => {
      throw new Error(`cut ${name}: ${error.message}`, { cause: error });
    });
    if (result.messages.length >= n) cut++;
    if (result.again) again++;
    expect(result.state, `cut ${name} of ${messages.length} messages`).toEqual(undisturbed.state);
  });
  return { messages: asked.length, points: points.length, cut, again };
}
