/** A streaming replica of a throw-away server: a copy of its files, which then follows it. */
import { cp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { startServer, type ThrowAwayServer } from "./server.ts";

/** The name under which the primary knows it. */
export const REPLICA = "replica_of_test";

/** `port`: of the primary. The npm packages have no pg_basebackup, so its files are copied between the start and the end of a backup. */
export async function startReplica(port: number): Promise<ThrowAwayServer> {
  const primary = new pg.Client(`postgres://postgres@127.0.0.1:${port}/postgres`);
  await primary.connect();
  try {
    const { rows } = await primary.query("show data_directory");
    const from: string = rows[0].data_directory;
    return await startServer({
      async copy(data) {
        await primary.query("select pg_backup_start('test', true)");
        await cp(from, data, {
          recursive: true,
          // Files of temporary things and of segments come and go.
          filter: (path) => !/postmaster\.(?:pid|opts)$|pgsql_tmp|pg_replslot\/./.test(path),
        });
        const { rows: ended } = await primary.query("select labelfile from pg_backup_stop(false)");
        // The log up to here belongs to the copy.
        await rm(join(data, "pg_wal"), { recursive: true, force: true });
        await cp(join(from, "pg_wal"), join(data, "pg_wal"), { recursive: true });
        await writeFile(join(data, "backup_label"), ended[0].labelfile);
        await writeFile(join(data, "standby.signal"), "");
      },
      settings: [
        `primary_conninfo=host=127.0.0.1 port=${port} user=postgres application_name=${REPLICA}`,
        "hot_standby=on",
        "wal_receiver_status_interval=1",
      ],
    });
  } finally {
    await primary.end();
  }
}
