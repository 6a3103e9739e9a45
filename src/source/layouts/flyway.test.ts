// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is how Flyway writes placeholders
import { expect, test } from "vitest";
import { SourceError } from "../../errors.ts";
import { flyway } from "./flyway.ts";
import { openLayout, SPECIMENS } from "./layout.fixture.ts";

const NOTHING = { placeholders: {}, environment: {} };

test("versions count as numbers, part by part and of any size; repeatables come last, by name", async () => {
  const names = [
    "R__b_view.sql",
    "V2__two.sql",
    "V1_10__ten.sql",
    "deep/er/V1_9__nine.SQL",
    "R__B.sql",
    "V1__one.sql",
    "V20250101120000123456789.1__long.sql",
    "V3.sql",
    ".hidden/V9__hidden.sql",
    "U2__undo.sql",
    "Vx__no.sql",
    "v4__small.sql",
    "README.md",
  ];
  const { ids, wrong, migrations } = await openLayout(
    flyway,
    Object.fromEntries(names.map((name) => [name, "select 1"])),
  );
  expect(wrong).toEqual([]);
  expect(ids).toEqual([
    "V1__one",
    "V1_9__nine",
    "V1_10__ten",
    "V2__two",
    "V3",
    "V20250101120000123456789.1__long",
    "R__B",
    "R__b_view",
  ]);
  expect(migrations[1]).toMatchObject({
    kind: "sql",
    tool: { version: "1.9", columns: { script: "deep/er/V1_9__nine.SQL", description: "nine", type: "SQL" } },
  });
  expect(migrations.at(-1)).toMatchObject({
    kind: "repeatable",
    tool: { version: "b view", columns: { version: null } },
  });
});

test("the checksum is Flyway's, whatever the line ends", async () => {
  const { migrations } = await openLayout(
    flyway,
    Object.fromEntries(
      Object.values(SPECIMENS).map((bytes, index) => [`V${index + 1}__${index}.sql`, bytes]),
    ),
  );
  expect(migrations.map(({ tool }) => tool?.checksums)).toEqual([
    ["169406234"],
    ["169406234"],
    ["169406234"],
    ["-587633184"],
    ["0"],
  ]);
});

test("one version twice is refused, however it is written", async () => {
  const { wrong } = await openLayout(flyway, {
    "V1__a.sql": "select 1",
    "sub/V1.0__b.sql": "select 1",
    "V01__c.sql": "select 1",
    "R__x.sql": "select 1",
    "sub/R__x.sql": "select 2",
  });
  expect(wrong).toEqual([
    expect.stringMatching(/^SOURCE_DUPLICATE_ID .* both have version 1/),
    expect.stringMatching(/^SOURCE_DUPLICATE_ID .* both have version 1/),
    expect.stringMatching(/^SOURCE_DUPLICATE_ID .*R__x.sql and sub\/R__x.sql/),
  ]);
});

test("placeholders are filled in, in any case of letters; a repeatable is what it becomes", async () => {
  const files = {
    "R__view.sql": "create view v as select '${Tenant}', '${flyway:filename}'",
    "V1__a.sql": "select '${tenant}'",
  };
  const [one, two] = [
    await openLayout(flyway, files, { tenant: "one" }),
    await openLayout(flyway, files, { TENANT: "two" }),
  ];
  expect(await one.up("R__view")).toBe("create view v as select 'one', 'R__view.sql'");
  const sums = ({ migrations }: typeof one) => migrations.map(({ checksum }) => checksum);
  expect(sums(one)[0]).toBe(sums(two)[0]);
  expect(sums(one)[1]).not.toBe(sums(two)[1]);
  expect(one.migrations[1]?.tool?.checksums).toHaveLength(2);
});

test("a placeholder without a value is refused with its place, as Flyway does", async () => {
  const { migrations } = await openLayout(flyway, {
    "V1__a.sql": "select 1;\n-- ${nobody}\nselect '${flyway:user}'",
    "V2__b.sql": "select '${x}'",
    "V2__b.sql.conf": "# settings\nplaceholderReplacement = false\nexecuteInTransaction=false\n",
  });
  expect(migrations[0]?.problem).toMatchObject({
    code: "SOURCE_PLACEHOLDER",
    place: { file: "V1__a.sql", line: 2, column: 4 },
    details: { name: "nobody", others: [{ place: { line: 3 }, details: { name: "flyway:user" } }] },
  });
  expect(migrations[1]).toMatchObject({ settings: { transaction: false } });
  expect(migrations[1]?.problem).toBeUndefined();
});

test("a baseline migration is taken only where the versions that it stands for are gone", async () => {
  const kept = { "V1__a.sql": "", "V2__b.sql": "", "B2__all.sql": "", "V3__c.sql": "" };
  expect((await openLayout(flyway, kept)).ids).toEqual(["V1__a", "V2__b", "V3__c"]);
  const gone = { "B1__old.sql": "", "B2__all.sql": "", "V3__c.sql": "" };
  const { ids, migrations } = await openLayout(flyway, gone);
  expect(ids).toEqual(["B2__all", "V3__c"]);
  expect(migrations[0]?.tool?.columns).toMatchObject({ type: "SQL_BASELINE", version: "2" });
});

test("what Flyway would run and we cannot is refused by name", async () => {
  const { wrong } = await openLayout(flyway, {
    "V1__a.sql": "select 1",
    "V2__Seed.java": "class",
    "V3__x.sh": "#!",
    "V4__x.sql": "select 1",
    "V4__x.sql.conf": "encoding=ISO-8859-1",
    "afterMigrate__grants.sql": "grant select on all tables in schema public to reader",
    "beforeEachMigrate.sql": "-- nothing\n",
    "afterInfo.sql": "select 1",
    "beforeClean.sql": "select 1",
  });
  expect(wrong).toEqual([
    expect.stringContaining("afterMigrate__grants.sql cannot be run as a folder of flyway: it is a callback"),
    expect.stringContaining("V2__Seed.java"),
    expect.stringContaining("V3__x.sh"),
    expect.stringContaining("encoding=ISO-8859-1"),
  ]);
});

test("classes that Maven keeps elsewhere share the versions", async () => {
  const { folder } = await openLayout(flyway, {
    "src/main/resources/db/migration/V1__a.sql": "select 1",
    "src/main/java/db/migration/V2__B.java": "class",
  });
  const { entries } = flyway.discover(`${folder}/src/main/resources/db/migration`, NOTHING);
  expect(entries.map(({ id, problem }) => [id, problem?.code])).toEqual([
    ["V1__a", undefined],
    ["V2__B", "LAYOUT_REFUSED"],
  ]);
});

test("a folder without migrations is refused", () => {
  expect(() => flyway.discover("/nowhere", NOTHING)).toThrow(SourceError);
  expect(() => flyway.discover(import.meta.dirname, NOTHING)).toThrow(/no V<version>__<name>.sql/);
});
