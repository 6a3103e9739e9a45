/** Drizzle's journal counts milliseconds: two files of one second are two. */
import { createHash } from "node:crypto";
import { adopt } from "../../src/run/adopt.ts";
import { ADOPT } from "../support/chain.ts";
import { expect, test } from "../support/database.ts";
import { folderOf, recorder, up } from "../support/target.ts";
import { targetIn } from "../support/tools.ts";

const SECOND = 1_700_000_000_000;
const A = "create table a (id int);";

test("a file of a journal is not known by the second of another one's row", async ({ db }) => {
  const folder = folderOf({
    "meta/_journal.json": JSON.stringify({
      ...{ version: "7", dialect: "postgresql" },
      entries: [
        { idx: 0, version: "7", when: SECOND - 1_000, tag: "0000_a", breakpoints: true },
        { idx: 1, version: "7", when: SECOND + 700, tag: "0001_b", breakpoints: true },
      ],
    }),
    "0000_a.sql": A,
    "0001_b.sql": "create table b (id int);",
  });
  const hash = createHash("sha256").update(A).digest("hex");
  await db.sql(`create schema drizzle;
    create table drizzle.__drizzle_migrations (id serial primary key, hash text not null, created_at bigint);
    insert into drizzle.__drizzle_migrations (hash, created_at) values
      ('${hash}', ${SECOND - 1_000}), ('${"0".repeat(64)}', ${SECOND + 100})`);
  const target = await targetIn("drizzle", { url: db.url, folder });
  const report = await adopt(target, ADOPT, recorder());
  expect(report).toMatchObject({
    applied: [{ revision: "0000_a" }],
    pending: ["0001_b"],
    missing: [String(SECOND + 100)],
  });
  expect((await up(target)).steps).toMatchObject([{ revision: "0001_b" }]);
});
