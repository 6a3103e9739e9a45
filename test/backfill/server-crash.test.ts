/** A window does not wait for the disk. So a crash of the server can lose some, and must lose their position with them. */
import pg from "pg";
import { onTestFinished } from "vitest";
import { expect, test } from "../support/database.ts";
import { startServer } from "../support/server.ts";
import { folderOf, recorder, targetOf, up } from "../support/target.ts";

const ROWS = 20_000;
const FILES = {
  "0001_a.sql": `create table products (id int primary key, hits int not null default 0);
insert into products (id) select generate_series(1, ${ROWS}); analyze products;`,
  "0002_b.sql":
    "-- godwit: backfill table=products min-rows=200 max-rows=200\nupdate products set hits = hits + 1 where :window;\n",
};

test("a server that crashes three times in a backfill has done every row once", async () => {
  const server = await startServer({
    settings: ["synchronous_commit=on", "wal_writer_delay=10s", "restart_after_crash=on"],
  });
  onTestFinished(() => server.stop());
  const url = `postgres://postgres@127.0.0.1:${server.port}/postgres`;

  const crashAt = new Set([7, 31, 70]);
  const recorded = recorder((event) => {
    if (event.kind !== "backfill-progress" || !crashAt.delete(event.windows)) return;
    void crash(url);
  });
  const report = await up(targetOf({ url, folder: folderOf(FILES) }), recorded);
  expect(report.outcome).toBe("done");
  expect(crashAt.size).toBe(0);
  expect(recorded.events.filter(({ kind }) => kind === "connection-lost").length).toBeGreaterThan(0);

  const after = new pg.Client(url);
  await after.connect();
  onTestFinished(() => after.end());
  const { rows } = await after.query("select hits, count(*)::int as n from products group by hits");
  expect(rows).toEqual([{ hits: 1, n: ROWS }]);
});

/** One process of the server is killed, and it ends all others and recovers from what is on the disk. */
async function crash(url: string): Promise<void> {
  const client = new pg.Client(url);
  client.on("error", () => {});
  await client.connect();
  const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
  process.kill(rows[0]?.pid as number, "SIGKILL");
}
