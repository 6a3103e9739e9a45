/** `godwit compatible`: asked before a roll-out, whether an older or newer image can live with a database. */
import { describe } from "vitest";
import type { Migrator } from "../../src/index.ts";
import { commandIn } from "../support/command.ts";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { type Files, folderOf } from "../support/target.ts";
import { createMigrator } from "../support/watched.ts";

const table = (name: string, header = "") => `${header}create table ${name} (id int);\n`;
const OLD = { "migrations/0001_a.sql": table("a"), "migrations/0002_b.sql": table("b") };
const NEW = {
  ...OLD,
  "migrations/0003_c.sql": table("c"),
  "migrations/repeatable/v.sql": "create or replace view v as select 1 as x;\n",
};
const CONTRACT = { ...NEW, "migrations/0004_drop.sql": "-- godwit: phase=contract\ndrop table b;\n" };
const MINIMUM = { ...NEW, "migrations/0004_min.sql": table("d", "-- godwit: minimum-revision=0003_c\n") };

/** Images of one project: each writes its own list, and all have one database. */
function imageOf(files: Files, url: string) {
  const folder = folderOf(files);
  return { folder, list: `${folder}/revisions.json`, godwit: commandIn({ folder, url }) };
}

const migratorOf = (files: Files, databaseUrl: string): Migrator =>
  createMigrator({ databaseUrl, root: folderOf(files), ledgerSchema });

describe("an older image", () => {
  test("can live with a newer database, and is told what it does not know", async ({ db }) => {
    const [old, next] = [imageOf(OLD, db.url), imageOf(NEW, db.url)];
    await old.godwit("compatible", "--write", "revisions.json");
    await next.godwit("up");
    const { json } = await next.godwit("compatible", "--image-revisions", old.list, "--json");
    expect(json).toMatchObject({
      ok: true,
      compatible: true,
      relation: "older",
      ahead: ["0003_c"],
      pending: [],
      problems: [],
    });
    const { stdout } = await next.godwit("compatible", "--image-revisions", old.list, "--ready");
    expect(stdout).toMatch(
      /^The image can live with .*: it is older than the database\.\nApplied, and newer than the image: 0003_c\.\n$/,
    );
    // It says the truth: its own up begins, and does nothing.
    expect((await old.godwit("up", "--json")).json.report.steps).toEqual([]);
  });

  test("cannot, behind a contract step, and is asked about it before that step runs", async ({ db }) => {
    const [old, next] = [imageOf(NEW, db.url), imageOf(CONTRACT, db.url)];
    await old.godwit("compatible", "--write", "revisions.json");
    await next.godwit("up");
    const ask = ["compatible", "--image-revisions", old.list, "--json"];
    expect((await next.godwit(...ask)).json.relation).toBe("same");
    expect((await next.godwit(...ask, "--after-up")).json.compatible).toBe(true);
    const before = (await next.godwit.fails(1, ...ask, "--after-up", "--contract")).json;
    await next.godwit("up", "--contract");
    const after = (await next.godwit.fails(1, ...ask)).json;
    for (const json of [before, after])
      expect(json).toMatchObject({
        ok: false,
        compatible: false,
        problems: [{ code: "IMAGE_CONTRACT", details: { revision: "0004_drop" } }],
      });
    expect((await next.godwit.fails(1, ...ask.slice(0, 3))).stdout).toContain("The image cannot live with");
    // The hint: an image that has it can.
    await next.godwit("compatible", "--write", "own.json");
    await next.godwit("compatible", "--image-revisions", "own.json", "--ready");
  });

  test("cannot, where an applied migration asks for a newer one, exactly where its own up is refused", async ({
    db,
  }) => {
    await using old = migratorOf(OLD, db.url);
    await using next = migratorOf(MINIMUM, db.url);
    await next.up();
    const { problems } = await next.compatible(await old.revisions());
    expect(problems).toMatchObject([{ code: "PLAN_MINIMUM_REVISION" }]);
    await expect(old.up()).rejects.toMatchObject({ code: "PLAN_MINIMUM_REVISION" });
  });
});

describe("a newer image", () => {
  test("can live with an older database, and what it would apply is told, or refused", async ({ db }) => {
    const [old, next] = [imageOf(OLD, db.url), imageOf(NEW, db.url)];
    await next.godwit("compatible", "--write", "revisions.json");
    await old.godwit("up");
    const ask = ["compatible", "--image-revisions", next.list, "--json"];
    const { json } = await old.godwit(...ask);
    expect(json).toMatchObject({ compatible: true, relation: "newer" });
    expect(json.pending.map(({ revision }: { revision: string }) => revision)).toEqual(["0003_c", "v"]);
    const refused = await old.godwit.fails(1, ...ask, "--ready");
    expect(refused.json.problems).toMatchObject([
      { code: "IMAGE_PENDING", details: { revisions: ["0003_c", "v"] } },
    ]);
    // The hint.
    await next.godwit("up");
    await old.godwit(...ask, "--ready");
  });

  test("cannot, without a file in the middle, with an edited one, or with a late one", async ({ db }) => {
    await using running = migratorOf(NEW, db.url);
    await running.up();
    const { "migrations/0002_b.sql": _, ...vanished } = { ...NEW, "migrations/0005_e.sql": table("e") };
    const cases: [Files, string][] = [
      [vanished, "PLAN_VANISHED"],
      [{ ...NEW, "migrations/0002_b.sql": table("other") }, "PLAN_EDITED"],
      [{ ...NEW, "migrations/0001_x.sql": table("late") }, "PLAN_"],
    ];
    for (const [files, code] of cases) {
      await using other = migratorOf(files, db.url);
      const { problems } = await running.compatible(await other.revisions());
      expect(problems[0]?.code).toMatch(code);
      await expect(other.up()).rejects.toMatchObject({ code: problems[0]?.code });
    }
  });
});

test("names alone will do, a bundle will do, and files need not be there", async ({ db }) => {
  const next = imageOf(NEW, db.url);
  await next.godwit("up");
  const names = folderOf({
    "old.json": '["0001_a", "0002_b"]',
    "new.json": '["0001_a", "0002_b", "0003_c", "0004_x"]',
    "gap.json": '["0001_a", "0003_c"]',
  });
  const elsewhere = commandIn({ folder: names, url: db.url });
  const relation = async (file: string) =>
    (await elsewhere("compatible", "--image-revisions", file, "--json")).json.relation;
  expect(await relation("old.json")).toBe("older");
  expect(await relation("new.json")).toBe("newer");
  const { json } = await elsewhere.fails(1, "compatible", "--image-revisions", "gap.json", "--json");
  expect(json.problems).toMatchObject([{ code: "PLAN_VANISHED", details: { revision: "0002_b" } }]);
  await next.godwit("build", "bundle");
  expect(await relation(`${next.folder}/bundle`)).toBe("same");
});

test("a list that is none, is empty or is not there is refused by name", async ({ db }) => {
  const folder = folderOf({
    "no.json": "{",
    "empty.json": "[]",
    "odd.json": '[{"id": 3}]',
    "html.json": '"<html>"',
    "newer.json": '{"format": 2, "migrations": ["0001_a"]}',
  });
  const godwit = commandIn({ folder, url: db.url });
  for (const [file, problem] of [
    ["no.json", "no JSON"],
    ["empty.json", "names no revision"],
    ["odd.json", "has an entry 1 that is no revision"],
    ["html.json", "is no list of revisions"],
    ["newer.json", "has the format 2"],
    ["gone.json", "ENOENT"],
  ] as const) {
    const { json } = await godwit.fails(1, "compatible", "--image-revisions", file, "--json");
    expect(json.problems[0]).toMatchObject({
      code: "REVISIONS_UNREADABLE",
      message: expect.stringContaining(problem),
    });
    expect(json.problems[0].message).toContain(file);
  }
  await godwit.fails(2, "compatible");
  await godwit.fails(2, "compatible", "--write", "x.json", "--ready");
});

test("the library answers the same", async ({ db }) => {
  await using old = migratorOf(OLD, db.url);
  await using next = migratorOf(CONTRACT, db.url);
  const list = await old.revisions();
  expect(list.migrations.map(({ id }) => id)).toEqual(["0001_a", "0002_b"]);
  await next.up();
  expect(await next.compatible(list)).toMatchObject({
    compatible: true,
    relation: "older",
    ahead: ["0003_c"],
  });
  expect(await next.compatible(["0001_a", "0002_b"], { afterUp: true })).toMatchObject({ compatible: true });
  await expect(next.compatible("nonsense" as never)).rejects.toMatchObject({ code: "REVISIONS_UNREADABLE" });
  await expect(next.compatible(list, { redy: true } as never)).rejects.toMatchObject({
    code: "CONFIG_INVALID",
  });
});

test("a list of drizzle's layout keeps its order", async ({ db }) => {
  const journal = (...tags: string[]) =>
    JSON.stringify({
      version: "7",
      dialect: "postgresql",
      entries: tags.map((tag, idx) => ({
        idx,
        version: "7",
        when: 1700000000000 + idx,
        tag,
        breakpoints: true,
      })),
    });
  const files = (...tags: string[]) =>
    Object.fromEntries([
      ...tags.map((tag) => [`migrations/${tag}.sql`, table(`t_${tag}`)]),
      ["migrations/meta/_journal.json", journal(...tags)],
    ]);
  await using old = migratorOf(files("0000_zz"), db.url);
  await using next = migratorOf(files("0000_zz", "0001_aa"), db.url);
  await next.up();
  const list = await old.revisions();
  expect(list.layout).toBe("drizzle");
  expect(await next.compatible(list)).toMatchObject({ relation: "older", ahead: ["0001_aa"] });
  expect(await next.compatible(await next.revisions())).toMatchObject({ relation: "same" });
});
