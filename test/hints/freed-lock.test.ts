/** A migration that frees the run's lock: nothing runs without the lock, and the hint leads on. */
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { type Files, folderOf } from "../support/target.ts";

const FREEING: Readonly<Record<string, Files>> = {
  "in a transaction": {
    "0001_a.sql": "create table a (id int); select pg_advisory_unlock_all(); create table b (id int);",
  },
  "outside one": { "0001_a.sql": "create table a (id int);\ndiscard all;\ncreate table b (id int);" },
  "in a DO block": { "0001_a.sql": "do $$ begin perform pg_advisory_unlock_all(); end $$;" },
  "in a module": {
    "0001_a.ts":
      "export async function up({ sql }) { await sql`create table a (id int)`; await sql`select pg_advisory_unlock_all()`; }",
  },
  "in a module outside one": {
    "0001_a.ts":
      "export const transaction = false;\nexport async function up({ sql }) { await sql`create table a (id int)`; await sql`discard all`; }",
  },
};

test.for(Object.entries(FREEING))(
  "%s: the next migration does not begin, and runs as soon as the hint is followed",
  async ([, files], { db }) => {
    const next = { "0002_next.sql": "create table next (id int);" };
    const folder = folderOf(
      Object.fromEntries(
        Object.entries({ ...files, ...next }).map(([name, text]) => [`migrations/${name}`, text]),
      ),
    );
    const godwit = commandIn({ folder, url: db.url });
    const first = await godwit.fails(1, "up", "--json");
    expect(first.json.problems).toMatchObject([{ code: "LOCK_LOST" }]);
    expect(first.json.problems[0].hint).toContain("Leave its file as it is");
    expect(first.json.report.steps.map(({ revision }: { revision: string }) => revision)).toEqual(["0001_a"]);
    expect(await db.sql("select to_regclass('next') as next")).toEqual([{ next: null }]);
    const second = await godwit("up", "--json");
    expect(second.json.report.steps).toMatchObject([{ revision: "0002_next" }]);
  },
);
