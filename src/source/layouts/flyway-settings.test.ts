// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is how Flyway writes placeholders
import { expect, test } from "vitest";
import { createFolder } from "../folder.fixture.ts";
import { flyway } from "./flyway.ts";
import { openInPlace } from "./in-place.ts";
import type { LayoutOptions } from "./layout.ts";

async function open(files: Readonly<Record<string, string>>, options: Partial<LayoutOptions> = {}) {
  const source = openInPlace(flyway, createFolder(files), { placeholders: {}, environment: {}, ...options });
  const { migrations, problems } = await source.list();
  const broken = migrations.flatMap(({ problem }) => problem ?? []);
  return {
    ids: migrations.map(({ id }) => id),
    wrong: [...problems, ...broken].map(({ message }) => message),
    text: async (id: string) => {
      const migration = migrations.find((each) => each.id === id);
      const content = migration && (await source.read(migration, "up"));
      return content?.kind === "sql" ? content.text : null;
    },
  };
}

const CONF =
  "# ours\nflyway.placeholderPrefix=@{\nflyway.placeholderSuffix=}@\nflyway.placeholders.Who=conf\n";
const TOML = `[environments.default]\nurl = "jdbc:postgresql://x/y"\n[flyway]\nplaceholderPrefix = "@{" # so\nplaceholderSuffix = '}@'\n[flyway.placeholders]\nWho = "conf"\n`;

test.each([
  ["flyway.conf", CONF],
  ["conf/flyway.conf", CONF],
  ["flyway.toml", TOML],
])("placeholders are written as the configuration says, and have its values: %s", async (name, text) => {
  const files = {
    [name]: text,
    "V1__a.sql": "select '@{who}@', '${who}', '@{flyway:filename}@';",
  };
  const one = await open(files);
  expect(one.wrong).toEqual([]);
  expect(await one.text("V1__a")).toBe("select 'conf', '${who}', 'V1__a.sql';");
  // The environment overrides the file, and our own configuration overrides both.
  const two = await open(files, { environment: { FLYWAY_PLACEHOLDERS_WHO: "env" } });
  expect(await two.text("V1__a")).toContain("'env'");
  const three = await open(files, {
    environment: { FLYWAY_PLACEHOLDERS_WHO: "env" },
    placeholders: { who: "me" },
  });
  expect(await three.text("V1__a")).toContain("'me'");
  const missing = await open({ ...files, "V2__b.sql": "select '@{nobody}@'" });
  expect(missing.wrong).toEqual([expect.stringContaining("@{nobody}@")]);
});

test("placeholders can be off for all files, and on for one", async () => {
  const { wrong, text } = await open({
    "flyway.conf": "flyway.placeholderReplacement=false\nflyway.placeholders.x=y",
    "V1__a.sql": "select '${x}', '${z}';",
    "V2__b.sql": "select '${x}';",
    "V2__b.sql.conf": "placeholderReplacement=true",
  });
  expect(wrong).toEqual([]);
  expect(await text("V1__a")).toBe("select '${x}', '${z}';");
  expect(await text("V2__b")).toBe("select 'y';");
});

test("prefixes, separator and suffixes are those of the configuration", async () => {
  const { ids, wrong } = await open(
    {
      "flyway.toml": `[flyway]\nsqlMigrationPrefix = "M"\nrepeatableSqlMigrationPrefix = "MR"\nsqlMigrationSuffixes = [".sql", ".psql"]\n`,
      "M2--two.sql": "",
      "M1--one.psql": "",
      "MR--view.sql": "",
      "V3__other.sql": "",
    },
    { environment: { FLYWAY_SQL_MIGRATION_SEPARATOR: "--" } },
  );
  expect([ids, wrong]).toEqual([["M1--one", "M2--two", "MR--view"], []]);
});

test.each([
  ["flyway.encoding=ISO-8859-1", "encoding=ISO-8859-1"],
  ["flyway.cherryPick=2", "cherryPick=2"],
  ["flyway.initSql=set role owner", "initSql=set role owner"],
  ["flyway.callbacks=com.example.Audit", "callbacks=com.example.Audit"],
  ["flyway.callbackLocations=filesystem:hooks", "callbackLocations=filesystem:hooks"],
  ["flyway.executeInTransaction=false", "executeInTransaction=false"],
  ["flyway.resolvers=com.example.Mine", "resolvers=com.example.Mine"],
  ["flyway.skipDefaultResolvers=true", "skipDefaultResolvers=true"],
  ["flyway.locations=filesystem:sql,filesystem:more", "locations=filesystem:sql,filesystem:more"],
])("what would make another run of it is refused by name: %s", async (line, says) => {
  const { wrong } = await open({ "flyway.conf": line, "V1__a.sql": "" });
  expect(wrong).toEqual([expect.stringContaining(says)]);
});

test("a value of TOML in another form than is read here is refused by name", async () => {
  const { wrong } = await open({ "flyway.toml": '[flyway]\nplaceholders = { a = "b" }\n', "V1__a.sql": "" });
  expect(wrong).toEqual([expect.stringContaining("the value of flyway.placeholders is neither")]);
});

test("where Flyway stops, and what it passes over on a database that is not empty, is refused by name", async () => {
  const files = { "V1__a.sql": "", "V2__b.sql": "", "V3__c.sql": "" };
  expect((await open({ ...files, "flyway.conf": "flyway.target=2" })).wrong).toEqual([
    expect.stringMatching(/^V3__c\.sql .*target=2/),
  ]);
  const passed = await open({
    ...files,
    "flyway.conf": "flyway.baselineOnMigrate=true\nflyway.baselineVersion=2.0",
  });
  expect(passed.wrong).toEqual([
    expect.stringMatching(/^V1__a\.sql .*baselineOnMigrate/),
    expect.stringMatching(/^V2__b\.sql .*baselineOnMigrate/),
  ]);
  expect(
    (await open({ ...files, "flyway.conf": "flyway.outOfOrder=true\nflyway.group=true" })).wrong,
  ).toEqual([]);
});

test("another default schema is refused until our search_path has it in front", async () => {
  const files = { "V1__a.sql": "", "flyway.conf": "flyway.schemas=app,other" };
  expect((await open(files, { searchPath: null })).wrong).toEqual([
    expect.stringContaining("in the schema app"),
  ]);
  expect((await open(files, { searchPath: ["other"] })).wrong).toHaveLength(1);
  expect((await open(files, { searchPath: ["app", "public"] })).wrong).toEqual([]);
  expect((await open({ ...files, "flyway.conf": "" }, { searchPath: null })).wrong).toEqual([]);
});

test("callbacks that Flyway is told to skip are skipped", async () => {
  const files = { "V1__a.sql": "", "afterMigrate.sql": "select 1" };
  expect((await open(files)).wrong).toHaveLength(1);
  expect((await open({ ...files, "flyway.conf": "flyway.skipDefaultCallbacks=true" })).wrong).toEqual([]);
});

test.each([
  ["executeInTransaction=no", "executeInTransaction=no"],
  ["group=true", "group=true"],
  ["shouldExecute=${x}==1", "shouldExecute"],
])("in the file of a script: %s", async (line, says) => {
  const { wrong } = await open({ "V1__a.sql": "", "V1__a.sql.conf": line });
  expect(wrong).toEqual([expect.stringContaining(says)]);
});
