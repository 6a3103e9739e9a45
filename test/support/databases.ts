/** More databases than a test's own, on the same server and of the same owner. */
import pg from "pg";
import type { TestDatabase } from "./database.ts";
import { TEMPLATE } from "./global.ts";
import { expectNoSecretsInLedgers } from "./ledger-secrets.ts";
import { asFiles } from "./version.ts";

export interface Databases {
  readonly names: readonly string[];
  readonly urls: readonly string[];
  readonly drop: () => Promise<void>;
}

export async function createDatabases(db: TestDatabase, count: number): Promise<Databases> {
  const names = Array.from({ length: count }, (_, index) => `${db.name}_${index + 2}`);
  const server = new pg.Client(`postgres://postgres@127.0.0.1:${db.port}/postgres`);
  await server.connect();
  for (const name of names)
    await server.query(`create database ${name} template ${TEMPLATE} owner ${db.owner} ${asFiles()}`);
  return {
    names,
    urls: names.map((name) => db.url.replace(/[^/]+$/, name)),
    async drop() {
      try {
        const open = async () => (await server.query(OPEN, [names])).rows;
        // A session that was just closed takes the server a moment to forget.
        const giveUp = performance.now() + 2000;
        let rows = await open();
        while (rows.length > 0 && performance.now() < giveUp) rows = await open();
        for (const name of names) {
          try {
            await look(`postgres://postgres@127.0.0.1:${db.port}/${name}`);
          } finally {
            await server.query(`drop database if exists ${name} with (force)`);
          }
        }
        if (rows.length > 0) throw new Error(`Left open: ${JSON.stringify(rows)}`);
      } finally {
        await server.end();
      }
    },
  };
}

/** A test may have dropped it, or made it unusable. */
async function look(url: string): Promise<void> {
  const client = new pg.Client(url);
  const isThere = await client.connect().then(
    () => true,
    () => false,
  );
  try {
    if (isThere) await expectNoSecretsInLedgers(client);
  } finally {
    await client.end();
  }
}

const OPEN =
  "select datname, query from pg_stat_activity where datname = any($1) and backend_type = 'client backend'";
