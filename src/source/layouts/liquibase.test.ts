// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is how Liquibase writes properties
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { openLayout, SPECIMENS } from "./layout.fixture.ts";
import { liquibase } from "./liquibase.ts";
import { checksumsOf } from "./liquibase-checksums.ts";

const HEAD = "--liquibase formatted sql\n";

test("checksums are the tool's, of both versions in use", async () => {
  const { migrations } = await openLayout(liquibase, {
    "a.sql": `${HEAD}--changeset me:1\n${SPECIMENS.A}\n--changeset me:2\n--comment not counted\n${SPECIMENS.B}`,
  });
  expect(migrations.map(({ tool }) => tool?.checksums)).toEqual([
    ["9:ffdfec4b8f8dc5a69b32af0738e7624d", "8:70342a41caa59aba4d633c8422e70387"],
    ["9:f7d1d3fdafc58d345ec6fe1e66bc1b55", "8:c193969f4e24f3cbddd76bd010d66878"],
  ]);
  // A changeset's checksum covers its one change, with the version before both.
  const of = (change: string) => `${change[0]}:${createHash("md5").update(`${change}:`).digest("hex")}`;
  expect(migrations.map(({ tool }) => tool?.checksums)).toEqual([
    [of("9:93f673bc5ee028c3f9179fdd27b1ea59"), of("8:3e2eb2ea1d01a6f043e2e6046568cbf2")],
    [of("9:19dee25584c9eb1a9e403c7573397142"), of("8:b4ee058e66ca4b302c2f399ceacccac7")],
  ]);
  expect(checksumsOf("select 1", new Map([["stripcomments", "false"]]))).toEqual([
    "9:3b78b9910981c62ca27148640fad7bc2",
    "8:551a6b5455d661ce7101a063b818ca3e",
  ]);
});

test("a changeset is the slice of its file, known by path, id and author", async () => {
  const { ids, wrong, up, down, migrations } = await openLayout(liquibase, {
    "sub/b.sql": `${HEAD}\n--changeset "Jane Doe":"add t" runInTransaction:false\ncreate table t ();\n--rollback drop table t;\n`,
    "a.sql": `-- liquibase formatted sql logicalFilePath:x/y.sql\nignored();\n-- changeset me:1 labels:"" dbms:postgresql,h2\nselect 1;\n--rollback not required\n--changeset me:2 dbms:oracle\nselect 2;\n--changeset me:3 dbms:!mysql\n--ignoreLines:2\nnonsense(;\nnonsense;\nselect 3;\n--ignoreLines:start\nnonsense(;\n--ignoreLines:end\n/* liquibase rollback\nselect 4;\n*/\n`,
  });
  expect(wrong).toEqual([]);
  expect(ids).toEqual(["x/y.sql::1::me", "x/y.sql::3::me", "sub/b.sql::add t::Jane Doe"]);
  expect(migrations.map(({ revertible }) => revertible)).toEqual([true, true, true]);
  expect((await up("x/y.sql::3::me")).replace(/\s*\n\s*/g, "\n")).toBe(
    "--ignoreLines:2\nselect 3;\n--ignoreLines:start\n--ignoreLines:end\n/* liquibase rollback\nselect 4;\n*/\n",
  );
  expect((await down("x/y.sql::1::me")).trim()).toBe("");
  expect((await down("x/y.sql::3::me")).trim()).toBe("select 4;");
  expect((await down("sub/b.sql::add t::Jane Doe")).trim()).toBe("drop table t;");
  expect(migrations[2]).toMatchObject({
    file: "sub/b.sql",
    settings: { transaction: false },
    tool: {
      version: "sub/b.sql::add t::Jane Doe",
      columns: { filename: "sub/b.sql", author: "Jane Doe", id: "add t" },
    },
  });
});

test("another delimiter becomes a semicolon of the same width, outside of strings", async () => {
  const { up } = await openLayout(liquibase, {
    "a.sql": `${HEAD}--changeset me:1 endDelimiter://\nselect 'http://x' //\nselect 2\n//\n--changeset me:2\nselect 1\nGO\nselect 2\n--changeset me:3 endDelimiter:end_of splitStatements:true\nselect 'end_of', 1 end_of\n`,
  });
  expect(await up("a.sql::1::me")).toBe("select 'http://x' ; \nselect 2\n; \n");
  expect(await up("a.sql::2::me")).toBe("select 1\n; \nselect 2\n");
  expect(await up("a.sql::3::me")).toBe("select 'end_of', 1 ;     \n");
});

test("properties are filled in, the first value counts, what is given counts more; others stay", async () => {
  const text = `${HEAD}--property name:t value:one\n--property name:t value:two\n--property name:u value:x\n--changeset me:1\nselect '\${t}', '\${u}', '\${nobody}', '\${:t}';\n`;
  const { up, wrong } = await openLayout(liquibase, { "a.sql": text }, { u: "given" });
  expect(wrong).toEqual([]);
  expect(await up("a.sql::1::me")).toBe("select 'one', 'given', '${nobody}', '${t}';\n");
});

test.each([
  ["context:test", ""],
  ["labels:a,b", ""],
  ["runAlways:true", ""],
  ["failOnError:false", ""],
  ["runWith:psql", ""],
  ['endDelimiter:"$$"', ""],
  ["", "--preconditions onFail:MARK_RAN\n--precondition-sql-check expectedResult:0 select count(*) from x\n"],
])("what the files alone do not decide is refused by name: %s %s", async (attribute, line) => {
  const { wrong, migrations } = await openLayout(liquibase, {
    "a.sql": `${HEAD}--changeset me:1 ${attribute}\n${line}select 1;\n`,
  });
  expect(wrong).toEqual([expect.stringMatching(/^LAYOUT_REFUSED a\.sql .* the changeset 1 of me has /)]);
  expect(migrations[0]?.problem?.place).toMatchObject({ file: "a.sql", line: 2 });
});

test("preconditions without any are none", async () => {
  const files = { "a.sql": `${HEAD}--changeset me:1\n--preconditions onFail:HALT\nselect 1;\n` };
  expect((await openLayout(liquibase, files)).wrong).toEqual([]);
});

test("one dash, and a changeset without an id, are refused as Liquibase does", async () => {
  const { problems } = await openLayout(liquibase, {
    "a.sql": `${HEAD}--changeset me:1\nselect 1;\n-rollback drop table x;\n--changeset nameless\nselect 2;\n`,
  });
  expect(problems).toMatchObject([
    { code: "SOURCE_DIRECTIVE_INVALID", place: { line: 4 } },
    { code: "SOURCE_DIRECTIVE_INVALID", place: { line: 5 } },
  ]);
});

const A = `${HEAD}--changeset me:a\nselect 'a';\n`;
const B = `${HEAD}--changeset me:b\nselect '\${who}';\n`;

test.each([
  [
    "db.changelog-master.xml",
    `<?xml version="1.0"?><!-- <include file="no.sql"/> -->
     <databaseChangeLog xmlns="http://www.liquibase.org/xml/ns/dbchangelog">
       <property name="who" value="b &amp; c"/>
       <include file="z/b.sql" relativeToChangelogFile="true"/>
       <include file="db/changelog/a.sql"/>
       <includeAll path="more/" relativeToChangelogFile="true"></includeAll>
     </databaseChangeLog>`,
  ],
  [
    "db.changelog-root.yaml",
    `databaseChangeLog:
  # a comment
  - property:
      name: who
      value: "b & c"
  - include:
      file: z/b.sql
      relativeToChangelogFile: true
  - include: { file: db/changelog/a.sql }
  - includeAll:
      path: more/
      relativeToChangelogFile: true
`,
  ],
  [
    "db.changelog-main.yml",
    `{ databaseChangeLog: [
  { property: { name: "who", value: "b & c" } },
  { include: { file: z/b.sql, relativeToChangelogFile: true } },
  { include: { file: db/changelog/a.sql } },
  { includeAll: { path: more/, relativeToChangelogFile: "true" } },
] }
`,
  ],
  [
    "changelog.yaml",
    `databaseChangeLog:
-
  property: { name: who, value: "b & c" }
-
    include:
      file: z/b.sql
      relativeToChangelogFile: true
-
  include:
    file: "db/changelog/a.sql"
-
  includeAll:
    path: more/
    relativeToChangelogFile: true
`,
  ],
  [
    "changelog.json",
    JSON.stringify({
      databaseChangeLog: [
        { property: { name: "who", value: "b & c" } },
        { include: { file: "z/b.sql", relativeToChangelogFile: true } },
        { include: { file: "classpath:/db/changelog/a.sql" } },
        { includeAll: { path: "more/", relativeToChangelogFile: "true" } },
      ],
    }),
  ],
])("a changelog that is a list is followed: %s", async (name, text) => {
  const { folder } = await openLayout(liquibase, { "db/changelog/a.sql": A });
  const { ids, wrong, up } = await openLayout(liquibase, {
    [name]: text,
    "z/b.sql": B,
    "db/changelog/a.sql": A,
    "more/2.sql": "select 2;",
    "more/1.sql": `${HEAD}--changeset me:1\nselect 1;`,
    "not-listed.sql": A,
  });
  expect(folder).toBeTruthy();
  expect(wrong).toEqual([]);
  expect(ids).toEqual([
    "z/b.sql::b::me",
    "db/changelog/a.sql::a::me",
    "more/1.sql::1::me",
    "more/2.sql::raw::includeAll",
  ]);
  expect(await up("z/b.sql::b::me")).toBe("select 'b & c';\n");
});

test("paths of a changelog may start above the folder", async () => {
  const { folder } = await openLayout(liquibase, {
    "a.sql": A,
    "deep/db/changelog/changelog.xml":
      '<databaseChangeLog><include file="db/changelog/b.sql"/></databaseChangeLog>',
    "deep/db/changelog/b.sql": B,
  });
  const { entries } = liquibase.discover(`${folder}/deep/db/changelog`, {
    placeholders: {},
    environment: {},
  });
  expect(entries.map(({ id, file }) => [id, file])).toEqual([["db/changelog/b.sql::b::me", "b.sql"]]);
});

test("a changeset in XML or YAML keeps its place, and is refused by name", async () => {
  const xml = `<databaseChangeLog><changeSet id="7" author="me"><createTable tableName="t"/></changeSet>
    <include file="a.sql"/><include file="gone.sql"/><preConditions><dbms type="x"/></preConditions>
    <include file="a.sql" context="test"/></databaseChangeLog>`;
  const { ids, wrong } = await openLayout(liquibase, { "changelog.xml": xml, "a.sql": A });
  expect(ids).toEqual(["changelog.xml::7::me", "a.sql::a::me"]);
  expect(wrong).toEqual([
    expect.stringContaining("includes gone.sql, which is not there"),
    expect.stringContaining("it has preConditions"),
    expect.stringContaining("it has include with context"),
    expect.stringContaining("its changeset 7 of me is not SQL"),
  ]);
});

test("circles, twins and two roots are refused", async () => {
  const include = (file: string) => `databaseChangeLog:\n- include:\n    file: ${file}\n`;
  const circle = await openLayout(liquibase, {
    "changelog-root.yaml": include("b.yaml"),
    "b.yaml": include("changelog-root.yaml"),
  });
  expect(circle.wrong).toEqual([expect.stringContaining("it includes itself")]);
  const twins = await openLayout(liquibase, { "a.sql": `${A}--changeset ME:A\nselect 2;\n` });
  expect(twins.wrong).toEqual([expect.stringMatching(/^SOURCE_DUPLICATE_ID .*a\.sql::A::ME is there twice/)]);
  const two = openLayout(liquibase, {
    "one.yaml": include("a.sql"),
    "two.yaml": include("a.sql"),
    "a.sql": A,
  });
  await expect(two).rejects.toThrow(/several changelogs \(one\.yaml, two\.yaml\)/);
});
