/** What every layout promises, whatever the tool: one suite, and for each layout a specimen that says how its files look. */
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe } from "vitest";
import { migrate } from "../../src/run/migrate.ts";
import type { Target } from "../../src/run/session/target.ts";
import { openInPlace } from "../../src/source/layouts/in-place.ts";
import type { LayoutOptions } from "../../src/source/layouts/layout.ts";
import { loadLayout } from "../../src/source/layouts/layouts.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { appliedIn, refusalOf } from "../support/refusal.ts";
import { stateOf } from "../support/state.ts";
import { down, type Files, folderOf, recorder, targetOf, up, writeFiles } from "../support/target.ts";

/** One migration, before it has a form. */
export interface Draft {
  /** Out of the specimen's `order`. */
  readonly number: string;
  readonly name: string;
  readonly up: string;
  /** Left out by layouts without a way back. */
  readonly down?: string | undefined;
  /** With the tool's own mark for "not in a transaction". */
  readonly marked?: boolean | undefined;
}

/** The same in the tool's form. */
export interface Written {
  readonly id: string;
  /** Where the way up is. */
  readonly file: string;
  /** Where the way back is; the same file where it is a section of it. */
  readonly downFile?: string | undefined;
  readonly files: Files;
}

export interface Specimen {
  /** As `--layout` has it. */
  readonly layout: string;
  /** Tells specimens of one layout apart. */
  readonly form?: string;
  /** Six numbers in the tool's own order, chosen so that other rules would order them otherwise. */
  readonly order: readonly [string, string, string, string, string, string];
  write(draft: Draft): Written;
  /** What the tool keeps beside them (a journal, a plan, a lock file), for drafts in their order. */
  readonly around?: (drafts: readonly Draft[]) => Files;
  /** Things that cannot be, each with its reason. */
  readonly without?: Partial<Record<"back" | "mark" | "duplicate" | "late", string>>;
  /** Two migrations that the tool cannot tell apart. */
  readonly duplicate?: readonly [Draft, Draft];
  /** Folders that are not its own, and what is said of them. */
  readonly foreign: readonly (readonly [what: string, files: Files, says: RegExp])[];
  /** Folders that are its own and broken: what is said, and of which file. */
  readonly broken?: readonly (readonly [what: string, files: Files, says: RegExp, file: string])[];
  /** Files that the tool passes over. */
  readonly ignored?: Files;
  /** Puts marks around a function and the statement behind it, for tools that cut at line ends. */
  readonly fenced?: (text: string) => string;
  readonly options?: Partial<LayoutOptions>;
}

export function layoutLaws(specimen: Specimen): void {
  const { layout, order, without = {} } = specimen;
  const drafts = order.map(
    (number, index): Draft => ({
      number,
      name: `step_${index}`,
      up: `create table s${index} (id int);\ninsert into s${index} values (${index});`,
      ...(without.back === undefined ? { down: `drop table s${index};` } : {}),
    }),
  );
  const filesOf = (some: readonly Draft[]): Files =>
    Object.assign({}, ...some.map((draft) => specimen.write(draft).files), specimen.around?.(some));
  const ids = (some: readonly Draft[]) => some.map((draft) => specimen.write(draft).id);
  const place = async (db: TestDatabase, files: Files) => {
    const folder = folderOf(files);
    return { folder, target: await targetIn(db, folder, specimen) };
  };
  /** Drafts with these texts; the first ones are plain. */
  const withTexts = (...texts: readonly Partial<Draft>[]): Draft[] =>
    texts.map((text, index) => ({ ...(drafts[index] as Draft), ...text }));

  describe(specimen.form ?? layout, () => {
    test("is listed and applied in the tool's own order, and a second run does nothing", async ({ db }) => {
      const { folder, target } = await place(db, { ...filesOf(drafts), ...specimen.ignored });
      const { migrations, problems } = await target.source.list();
      expect(problems).toEqual([]);
      expect(migrations.map(({ id }) => id)).toEqual(ids(drafts));
      expect(migrations.map(({ problem }) => problem)).toEqual(drafts.map(() => undefined));
      expect(migrations.map(({ revertible }) => revertible)).toEqual(
        drafts.map(() => without.back === undefined),
      );
      expect(target.source).toMatchObject({ layout, folder });

      expect((await up(target)).outcome).toBe("done");
      expect(await appliedIn(db)).toEqual(ids(drafts));
      const [row] = await db.sql("select s0.id + s5.id as sum from s0, s5");
      expect(row).toEqual({ sum: 5 });
      expect((await up(target)).steps).toEqual([]);
      expect(await appliedIn(db)).toEqual(ids(drafts));
    });

    lawUnless(without.back)(`goes back and forth again`, async ({ db }) => {
      const { target } = await place(db, filesOf(drafts));
      await up(target);
      const last = await migrate(target, down("-1"), recorder());
      expect(last.steps.map(({ revision }) => revision)).toEqual(ids(drafts).slice(-1));
      await migrate(target, down("base"), recorder());
      expect(await appliedIn(db)).toEqual([]);
      const tables = await db.sql("select tablename from pg_tables where schemaname = 'public'");
      expect(tables).toEqual([]);
      expect((await up(target)).steps).toHaveLength(6);
    });

    test("what has no way back stays", async ({ db }) => {
      const { target } = await place(db, filesOf(withTexts({ down: undefined })));
      await up(target);
      const { codes } = await refusalOf(migrate(target, down("-1"), recorder()));
      expect(codes).toEqual(["PLAN_IRREVERSIBLE"]);
      expect(await db.sql("select id from s0")).toEqual([{ id: 0 }]);
    });

    lawUnless(without.late)(
      `a late one is refused by name, and runs when it is allowed to`,
      async ({ db }) => {
        const [first, late, ...rest] = drafts as [Draft, Draft, ...Draft[]];
        const { folder, target } = await place(db, filesOf([first, ...rest]));
        await up(target);
        writeFiles(folder, filesOf(drafts));
        const { codes, error } = await refusalOf(up(target));
        expect(codes).toEqual(["PLAN_LATE"]);
        expect(error.message).toContain(ids([late])[0]);
        await up(target, recorder(), { outOfOrder: true });
        expect(await appliedIn(db)).toEqual(ids([first, ...rest, late]));
        expect((await up(target)).steps).toEqual([]);
      },
    );

    test("an applied file that was edited is refused; its line ends and byte order mark are no edit", async ({
      db,
    }) => {
      const [first, second] = drafts as [Draft, Draft];
      const { folder, target } = await place(db, filesOf([first]));
      await up(target);
      const { file } = specimen.write(first);
      const text = filesOf([first])[file] ?? "";
      const windows = `\ufeff${text.replace(/\n/g, "\r\n")}`;
      writeFiles(folder, { ...filesOf([first, second]), [file]: windows });
      expect((await up(target)).steps.map(({ revision }) => revision)).toEqual(ids([second]));

      writeFiles(folder, { [file]: text.replace("id int", "id bigint") });
      const { codes, problems } = await refusalOf(up(target));
      expect(codes).toEqual(["PLAN_EDITED"]);
      expect(problems[0]?.message).toContain(ids([first])[0]);
    });

    const index = (name: string) =>
      `create table ${name} (id int);\ncreate index concurrently ${name}_i on ${name} (id);\ninsert into ${name} values (1);`;

    test("an index is built concurrently without any mark", async ({ db }) => {
      const { target } = await place(db, filesOf(withTexts({ up: index("plain_i") })));
      await up(target);
      expect(await indexesIn(db)).toEqual(["plain_i_i true"]);
      expect(await db.sql("select id from plain_i")).toHaveLength(1);
      expect((await up(target)).steps).toEqual([]);
    });

    lawUnless(without.mark)(`the tool's mark means one statement after the other`, async ({ db }) => {
      const twice = "insert into tx select txid_current();\ninsert into tx select txid_current();";
      const { target } = await place(
        db,
        filesOf(
          withTexts(
            { up: "create table tx (id bigint);" },
            { up: twice, marked: true },
            { up: index("marked_i"), marked: true },
            { up: twice },
          ),
        ),
      );
      await up(target);
      expect(await indexesIn(db)).toEqual(["marked_i_i true"]);
      expect(await db.sql("select count(*)::int as n from tx group by id order by n")).toEqual([
        { n: 1 },
        { n: 1 },
        { n: 2 },
      ]);
      expect((await up(target)).steps).toEqual([]);
    });

    test("transactions of a file's own work, exactly once", async ({ db }) => {
      const { target } = await place(
        db,
        filesOf(
          withTexts(
            { up: "begin;\ncreate table counted (n int);\ninsert into counted values (1);\ncommit;" },
            {
              up: "BEGIN;\ninsert into counted values (2);\nCOMMIT;\nBEGIN;\ninsert into counted values (3);\nCOMMIT;",
            },
          ),
        ),
      );
      await up(target);
      expect((await up(target)).steps).toEqual([]);
      expect(await db.sql("select n from counted order by n")).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
    });

    test("temporary tables and settings of the session reach from one of its transactions to the next", async ({
      db,
    }) => {
      const up1 = `create schema aside;
begin;
select pg_catalog.set_config('search_path', 'aside, public', false);
create temporary table kept as select 1 as n;
commit;
begin;
create table counted as select n from kept;
commit;`;
      const { target } = await place(db, filesOf(withTexts({ up: up1 })));
      await up(target);
      expect(await db.sql("select n from aside.counted")).toEqual([{ n: 1 }]);
      expect(await db.sql("select to_regclass('kept') as gone")).toEqual([{ gone: null }]);
    });

    test("bodies in dollars, strings and comments hide what looks like the end of a statement", async ({
      db,
    }) => {
      const body = `create function f() returns text language plpgsql as $body$
begin
  -- a comment; with one
  return 'a;b';
end;
$body$;
create table made as select f() as f, 'x;
y' as t; /* last; */`;
      const { target } = await place(db, filesOf(withTexts({ up: specimen.fenced?.(body) ?? body })));
      await up(target);
      expect(await db.sql("select f, t from made")).toEqual([{ f: "a;b", t: "x;\ny" }]);
    });

    test("an error names the file and the place in it, on the way up and back, and keeps nothing", async ({
      db,
    }) => {
      const broken = withTexts(
        {},
        { up: "create table ok (id int);\n\n  insert into ok (nope)\n  values ('ä');" },
      );
      const { folder, target } = await place(db, filesOf(broken));
      const before = await refusalOf(up(target));
      const { file } = specimen.write(broken[1] as Draft);
      expect(before.error).toMatchObject({
        code: "STEP_FAILED",
        place: { file, ...placeIn(filesOf(broken)[file], "nope") },
      });
      expect(await appliedIn(db)).toEqual(ids(broken).slice(0, 1));
      expect(await db.sql("select to_regclass('ok') as ok")).toEqual([{ ok: null }]);
      if (without.back !== undefined) return;

      rmSync(folder, { recursive: true });
      const back = withTexts({}, { down: "select 'ä';\ndrop table\n  s1, nowhere;" });
      writeFiles(folder, filesOf(back));
      await up(target);
      const { downFile = "" } = specimen.write(back[1] as Draft);
      const after = await refusalOf(migrate(target, down("-1"), recorder()));
      expect(after.error).toMatchObject({ code: "STEP_FAILED", place: { file: downFile } });
      expect(after.error.place?.line).toBe(placeIn(filesOf(back)[downFile], "drop table").line);
      expect(await appliedIn(db)).toEqual(ids(back));
      expect(await db.sql("select id from s1")).toEqual([{ id: 1 }]);
    });

    test("a folder that is missing, a file, empty or another's is refused by name", async ({ db }) => {
      const parent = folderOf({ "file.sql": "select 1;", "empty/README.md": "" });
      mkdirSync(join(parent, "really-empty"));
      for (const [name, says] of [
        ["missing", /^SOURCE_FOLDER_MISSING/],
        ["file.sql", /^SOURCE_FOLDER_UNREADABLE/],
        ["empty", /^(?:SOURCE_FOLDER_EMPTY|LAYOUT_REFUSED)/],
        ["really-empty", /^(?:SOURCE_FOLDER_EMPTY|LAYOUT_REFUSED)/],
      ] as const) {
        const said = await refusedBy(db, await targetIn(db, join(parent, name), specimen));
        expect(said).toMatch(says);
        expect(said).toContain(join(parent, name));
      }
      for (const [what, files, says] of specimen.foreign) {
        const { folder, target } = await place(db, files);
        const said = await refusedBy(db, target);
        expect(said, what).toContain(folder);
        expect(said, what).toMatch(says);
      }
    });

    test("a file that cannot be read is refused by name, before anything runs", async ({ db }) => {
      const some = drafts.slice(0, 2);
      const { file } = specimen.write(some[1] as Draft);
      const { folder, target } = await place(db, filesOf(some));
      const path = join(folder, file);
      const contents: readonly (readonly [RegExp, () => void])[] = [
        [/is not UTF-8/, () => writeFileSync(path, Buffer.from("select 'Gr\xfc\xdfe';\n", "latin1"))],
        [/UTF-16/, () => writeFileSync(path, Buffer.from(`\ufeff${filesOf(some)[file]}`, "utf16le"))],
        [/NUL/, () => writeFileSync(path, `${filesOf(some)[file]}\n-- \0`)],
        [/cannot be read/, () => symlinkSync(join(folder, "nowhere"), path)],
      ];
      for (const [says, write] of contents) {
        rmSync(path);
        write();
        const said = await refusedBy(db, target);
        expect(said).toMatch(says);
        expect(said).toContain(file);
      }
    });

    lawUnless(without.duplicate)(
      `two that the tool cannot tell apart are refused by name`,
      async ({ db }) => {
        const two = specimen.duplicate as readonly [Draft, Draft];
        const { target } = await place(db, filesOf(two));
        const said = await refusedBy(db, target);
        for (const draft of two) expect(said).toContain(specimen.write(draft).file);
      },
    );

    for (const [what, files, says, file] of specimen.broken ?? [])
      test(`${what} is refused by name`, async ({ db }) => {
        const { target } = await place(db, files);
        const said = await refusedBy(db, target);
        expect(said).toMatch(says);
        expect(said).toContain(file);
      });
  });
}

async function targetIn(db: TestDatabase, folder: string, { layout, options }: Specimen): Promise<Target> {
  const source = openInPlace(await loadLayout(layout), folder, {
    placeholders: {},
    environment: {},
    ...options,
  });
  return { ...targetOf({ url: db.url, folder }), source };
}

/** Everything that was said, with the first code in front; nothing may have been changed. */
async function refusedBy(db: TestDatabase, target: Target): Promise<string> {
  const before = await stateOf(db.admin);
  const { problems } = await refusalOf(up(target));
  expect(await stateOf(db.admin)).toEqual(before);
  for (const { message, hint } of problems) {
    expect(message, "a sentence").toMatch(/\.$/);
    expect(hint, `the next step after: ${message}`).toBeTruthy();
  }
  return problems.map(({ code, message, place }) => `${code} ${message} ${place?.file ?? ""}`).join("\n");
}

async function indexesIn(db: TestDatabase): Promise<string[]> {
  const rows = await db.sql(`select relname, indisvalid from pg_index join pg_class c on c.oid = indexrelid
    where relnamespace = 'public'::regnamespace order by relname`);
  return rows.map(({ relname, indisvalid }) => `${relname} ${indisvalid}`);
}

/** Line and column of the first occurrence, from 1. */
function placeIn(text: string | undefined, word: string): { line: number; column: number } {
  const before = (text ?? "").slice(0, text?.indexOf(word)).split("\n");
  return { line: before.length, column: [...(before.at(-1) ?? "")].length + 1 };
}

/** A law about what the tool does not have is none. */
function lawUnless(reason: string | undefined): typeof test | (() => void) {
  return reason === undefined ? test : () => {};
}
