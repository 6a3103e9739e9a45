/** One file in the place of all that ran: no other project's ledger, once a person has said so. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { baseline } from "../../src/run/baseline.ts";
import { repair } from "../../src/run/repair.ts";
import type { Target } from "../../src/run/session/target.ts";
import { statusOf } from "../../src/run/status.ts";
import { commandIn } from "../support/command.ts";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { appliedIn, refusalOf } from "../support/refusal.ts";
import { type Files, folderOf, recorder, targetOf, UP, up, writeFiles } from "../support/target.ts";
import { targetIn } from "../support/tools.ts";

const stateIn = async (target: Target) =>
  (await statusOf(target, { ...UP, imports: async () => [] }, recorder())).migrations.map(
    ({ revision, state }) => [revision, state],
  );

function replace(folder: string, old: readonly string[], by: Readonly<Record<string, string>>): void {
  for (const file of old) rmSync(join(folder, file));
  writeFiles(folder, by);
}

test("the hint's command declares the new file, and nothing is run or left in the way", async ({ db }) => {
  const folder = folderOf({
    "migrations/0001_a.sql": "create table a ();",
    "migrations/0002_b.sql": "create table b ();",
  });
  const godwit = commandIn({ folder, url: db.url });
  await godwit("up");
  replace(join(folder, "migrations"), ["0001_a.sql", "0002_b.sql"], {
    "0001_all.sql": "create table a (); create table b ();",
  });
  const refused = await godwit.fails(1, "up");
  expect(refused.stderr).toContain("LEDGER_FOREIGN");
  const [, command = ""] = /`godwit (baseline [^`]+)`/.exec(refused.stderr.replaceAll(/\s+/g, " ")) ?? [];
  expect(command).toBe("baseline 0001_all --confirm <database>");
  const other = await godwit.fails(1, "baseline", "0001_all", "--confirm", "other");
  expect(other.stderr).toContain(`This is database "${db.name}"`);
  const done = await godwit(...command.replace("<database>", db.name).split(" "));
  expect(done.stdout).toContain("Declared as present: 0001_all.");
  expect(done.stdout).toContain("Replaced, and no longer in the ledger: 0001_a, 0002_b.");
  writeFiles(join(folder, "migrations"), { "0002_c.sql": "create table c ();" });
  await godwit("up");
  await godwit("status", "--check");
});

const SQUASHED: Readonly<
  Record<string, readonly [file: (name: string, sql: string) => Files, mirror: string | null]>
> = {
  plain: [(name, sql) => ({ [`${name}.sql`]: sql }), null],
  dbmate: [(name, sql) => ({ [`${name}.sql`]: `-- migrate:up\n${sql}\n-- migrate:down\n` }), null],
  "dbmate, mirrored": [
    (name, sql) => ({ [`${name}.sql`]: `-- migrate:up\n${sql}\n-- migrate:down\n` }),
    "dbmate",
  ],
  "golang-migrate, mirrored": [(name, sql) => ({ [`${name}.up.sql`]: sql }), "golang-migrate"],
};

test.for(Object.entries(SQUASHED))(
  "a file that was replaced and comes back is not run: %s",
  async ([name, [file, mirror]], { db }) => {
    const layout = name.split(",")[0] ?? "";
    const old = { ...file("0001_a", "create table a ();"), ...file("0002_b", "create table b ();") };
    const folder = folderOf(old);
    const target =
      layout === "plain"
        ? targetOf({ url: db.url, folder })
        : await targetIn(layout, { url: db.url, folder, settings: { mirror } });
    await up(target);
    replace(folder, Object.keys(old), file("0001_all", "create table a (); create table b ();"));
    await baseline(target, "0001_all", recorder(), { confirm: db.name });
    const back = file("0002_b", "create table b ();");
    writeFiles(folder, back);
    // The row of the tool is there, and is taken over.
    if (mirror === "dbmate") expect((await up(target)).steps).toEqual([]);
    else {
      const { codes, error } = await refusalOf(up(target));
      expect(codes).toEqual(["PLAN_REPLACED"]);
      expect(error.hint).toContain("`godwit repair --mark-done 0002_b`");
      await repair(
        target,
        { kind: "mark-done", revision: "0002_b", position: null },
        { confirm: db.name },
        recorder(),
      );
    }
    expect(await appliedIn(db)).toContain("0002_b");
    writeFiles(folder, file("0003_c", "create table c ();"));
    expect((await up(target)).steps.map(({ revision }) => revision)).toEqual(["0003_c"]);
  },
);

test("half-way is no state to be replaced in, and another project's name stays another project", async ({
  db,
}) => {
  const folder = folderOf({ "0001_a.sql": "create table a ();" });
  await up(targetOf({ url: db.url, folder, settings: { project: "shop" } }));
  replace(folder, ["0001_a.sql"], { "0001_all.sql": "create table a ();" });
  const confirm = { confirm: db.name };
  const foreign = targetOf({ url: db.url, folder, settings: { project: "blog" } });
  expect((await refusalOf(baseline(foreign, "head", recorder(), confirm))).codes).toEqual(["LEDGER_FOREIGN"]);
  await db.sql(`insert into ${ledgerSchema}.migration_history (revision, sequence, kind, state, phase, parents, filename, checksum, run_id, host, version)
    select '0002_b', 99, kind, 'partial', phase, parents, '0002_b.sql', checksum, run_id, host, version from ${ledgerSchema}.migration_history`);
  const target = targetOf({ url: db.url, folder, settings: { project: "shop" } });
  expect((await refusalOf(baseline(target, "head", recorder(), confirm))).codes).toEqual([
    "BASELINE_CONFLICT",
  ]);
});

test.for([[null], ["golang-migrate"]] as const)(
  "beside golang-migrate, with keep %s, its number does not make the new file an applied one",
  async ([keep], { db }) => {
    const folder = folderOf({ "1_a.up.sql": "create table a ();", "2_b.up.sql": "create table b ();" });
    const at = () => targetIn("golang-migrate", { url: db.url, folder, settings: { mirror: keep } });
    await db.sql(`create table schema_migrations (version bigint primary key, dirty boolean not null);`);
    await up(await at());
    await db.sql("delete from schema_migrations; insert into schema_migrations values (2, false)");
    await up(await at());
    replace(folder, ["1_a.up.sql", "2_b.up.sql"], {
      "1_all.up.sql": "create table a (); create table b ();",
    });
    const target = await at();
    expect(await stateIn(target)).toContainEqual(["1_all", "pending"]);
    expect((await refusalOf(up(target))).codes).toEqual(["LEDGER_FOREIGN"]);
    expect(await appliedIn(db)).toEqual(["1_a", "2_b"]);
    await baseline(target, "1_all", recorder(), { confirm: db.name });
    expect((await up(target)).steps).toEqual([]);
    expect(await appliedIn(db)).toEqual(["1_all"]);
  },
);
