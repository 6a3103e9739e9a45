/** The key of a backfill changes while it runs, between two runs, or in the order that a library gives it: no row is passed over. */
import { describe } from "vitest";
import { tellBackfill } from "../../src/run/backfills.ts";
import { migrate } from "../../src/run/migrate.ts";
import { repair } from "../../src/run/repair.ts";
import { expect, ledgerSchema, type TestDatabase, test } from "../support/database.ts";
import { down, folderOf, recorder, targetOf, up } from "../support/target.ts";

const TABLE = `create table products (id text collate "und-x-icu" primary key, hits int not null default 0);
insert into products (id) select (array['ä', 'Ab', 'a-b', 'Z', 'b'])[n % 5 + 1] || n from generate_series(1, 2000) n;`;
const sql = (options: string) => `-- godwit: backfill table=products undo=yes max-rows=100 ${options}
update products set hits = hits + 1 where :window;
`;
const HITS = "select hits, count(*)::int as n from products group by hits order by hits";
const ROWS = `select rows::int as n from "${ledgerSchema}".migration_backfills`;

/** What somebody does to the key, how it is taken back, and what the next run says of it. */
const CHANGES = {
  "another collation": [
    `alter table products alter column id type text collate "C"`,
    `alter table products alter column id type text collate "und-x-icu"`,
    'would go on by public.products (id text pg_catalog."C")',
  ],
  "another type": [
    `alter table products alter column id type varchar(20) collate "und-x-icu"`,
    `alter table products alter column id type text collate "und-x-icu"`,
    "would go on by public.products (id character varying(20)",
  ],
  "another name": [
    "alter table products rename column id to ident",
    "alter table products rename column ident to id",
    "pages public.products by (id), which no unique index has",
  ],
  "no unique index": [
    "alter table products drop constraint products_pkey",
    "alter table products add primary key (id)",
    "pages public.products by (id), which no unique index has",
  ],
  "an index that is not valid": [
    "update pg_index set indisvalid = false where indexrelid = 'products_pkey'::regclass",
    "update pg_index set indisvalid = true where indexrelid = 'products_pkey'::regclass",
    "pages public.products by (id), which no unique index has",
  ],
} as const;

const placeOf = (db: TestDatabase, options: string) =>
  targetOf({ url: db.url, folder: folderOf({ "0001_a.sql": TABLE, "0002_b.sql": sql(options) }) });

/** Ends a run after its second window. */
async function ended(run: (context: ReturnType<typeof recorder>) => Promise<unknown>): Promise<void> {
  let windows = 0;
  const recorded = recorder((event) => {
    if (event.kind === "backfill-progress" && ++windows === 2) recorded.abort(new Error("ended by the test"));
  });
  await expect(run(recorded)).rejects.toThrow();
}

const NAMES = Object.keys(CHANGES) as (keyof typeof CHANGES)[];

describe.for(["", "parallel=2", "background=yes"])("the key of a backfill (%s)", (options) => {
  const names = options === "" ? NAMES : (["another collation", "another name"] as const);

  test.for(names)(
    "that is another one while windows run stops them, and what is said is so: %s",
    async (name, { db }) => {
      const [change, back] = CHANGES[name];
      const target = placeOf(db, options);
      const rate = (value: number | null) =>
        tellBackfill(target, { revision: "0002_b", word: { kind: "rate", rate: value } }, recorder());
      await rate(400);
      let changing: Promise<unknown> | undefined;
      const context = recorder((event) => {
        if (event.kind === "backfill-progress" && event.windows >= 2) changing ??= db.admin(change);
      });
      await expect(up(target, context)).rejects.toMatchObject({
        code: "BACKFILL_EDITED",
        message: expect.stringContaining("the key of public.products is another one since its windows run"),
      });
      await changing;
      const [{ n }] = (await db.sql(ROWS)) as [{ n: number }];
      expect(await db.sql(HITS)).toEqual([
        { hits: 0, n: 2000 - n },
        { hits: 1, n },
      ]);
      await db.admin(back);
      await rate(null);
      expect((await up(target)).outcome).toBe("done");
      expect(await db.sql(HITS)).toEqual([{ hits: 1, n: 2000 }]);
      expect(await db.sql(ROWS)).toEqual([{ n: 2000 }]);
    },
  );

  test.for(names)("that is another one by the next run stops it by name: %s", async (name, { db }) => {
    const [change, back, said] = CHANGES[name];
    const target = placeOf(db, options);
    await ended((context) => up(target, context));
    const hits = await db.sql(HITS);
    await db.admin(change);
    const error = await up(target).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: "BACKFILL_EDITED",
      message: expect.stringContaining(said),
      hint: expect.stringContaining("`godwit repair --retry 0002_b`"),
    });
    expect(await db.sql(HITS)).toEqual(hits);
    await db.admin(back);
    expect((await up(target)).outcome).toBe("done");
    expect(await db.sql(HITS)).toEqual([{ hits: 1, n: 2000 }]);
  });

  test("whose library is another one by the next run stops it, and a retry leads on", async ({ db }) => {
    const target = placeOf(db, options);
    await ended((context) => up(target, context));
    // As if an earlier version of the library had made the order.
    await db.sql(`update "${ledgerSchema}".migration_backfills set key_order = '{1.0}'`);
    await expect(up(target)).rejects.toMatchObject({
      code: "BACKFILL_EDITED",
      message: expect.stringContaining("id was ordered by version 1.0 of its collation"),
    });
    const request = { kind: "retry", revision: "0002_b", position: null } as const;
    await repair(target, request, { confirm: db.name }, recorder());
    expect((await up(target)).outcome).toBe("done");
  });
});

test("an early ledger, which does not say which library it was, goes on", async ({ db }) => {
  const target = placeOf(db, "");
  await ended((context) => up(target, context));
  await db.sql(`alter table "${ledgerSchema}".migration_backfills drop column key_order`);
  expect((await up(target)).outcome).toBe("done");
  expect(await db.sql(HITS)).toEqual([{ hits: 1, n: 2000 }]);
});

describe("an index that another version of a library has made", () => {
  const OWN = TABLE.replace('"und-x-icu"', "own");

  test("is refused before the first row, and what the hint says leads on", async ({ db }) => {
    await db.sql("create collation own (provider = icu, locale = 'und')");
    await db.sql(OWN);
    await db.admin("update pg_collation set collversion = '1.0' where collname = 'own'");
    const target = targetOf({ url: db.url, folder: folderOf({ "0001_b.sql": sql("") }) });
    await expect(up(target)).rejects.toMatchObject({
      code: "BACKFILL_KEY",
      message: expect.stringMatching(
        /whose collation public\.own was version 1\.0 .* products_pkey may have/,
      ),
      hint: expect.stringMatching(
        /REINDEX INDEX CONCURRENTLY products_pkey.*ALTER COLLATION public\.own REFRESH/,
      ),
    });
    expect(await db.sql(HITS)).toEqual([{ hits: 0, n: 2000 }]);
    await db.sql("reindex index concurrently products_pkey");
    await db.sql("alter collation public.own refresh version");
    expect((await up(target)).outcome).toBe("done");
    expect(await db.sql(HITS)).toEqual([{ hits: 1, n: 2000 }]);
  });

  test("is one of the database too", async ({ db }) => {
    await db.sql(TABLE.replace('collate "und-x-icu"', ""));
    const [version] = await db.sql(
      "select pg_collation_actual_version(100) is not null as known, current_setting('server_version_num')::int >= 150000 as kept",
    );
    await db.admin(
      "do $$ begin update pg_database set datcollversion = '1.0' where datname = current_database(); exception when undefined_column then null; end $$",
    );
    const target = targetOf({ url: db.url, folder: folderOf({ "0001_b.sql": sql("") }) });
    const ended = up(target);
    // A server before 15, or a database in C, knows no version.
    if (version?.known === true && version.kept === true)
      await expect(ended).rejects.toMatchObject({
        code: "BACKFILL_KEY",
        hint: expect.stringContaining("ALTER DATABASE"),
      });
    else expect((await ended).outcome).toBe("done");
  });
});

describe("a way back goes on by the key with which it was kept", () => {
  test.for(["another collation", "another type"] as const)("%s", async (name, { db }) => {
    const target = placeOf(db, "");
    await up(target);
    await ended((context) => migrate(target, down("-1"), context));
    await db.admin(CHANGES[name][0]);
    await migrate(target, down("-1"), recorder());
    expect(await db.sql(HITS)).toEqual([{ hits: 0, n: 2000 }]);
  });
});
