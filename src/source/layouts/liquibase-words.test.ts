// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is how Liquibase writes properties
import { expect, test } from "vitest";
import { openInPlace } from "./in-place.ts";
import { openLayout } from "./layout.fixture.ts";
import { liquibase } from "./liquibase.ts";
import { expand } from "./liquibase-properties.ts";

const HEAD = "--liquibase formatted sql\n";
const changelog = (inside: string, attributes = "") =>
  `<databaseChangeLog${attributes}>${inside}</databaseChangeLog>`;
const sql = (id: string, text: string) => `${HEAD}--changeset me:${id}\n${text}\n`;
const NOTHING = { placeholders: {}, environment: {} };

test("a property counts where its dbms is ours, in its own file if it is not global, and behind its place", async () => {
  const { up, wrong } = await openLayout(liquibase, {
    "changelog.xml": changelog(
      `<include file="early.sql"/>
       <property name="x" value="oracle" dbms="oracle"/><property name="x" value="any" dbms="!oracle"/>
       <property name="own" value="of the list" global="false"/>
       <property name="where" value="\${x}/\${deep}"/><property name="deep" value="deeper"/>
       <include file="a.sql"/><include file="b.sql"/>`,
    ),
    "early.sql": sql("0", "select '${x}';"),
    "a.sql": `${HEAD}--property name:own value:first global:false\n--property name:own value: last global:false\n--property name:only value:h2 dbms:h2\n--changeset me:1\nselect '\${X}', '\${own}', '\${only}', '\${where}', '\${database.typeName}';\n--changeset me:2\nselect '\${late}';\n--property name:late value:seen\n--changeset me:3\nselect '\${later}';\n`,
    "b.sql": `${sql("1", "select '${own}', '${a${x}}';")}--property name:later value:no\n`,
  });
  expect(wrong).toEqual([]);
  expect(await up("early.sql::0::me")).toBe("select '${x}';\n");
  expect(await up("a.sql::1::me")).toBe("select 'any', 'last', '${only}', 'any/deeper', 'postgresql';\n");
  expect(await up("a.sql::2::me")).toContain("select 'seen';");
  expect(await up("a.sql::3::me")).toBe("select '${later}';\n");
  expect(await up("b.sql::1::me")).toContain("select '${own}', '${a${x}}';");
});

test("names within names, circles and open ends are what the tool makes of them", () => {
  const scope = {
    global: [
      { name: "ab", value: "yes" },
      { name: "c", value: "b" },
      { name: "loop", value: "${loop}" },
    ],
    local: [],
  };
  const of = (text: string) => expand(text, scope, { given: {}, environment: {} }).text;
  expect(of("$${AB} ${a${c}} ${ c } ${:c} ${none} ${open")).toBe("$yes yes b ${c} ${none} ${open");
  expect(of("${loop}")).toBe("${loop}");
});

test.each([
  ["--property name:x value:y context:test", "depends on its context"],
  ["--property name:x value:y labels:a", "depends on its labels"],
  ["--property name:x value:y global:no", "has global:no"],
  ['--property name:x value:"a b"', "has quotes"],
  ["--property name:x", "has no name or no value"],
  ["--include file:b.sql", "includes other files"],
])("a line that would be read in another way is refused: %s", async (line, why) => {
  const { wrong } = await openLayout(liquibase, { "a.sql": `${HEAD}${line}\n--changeset me:1\nselect 1;\n` });
  expect(wrong).toEqual([expect.stringContaining(why)]);
});

test.each([
  "runOnChange:yes",
  "runInTransaction:no",
  'runInTransaction:"false"',
  "runInTransaction: false",
  "ignore:${x}",
  "splitStatements:0",
  'dbms:"postgresql"',
  "dbms:${db}",
  'logicalFilePath:"a/b.sql"',
])("an attribute that Liquibase reads in another way than it looks is refused: %s", async (attribute) => {
  const { wrong } = await openLayout(liquibase, {
    "a.sql": `${HEAD}--changeset me:1 ${attribute}\nselect 1;\n`,
  });
  expect(wrong).toEqual([expect.stringMatching(/^LAYOUT_REFUSED a\.sql .* the changeset 1 of me has /)]);
});

test.each([
  '<property name="x" value="y" context="test"/>',
  '<property name="x" value="y" global="maybe"/>',
  '<property file="x.properties"/>',
  '<include file="a.sql" ignore="true"/>',
  '<include file="a.sql" contextFilter="test"/>',
  '<include file="a.sql" logicalFilePath="x"/>',
  '<includeAll path="sub" filter="com.example.Mine"/>',
  '<includeAll path="sub" resourceComparator="com.example.Mine"/>',
  '<includeAll path="sub" maxDepth="all"/>',
  '<includeAll path="sub" minDepth="3" maxDepth="2"/>',
  '<include file="a.sql" relativeToChangelogFile="yes"/>',
])("what a list says and is not done here is refused by name: %s", async (item) => {
  const { wrong } = await openLayout(liquibase, {
    "changelog.xml": changelog(`<include file="b.sql"/>${item}`),
    "a.sql": sql("a", "select 1;"),
    "b.sql": sql("b", "select 1;"),
    "sub/c.sql": sql("c", "select 1;"),
  });
  expect(wrong).toEqual([expect.stringMatching(/^LAYOUT_REFUSED changelog\.xml .*, which is not read/)]);
});

const BOMB = `<!DOCTYPE databaseChangeLog [<!ENTITY a "${"x".repeat(99)}">${Array.from(
  "abcdefgh",
  (name, at) => (at === 0 ? "" : `<!ENTITY ${name} "${`&${"abcdefgh"[at - 1]};`.repeat(99)}">`),
).join("")}]>`;

test.each([
  ["entities made of entities", BOMB + changelog('<include file="&h;"/>'), "Named entity isn't defined"],
  [
    "a document type",
    `<!DOCTYPE a SYSTEM "a.dtd">${changelog('<include file="a.sql"/>')}`,
    "a document type",
  ],
  ["a tag without its end", changelog('<include file="a.sql">'), "Missing end tag for element include"],
  ["the end missing", '<databaseChangeLog><include file="a.sql"/>', "databaseChangeLog (line 1"],
  ["elements without a bottom", changelog("<x>".repeat(50_000)), "XML that cannot be read"],
  ["a comment without an end", changelog(`${"<!--".repeat(50_000)}`), "XML that cannot be read"],
])("an XML changelog that is not read whole is refused, never passed over: %s", async (_, xml, why) => {
  const { wrong } = await openLayout(liquibase, { "changelog.xml": xml, "a.sql": sql("a", "select 1;") });
  expect(wrong).toEqual([expect.stringMatching(/^LAYOUT_REFUSED changelog\.xml /)]);
  expect(wrong[0]).toContain(why);
});

test("XML says what XML means: characters by number, both quotes, text without meaning, names of other spaces", async () => {
  const { wrong, ids } = await openLayout(liquibase, {
    "changelog.xml": `\ufeff<?xml version="1.0" encoding="UTF-8"?>\n<!-- <include file="no.sql"/> -->
      <databaseChangeLog xmlns="x" xmlns:xsi="y" xsi:schemaLocation="x >y">
      <![CDATA[<include file="no.sql"/>]]><include file='a&#45;&#x31;.sql'\n relativeToChangelogFile = "true"/></databaseChangeLog>`,
    "a-1.sql": sql("a", "select 1;"),
  });
  expect([wrong, ids]).toEqual([[], ["a-1.sql::a::me"]]);
});

test("a condition of the whole changelog is refused; its logical path is what its changesets are known by", async () => {
  const { wrong, ids, migrations } = await openLayout(liquibase, {
    "changelog.xml": changelog(
      '<changeSet id="1" author="me"/><changeSet id="2" author="me" dbms="oracle"/><changeSet id="3" author="me" ignore="true"/><include file="a.sql"/>',
      ' logicalFilePath="old.xml" contextFilter="test"',
    ),
    "a.sql": sql("a", "select 1;"),
  });
  expect(ids).toEqual(["old.xml::1::me", "a.sql::a::me"]);
  expect(migrations[0]?.tool?.columns).toMatchObject({ filename: "old.xml" });
  expect(wrong).toEqual([expect.stringContaining("contextFilter"), expect.stringContaining("is not SQL")]);
});

test("includeAll stays within its depths, and says when it finds nothing", async () => {
  const files = {
    "sub/1.sql": sql("1", "select 1;"),
    "sub/x/2.sql": sql("2", "select 2;"),
    "sub/x/y/3.sql": sql("3", "select 3;"),
  };
  const of = async (attributes: string) => {
    const { ids, wrong } = await openLayout(liquibase, {
      ...files,
      "changelog.xml": changelog(`<includeAll path="sub" ${attributes}/>`),
    });
    return wrong.length > 0 ? wrong : ids.map((id) => id.split("::")[1]);
  };
  expect(await of("")).toEqual(["1", "2", "3"]);
  expect(await of('maxDepth="1"')).toEqual(["1"]);
  expect(await of('minDepth="2" maxDepth="2"')).toEqual(["2"]);
  expect(await of('minDepth="9"')).toEqual([expect.stringContaining("nothing there is a changelog")]);
  expect(await of('minDepth="9" errorIfMissingOrEmpty="false"')).toEqual([]);
});

test("a file that need not be there is left out", async () => {
  const { ids, wrong } = await openLayout(liquibase, {
    "changelog.xml": changelog('<include file="gone.sql" errorIfMissing="false"/><include file="a.sql"/>'),
    "a.sql": sql("a", "select 1;"),
  });
  expect([ids, wrong]).toEqual([["a.sql::a::me"], []]);
});

test("a file above the folder is known by the path that liquibase.properties lets it have, or refused", async () => {
  const files = {
    "shared/b.sql": sql("b", "select '${who}';"),
    "db/changelog.xml": changelog(
      '<include file="../shared/b.sql" relativeToChangelogFile="true"/><include file="a.sql" relativeToChangelogFile="true"/>',
    ),
    "db/a.sql": sql("a", "select 1;"),
  };
  const { folder } = await openLayout(liquibase, { "a.sql": sql("z", "select 1;"), ...files });
  const { problems } = await openInPlace(liquibase, `${folder}/db`, NOTHING).list();
  expect(problems.map(({ message }) => message)).toEqual([
    expect.stringContaining(
      "../shared/b.sql cannot be run as a folder of liquibase: it lies above the folder",
    ),
  ]);
  // The remedy that the hint suggests.
  const { folder: told } = await openLayout(liquibase, {
    "a.sql": sql("z", "select 1;"),
    ...files,
    "liquibase.properties":
      "# where\nchangeLogFile: db/changelog.xml\nurl=jdbc:postgresql://x/y\nparameter.who = me\n",
  });
  const source = openInPlace(liquibase, `${told}/db`, NOTHING);
  const { migrations, problems: none } = await source.list();
  expect(none).toEqual([]);
  expect(migrations.map(({ id, tool }) => [id, tool?.columns?.filename])).toEqual([
    ["../shared/b.sql::b::me", "shared/b.sql"],
    ["a.sql::a::me", "db/a.sql"],
  ]);
  const [first] = migrations;
  expect(first && (await source.read(first, "up"))).toMatchObject({ text: "select 'me';\n" });
});

test("what the environment, Java or the connection would fill in must be given", async () => {
  const { folder } = await openLayout(liquibase, {
    "a.sql": `${HEAD}--property name:stage value:no\n--changeset me:1\nselect '\${Stage}', '\${user.name}', '\${database.defaultSchemaName}';\n`,
  });
  const list = async (placeholders: Record<string, string>) => {
    const source = openInPlace(liquibase, folder, { placeholders, environment: { STAGE: "prod" } });
    return (await source.list()).migrations[0]?.problem;
  };
  expect(await list({})).toMatchObject({ code: "SOURCE_PLACEHOLDER", details: { name: "Stage" } });
  expect(
    await list({ stage: "s", "user.name": "me", "database.defaultSchemaName": "public" }),
  ).toBeUndefined();
});
