/** Nothing of ours depends on an upper version: a server that says it is far newer is treated as the newest that is known. */
import { commandIn } from "./support/command.ts";
import { expect, test } from "./support/database.ts";
import { startNewer } from "./support/newer-server.ts";
import { folderOf } from "./support/target.ts";

test("a server of version 25 is migrated, looked at and taken back like one of today", async ({ db }) => {
  const [{ version } = { version: "" }] = await db.sql<{ version: string }>(
    "select current_setting('server_version_num') as version",
  );
  const newer = await startNewer(db.port, version);
  const folder = folderOf({
    "migrations/0001_a.sql": "-- migrate:up\ncreate table a (id int);\n-- migrate:down\ndrop table a;",
    "migrations/0002_b.sql":
      "-- migrate:up\ncreate index concurrently a_id on a (id);\n-- migrate:down\ndrop index concurrently a_id;",
    "migrations/0003_c.ts":
      "export const up = ({ sql }: any) => sql`insert into a values (1)`;\nexport const down = ({ sql }: any) => sql`delete from a`;",
  });
  const url = `${db.url.replace(`:${db.port}/`, `:${newer.port}/`)}?sslmode=disable`;
  const godwit = commandIn({ folder, url });
  expect((await godwit("up", "--json")).json.report.steps).toHaveLength(3);
  expect(newer.told()).toBeGreaterThan(0);
  await godwit("status", "--check");
  expect((await godwit("doctor")).stdout).toContain("✓ database");
  await godwit("down", "base");
  await godwit("up");
  expect(await db.sql("select id from a")).toEqual([{ id: 1 }]);
});
