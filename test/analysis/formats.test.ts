/** What other programs read: SARIF by its schema, annotations as the runner of GitHub takes them apart, and JSON. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv } from "ajv";
import { root } from "../../scripts/fresh.mjs";
import { commandIn, type Json } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";

/** Names and texts that mean something in each format. */
const FILES = {
  "migrations/0001_a, b: 100%.sql": 'create index "i%25:,\n" on "t é" (a);\n\\d t\n',
  "migrations/0002_b.sql": "-- godwit: lint-ignore=no-such\nalter table t add column a char(3) not null;\n",
  "migrations/0003_c.ts": 'import "../src/a.ts";\nexport async function up() {}\n',
  "migrations/0003_d.sql": "update t set password = 'correct horse battery';\n",
  "src/a.ts": "export {};\n",
};

const SCHEMA = join(root, "node_modules/@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json");

test("SARIF 2.1.0: valid by its schema, with a rule for each result", async () => {
  const godwit = commandIn({ folder: folderOf(FILES) });
  const { stdout } = await godwit.fails(1, "lint", "--format", "sarif");
  const log = JSON.parse(stdout);
  const { $schema: _, id: __, ...schema } = JSON.parse(readFileSync(SCHEMA, "utf8"));
  const isValid = new Ajv({ strict: false, validateFormats: false, unicodeRegExp: false }).compile(schema);
  expect([isValid(log), isValid.errors]).toEqual([true, null]);
  // The judge can say no.
  expect(isValid({ ...log, version: "2.0" })).toBe(false);
  const [{ results, tool, invocations, columnKind }] = log.runs;
  expect(columnKind).toBe("unicodeCodePoints");
  const { json } = await godwit.fails(1, "lint", "--json");
  expect(results.length).toBe(json.findings.length);
  for (const { ruleId, ruleIndex, locations } of results) {
    expect(tool.driver.rules[ruleIndex].id).toBe(ruleId);
    const { artifactLocation, region } = locations[0].physicalLocation;
    expect(Object.keys(FILES)).toContain(decodeURIComponent(artifactLocation.uri));
    expect(region.startLine).toBeGreaterThan(0);
  }
  expect(invocations[0].toolExecutionNotifications.length).toBe(json.notUnderstood.length);
});

test("annotations of GitHub are taken apart as they were meant", async () => {
  const folder = folderOf(FILES);
  const godwit = commandIn({ folder });
  const { json } = await godwit.fails(1, "lint", "--json");
  const { stdout, stderr } = await godwit.fails(1, "lint", "--format", "github");
  expect(stderr).toMatch(/\n4 files, \d+ statements linted, 2 not understood: [^\n]*\n$/);
  const annotations = stdout.trimEnd().split("\n").map(parseCommand);
  expect(annotations.map(({ properties }) => properties.file)).toEqual(
    json.findings.map(({ file }: { file: string }) => `migrations/${file}`),
  );
  expect(annotations.map(({ command }) => command)).toEqual(
    json.findings.map(({ level }: { level: string }) => (level === "hint" ? "notice" : level)),
  );
  for (const [index, { message, properties }] of annotations.entries()) {
    const finding = json.findings[index];
    expect(message.split("\n").slice(0, finding.message.split("\n").length).join("\n")).toBe(finding.message);
    expect(properties).toMatchObject({ title: finding.rule, line: String(finding.line) });
  }
  // The runner looks below the root of the repository.
  const below = godwit.with({ GITHUB_WORKSPACE: join(folder, "..") });
  const other = await below.fails(1, "lint", "--format", "github");
  expect(other.stdout).toContain(`file=${folder.split("/").at(-1)}/migrations/0002_b.sql,`);
});

/** Nothing here stands at the beginning of its line, so that a column that is counted wrongly points at something else. */
const PLAIN = `  select 1; create index slow on t (a);
  select 2; alter table t add column b char(3) not null;
  select 3; update t set a = 1;
`;
const WRITTEN: Readonly<Record<string, (text: string) => string>> = {
  plain: (text) => text,
  "byte order mark": (text) => `\ufeff${text}`,
  "CR LF": (text) => text.replaceAll("\n", "\r\n"),
  "byte order mark and CR LF": (text) => `\ufeff${text.replaceAll("\n", "\r\n")}`,
  tabs: (text) => text.replaceAll("  ", "\t\t\t"),
  "two bytes": (text) => text.replaceAll("select", "/* é */ select"),
  surrogates: (text) => text.replaceAll("select", "/* 𝒳👩‍🚀 */ select"),
  "a comment of several lines": (text) => `/* 𝒳\r\n\té */ ${text}`,
};

test("a column counts characters, whatever they are made of, and the line that it is on", async () => {
  const kinds = Object.entries(WRITTEN);
  const texts = kinds.map(([, write]) => write(PLAIN));
  const folder = folderOf(Object.fromEntries(texts.map((text, at) => [`migrations/000${at}_x.sql`, text])));
  const godwit = commandIn({ folder });
  const { json } = await godwit.fails(1, "lint", "--all", "--json");
  interface Placed {
    readonly file: string;
    readonly rule: string;
    readonly line: number;
    readonly column: number;
  }
  const pointed = texts.map((text, at) => {
    const lines = text.replace(/^\ufeff/, "").split(/\r?\n/);
    return (json.findings as readonly Placed[])
      .filter(({ file }) => file === `000${at}_x.sql`)
      .map(({ rule, line, column }) => {
        const behind = [...(lines[line - 1] ?? "")].slice(column - 1).join("");
        return `${rule}: ${behind.slice(0, 12)}`;
      });
  });
  expect(pointed[0]?.length).toBeGreaterThan(2);
  const named = (each: readonly unknown[]) => Object.fromEntries(kinds.map(([name], at) => [name, each[at]]));
  expect(named(pointed)).toEqual(named(kinds.map(() => pointed[0])));
  expect(pointed[0]).toEqual(expect.arrayContaining([expect.stringMatching(/: create index$/)]));
  const sarif = JSON.parse((await godwit.fails(1, "lint", "--all", "--format", "sarif")).stdout);
  const github = (await godwit.fails(1, "lint", "--all", "--format", "github")).stdout.trimEnd().split("\n");
  const places = (json.findings as readonly Placed[]).map(({ line, column }) => [line, column]);
  expect(
    sarif.runs[0].results.map(({ locations: [{ physicalLocation }] }: Json) => [
      physicalLocation.region.startLine,
      physicalLocation.region.startColumn,
    ]),
  ).toEqual(places);
  expect(
    github.map(parseCommand).map(({ properties }) => [Number(properties.line), Number(properties.col)]),
  ).toEqual(places);
});

test("a path is one of the repository, wherever in it the command runs", async () => {
  const repository = folderOf({
    ".git/HEAD": "ref: refs/heads/main\n",
    "apps/shop/migrations/0001_a.sql": PLAIN,
  });
  const godwit = commandIn({ folder: join(repository, "apps", "shop") });
  const path = "apps/shop/migrations/0001_a.sql";
  const sarif = JSON.parse((await godwit.fails(1, "lint", "--format", "sarif")).stdout);
  const uris = sarif.runs[0].results.map(
    ({ locations: [{ physicalLocation }] }: Json) => physicalLocation.artifactLocation.uri,
  );
  expect(new Set(uris)).toEqual(new Set([path]));
  const { stdout } = await godwit.fails(1, "lint", "--format", "github");
  expect(
    new Set(
      stdout
        .trimEnd()
        .split("\n")
        .map((line) => parseCommand(line).properties.file),
    ),
  ).toEqual(new Set([path]));
  expect((await godwit.fails(1, "lint")).stdout).toContain("at migrations/0001_a.sql:");
});

test("JSON by --format is the document of --json, and another format is refused", async () => {
  const godwit = commandIn({ folder: folderOf(FILES) });
  const { stdout } = await godwit.fails(1, "lint", "--format", "json");
  expect(JSON.parse(stdout)).toEqual((await godwit.fails(1, "lint", "--json")).json);
  const { stderr } = await godwit.fails(2, "lint", "--format", "xml");
  expect(stderr).toContain("--format is not one of text, json, sarif, github");
  for (const words of [["--format", "json"], ["--format=json"]]) {
    const failed = await godwit.fails(1, "lint", "--dir", "none", ...words);
    expect(JSON.parse(failed.stdout)).toMatchObject({
      ok: false,
      problems: [{ code: "SOURCE_FOLDER_MISSING" }],
    });
  }
  const rules = await godwit("lint", "--rules", "--format", "json");
  expect(JSON.parse(rules.stdout).rules.length).toBeGreaterThan(20);
  expect((await godwit.fails(2, "lint", "--rules", "--format", "sarif")).stderr).toContain("--format");
});

interface Annotation {
  readonly command: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly message: string;
}

/** As the runner does it: the first `::` behind the command ends the properties, `,` parts them, `%25` is undone last. */
function parseCommand(line: string): Annotation {
  const [, command = "", written = "", message = ""] = /^::(\w+) (.*?)::(.*)$/.exec(line) ?? [];
  const data = (text: string) => text.replaceAll("%0D", "\r").replaceAll("%0A", "\n");
  const properties = written.split(",").map((property) => {
    const at = property.indexOf("=");
    const value = data(property.slice(at + 1))
      .replaceAll("%3A", ":")
      .replaceAll("%2C", ",");
    return [property.slice(0, at), value.replaceAll("%25", "%")] as const;
  });
  return {
    command,
    properties: Object.fromEntries(properties),
    message: data(message).replaceAll("%25", "%"),
  };
}
