/** A table that is gone: not missed if somebody has said that it does not count, and not forgotten if nobody has. */
import { adopt } from "../../src/run/adopt.ts";
import { repair } from "../../src/run/repair.ts";
import { ADOPT } from "../support/chain.ts";
import { expect, test } from "../support/database.ts";
import { refusalOf } from "../support/refusal.ts";
import { folderOf, recorder, up, writeFiles } from "../support/target.ts";
import { targetIn } from "../support/tools.ts";

const file = (name: string) =>
  `-- migrate:up\ncreate table ${name} ();\n-- migrate:down\ndrop table ${name};\n`;

test.for([
  ["none:public.schema_migrations", null],
  ["dbmate:public.other", ["0001", "0002"]],
] as const)("dropped, and then --mirror %s: nothing is gone", async ([keep, told], { db }) => {
  const folder = folderOf({ "0001_a.sql": file("a") });
  const settings = { mirror: "dbmate" };
  await up(await targetIn("dbmate", { url: db.url, folder, settings }));
  await db.sql("drop table schema_migrations");
  writeFiles(folder, { "0002_b.sql": file("b") });
  expect(
    (await refusalOf(up(await targetIn("dbmate", { url: db.url, folder, settings })))).error.message,
  ).toContain("The history of dbmate, public.schema_migrations, is gone");
  const { steps, warnings } = await up(
    await targetIn("dbmate", { url: db.url, folder, settings: { mirror: keep } }),
  );
  expect(steps).toHaveLength(1);
  expect(warnings.map(({ message }) => message).filter((one) => one.includes("is gone"))).toEqual([]);
  if (told !== null)
    expect(
      (await db.sql("select version from public.other order by 1")).map(({ version }) => version),
    ).toEqual(told);
});

test.for([
  ["rename to gone", "alter table gone rename to schema_migrations", "ADOPT_TAKEN_BACK"],
  ["set schema elsewhere", "alter table elsewhere.schema_migrations set schema public", "ADOPT_CONFLICT"],
])(
  "not mirrored, away for one run (%s), it is compared with what it said before",
  async ([away, back, told], { db }) => {
    const folder = folderOf({ "0001_a.sql": file("a"), "0002_b.sql": file("b") });
    const target = await targetIn("dbmate", { url: db.url, folder });
    await db.sql(
      "create table schema_migrations (version varchar primary key); insert into schema_migrations values ('0001'), ('0002'); create table a (); create table b ()",
    );
    await adopt(target, ADOPT, recorder());
    await db.sql(`create schema elsewhere; alter table schema_migrations ${away}`);
    const missed = async () => (await up(target)).warnings.map(({ code }) => code);
    expect(await missed()).toEqual([told]);
    expect(await missed()).toEqual([]);
    await db.sql(`${back}; delete from schema_migrations where version = '0002'; drop table b`);
    const { codes, error } = await refusalOf(up(target));
    expect(codes).toEqual(["ADOPT_TAKEN_BACK"]);
    expect(error.message).toContain("0002_b was in the history of dbmate");
    await repair(target, { kind: "forget", revision: "0002_b" }, { confirm: db.name }, recorder());
    expect((await up(target)).steps.map(({ revision }) => revision)).toEqual(["0002_b"]);
  },
);
