/**
 * Disturbs a run at every point, each time on a database of its own, and compares what the next run leaves
 * with what an undisturbed one leaves.
 */
import pg from "pg";
import { inject, onTestFinished } from "vitest";
import { DATABASE_PASSWORD } from "./database.ts";
import { OWNER, TEMPLATE } from "./global.ts";
import { expectNoSecretsInLedgers } from "./ledger-secrets.ts";
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
 * Runs `attempt` for every point, a few at once. The first failure ends it, when the attempts beside it are over. `lane` is the
 * number of a row of attempts that come one after the other, so they can share what only one may use at a time.
 */
export async function everyPoint<Point>(
  points: Iterable<Point>,
  attempt: (point: Point, lane: number) => Promise<void>,
  { atOnce = AT_ONCE }: { atOnce?: number } = {},
): Promise<void> {
  const queue = points[Symbol.iterator]();
  const failures: unknown[] = [];
  await Promise.all(
    Array.from({ length: atOnce }, async (_, lane) => {
      for (let next = queue.next(); !next.done && failures.length === 0; next = queue.next())
        await attempt(next.value, lane).catch((error) => failures.push(error));
    }),
  );
  if (failures.length > 0) throw failures[0];
}
