/** A half-done backfill of which the ledger has lost how far it is: no row is done twice, and each way out ends. */
import { describe } from "vitest";
import { backfillsOf } from "../../src/run/backfills.ts";
import { migrate } from "../../src/run/migrate.ts";
import { repair } from "../../src/run/repair.ts";
import { commandIn } from "../support/command.ts";
import { expect, ledgerSchema, type TestDatabase, test } from "../support/database.ts";
import { down, folderOf, recorder, targetOf, up, writeFiles } from "../support/target.ts";

const TABLE = `create table products (id int primary key, hits int not null default 0);
insert into products (id) select generate_series(1, 2000);`;
const sql = (options: string) => `-- godwit: backfill table=products max-rows=100 ${options}
update products set hits = hits + 1 where :window;
`;
const HITS = "select hits, count(*)::int as n from products group by hits order by hits";
const BACKFILLS = `"${ledgerSchema}".migration_backfills`;
const RANGES = `"${ledgerSchema}".migration_backfill_ranges`;

async function ended(run: (context: ReturnType<typeof recorder>) => Promise<unknown>): Promise<void> {
  let windows = 0;
  const recorded = recorder((event) => {
    if (event.kind === "backfill-progress" && ++windows === 2) recorded.abort(new Error("ended by the test"));
  });
  await expect(run(recorded)).rejects.toThrow();
}

/** Half done, and then the ledger loses something. */
async function halfDone(db: TestDatabase, options: string, loses = "") {
  const folder = folderOf({ "0001_a.sql": TABLE, "0002_b.sql": sql(options) });
  const target = targetOf({ url: db.url, folder });
  await ended((context) => up(target, context));
  if (loses !== "") await db.sql(loses);
  const hits = await db.sql(HITS);
  const said = (kind: "retry" | "mark-done") =>
    repair(target, { kind, revision: "0002_b", position: null }, { confirm: db.name }, recorder());
  return {
    folder,
    target,
    hits,
    said,
    godwit: commandIn({ folder, url: db.url, env: { GODWIT_DIR: folder } }),
  };
}

const LOSSES = [
  ["", `drop table ${BACKFILLS}`, "migration_backfills"],
  ["", `delete from ${BACKFILLS}`, "migration_backfills"],
  ["parallel=2", `drop table ${BACKFILLS}`, "migration_backfills"],
  ["parallel=2", `drop table ${RANGES}`, "migration_backfill_ranges"],
  ["parallel=2", `delete from ${RANGES}`, "migration_backfill_ranges"],
  ["parallel=2", `delete from ${RANGES} where number = 1`, "migration_backfill_ranges"],
  [
    "parallel=2",
    `delete from ${RANGES} where number = (select max(number) from ${RANGES})`,
    "migration_backfill_ranges",
  ],
  ["background=yes", `truncate ${RANGES}`, "migration_backfill_ranges"],
  ["background=yes", `truncate ${BACKFILLS}`, "migration_backfills"],
] as const;

test.for(LOSSES)("no run goes on with it (%s, %s)", async ([options, loses, lost], { db }) => {
  const { target, hits } = await halfDone(db, options, loses);
  const error = await up(target).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({
    code: "BACKFILL_LOST",
    message: expect.stringContaining(`"${ledgerSchema}".${lost} has`),
    hint: expect.stringMatching(/`godwit repair --retry 0002_b`.*`godwit repair --mark-done 0002_b`/),
    report: { failures: [{ revision: "0002_b", committed: "unknown" }] },
  });
  expect(await db.sql(HITS)).toEqual(hits);
  expect(await backfillsOf(target, recorder())).toMatchObject([{ state: "lost" }]);
});

describe("what looks at it", () => {
  test.for([
    ["", `drop table ${BACKFILLS}`],
    ["parallel=2", `drop table ${RANGES}`],
  ] as const)(
    "says so: plan, status, a dry run and `godwit backfill` (%s)",
    async ([options, loses], { db }) => {
      const { godwit } = await halfDone(db, options, loses);
      for (const words of [["plan"], ["up", "--dry-run"], ["status", "--check"]])
        expect((await godwit.fails(1, ...words, "--json")).stdout, words.join(" ")).toContain(
          "BACKFILL_LOST",
        );
      const { stdout } = await godwit("backfill");
      expect(stdout).toContain("0002_b  half done");
      expect(stdout).toContain("how far is not known");
      expect((await godwit("backfill", "rate", "0002_b", "500")).stdout).toContain("500 rows in a second");
    },
  );
});

test.for([
  ["", `drop table ${BACKFILLS}`],
  ["parallel=2", `drop table ${RANGES}`],
] as const)(
  "no text is accepted for the rest of it, and what is said instead leads on (%s)",
  async ([options, loses], { db }) => {
    const { folder, godwit } = await halfDone(db, options, loses);
    writeFiles(folder, { "0002_b.sql": sql(options).replace("hits + 1", "hits + 5") });
    for (const words of [["plan"], ["up"], ["repair", "--accept", "0002_b", "--confirm", db.name]]) {
      const { stderr } = await godwit.fails(1, ...words);
      expect(stderr, words.join(" ")).toContain("BACKFILL_LOST");
      expect(stderr, words.join(" ")).not.toContain("--accept");
    }
    await godwit("repair", "--retry", "0002_b", "--confirm", db.name);
    await godwit("up");
    expect((await db.sql(HITS)).map(({ hits }) => hits)).toEqual([5, 6]);
  },
);

describe("a person decides:", () => {
  const LOST = `drop table ${BACKFILLS}`;

  test("all of it again", async ({ db }) => {
    const { target, said } = await halfDone(db, "", LOST);
    await said("retry");
    expect((await up(target)).outcome).toBe("done");
    expect((await db.sql(HITS)).map(({ hits }) => hits)).toEqual([1, 2]);
  });

  test.for([
    ["", LOST],
    ["parallel=2", `drop table ${RANGES}`],
  ] as const)("it is done, which is said to be not known (%s)", async ([options, loses], { db }) => {
    const { target, said } = await halfDone(db, options, loses);
    expect(await said("mark-done")).toMatchObject({
      warnings: [
        {
          code: "BACKFILL_REMAINDER",
          message: expect.stringContaining("counts as done, and which of its rows are is not known"),
        },
      ],
    });
    expect((await up(target)).steps).toEqual([]);
  });

  test.for([
    ["undo=yes", LOST],
    ["undo=yes parallel=2", `drop table ${BACKFILLS}, ${RANGES}`],
  ] as const)("old values come back, and it begins anew (%s)", async ([options, loses], { db }) => {
    const { target, godwit } = await halfDone(db, options, loses);
    await expect(up(target)).rejects.toMatchObject({
      hint: expect.stringContaining("`godwit backfill undo 0002_b`"),
    });
    await godwit("backfill", "undo", "0002_b");
    expect(await db.sql(HITS)).toEqual([{ hits: 0, n: 2000 }]);
    expect((await up(target)).outcome).toBe("done");
    expect(await db.sql(HITS)).toEqual([{ hits: 1, n: 2000 }]);
  });
});

describe("old values that are gone", () => {
  const VALUES = `select values_table as name from "${ledgerSchema}".migration_backfill_undo`;
  const dropped = async (db: TestDatabase, what: "values" | "row") => {
    const [{ name }] = (await db.sql(VALUES)) as [{ name: string }];
    await db.sql(
      what === "values"
        ? `drop table "${ledgerSchema}".${name}`
        : `delete from "${ledgerSchema}".migration_backfill_undo`,
    );
  };

  test.for([
    ["values", "retry"],
    ["row", "retry"],
    ["values", "mark-done"],
  ] as const)(
    "in the middle of a way back stop it, and each way out ends (%s, %s)",
    async ([what, kind], { db }) => {
      const folder = folderOf({ "0001_a.sql": TABLE, "0002_b.sql": sql("undo=yes") });
      const target = targetOf({ url: db.url, folder });
      await up(target);
      await ended((context) => migrate(target, down("-1"), context));
      await dropped(db, what);
      const hits = await db.sql(HITS);
      await expect(migrate(target, down("-1"), recorder())).rejects.toMatchObject({
        code: "BACKFILL_LOST",
        hint: expect.stringMatching(/`godwit repair --mark-done 0002_b`.*`godwit repair --retry 0002_b`/),
      });
      expect(await db.sql(HITS)).toEqual(hits);
      const said = { kind, revision: "0002_b", position: null } as const;
      await repair(target, said, { confirm: db.name }, recorder());
      expect((await up(target)).steps).toHaveLength(kind === "retry" ? 0 : 1);
    },
  );

  test("of a whole backfill are said to be gone, and a new attempt keeps new ones", async ({ db }) => {
    const folder = folderOf({ "0001_a.sql": TABLE, "0002_b.sql": sql("undo=yes") });
    const target = targetOf({ url: db.url, folder });
    await up(target);
    await dropped(db, "values");
    await expect(migrate(target, down("-1"), recorder())).rejects.toMatchObject({ code: "BACKFILL_UNDO" });
    await repair(target, { kind: "forget", revision: "0002_b" }, { confirm: db.name }, recorder());
    await up(target);
    await migrate(target, down("-1"), recorder());
    expect(await db.sql(HITS)).toEqual([{ hits: 1, n: 2000 }]);
  });

  test("of a half-done one stop it, which says what was lost", async ({ db }) => {
    const { target } = await halfDone(db, "undo=yes");
    await dropped(db, "values");
    await expect(up(target)).rejects.toMatchObject({
      code: "BACKFILL_UNDO",
      message: expect.stringContaining("those of its first windows are gone"),
    });
  });
});

test("one that began with one worker and goes on with several knows how far it is by its ranges alone", async ({
  db,
}) => {
  const { target, hits: before } = await halfDone(db, "");
  expect(before[1]).toEqual({ hits: 1, n: 200 });
  await ended((context) => up({ ...target, settings: { ...target.settings, backfillParallel: 2 } }, context));
  const hits = await db.sql(HITS);
  await db.sql(`drop table ${RANGES}`);
  await expect(up(target)).rejects.toMatchObject({ code: "BACKFILL_LOST" });
  expect(await db.sql(HITS)).toEqual(hits);
});
