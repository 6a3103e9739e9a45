// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is how Spring writes variables
import { join } from "node:path";
import { expect, test } from "vitest";
import { historyPlace } from "../detect/tool-place.ts";
import { createFolder } from "../folder.fixture.ts";
import { flyway } from "./flyway.ts";
import { openInPlace } from "./in-place.ts";
import type { LayoutOptions } from "./layout.ts";
import { liquibase } from "./liquibase.ts";

const RESOURCES = "src/main/resources";
type Files = Readonly<Record<string, string>>;

async function open(tool: "flyway" | "liquibase", files: Files, options: Partial<LayoutOptions> = {}) {
  const root = createFolder({ ".git/HEAD": "", ...files });
  const folder = join(root, RESOURCES, tool === "flyway" ? "db/migration" : "db/changelog");
  const layout = tool === "flyway" ? flyway : liquibase;
  const environment = options.environment ?? {};
  const source = openInPlace(layout, folder, { placeholders: {}, searchPath: null, ...options, environment });
  const { migrations, problems } = await source.list();
  const place = historyPlace(tool, { folder, environment });
  return {
    ids: migrations.map(({ id }) => id),
    known: migrations.map(({ tool: key }) => key?.columns?.filename),
    wrong: [...problems, ...migrations.flatMap(({ problem }) => problem ?? [])].map(({ message }) => message),
    place: place && { table: place.table, schema: place.schema, unknown: place.unknown !== undefined },
    text: async () => {
      const [first] = migrations;
      const content = first && (await source.read(first, "up"));
      return content?.kind === "sql" ? content.text : null;
    },
  };
}

const FLYWAY: Files = { [`${RESOURCES}/db/migration/V1__a.sql`]: "select '${who}'" };
const inYaml = (settings: string) => `spring:\n  flyway:\n${settings.replace(/^/gm, "    ")}\n`;

test.each([
  ["application.yml", inYaml("default-schema: app\ntable: done\nplaceholders:\n  Who: me")],
  ["application.yaml", inYaml("schemas: [app, other]\ntable: done\nplaceholders: { who: me }")],
  [
    "application.properties",
    "spring.flyway.schemas[0]=app\nspring.flyway.schemas[1]=b\nspring.flyway.table=done\nspring.flyway.placeholders.who=me\n",
  ],
  [
    "config/application.properties",
    "spring.datasource.url=jdbc:postgresql://${HOST}/x?currentSchema=app,public\nspring.flyway.table=done\nspring.flyway.placeholders.who=me",
  ],
])("Flyway's settings are read where Spring Boot has them: %s", async (name, text) => {
  const files = { ...FLYWAY, [`${RESOURCES}/${name}`]: text };
  const one = await open("flyway", files);
  expect(one.wrong).toEqual([expect.stringContaining("in the schema app")]);
  expect(one.place).toEqual({ table: "done", schema: "app", unknown: false });
  const two = await open("flyway", files, { searchPath: ["app"] });
  expect(two.wrong).toEqual([]);
  expect(await two.text()).toBe("select 'me'");
});

test.each([
  ["clean-on-validation-error: true", /clean-on-validation-error=true.*not known here/],
  ["init-sqls: set role owner", /init-sqls=set role owner/],
  ["locations: classpath:db/migration,classpath:db/data", /locations=/],
  ["callback-locations: classpath:db/callback", /callback-locations=/],
  ["default-schema: ${DB_SCHEMA:app}", /only the running application knows/],
])("what is not done here, or only the application knows, is refused by name: %s", async (line, says) => {
  const { wrong } = await open("flyway", {
    ...FLYWAY,
    [`${RESOURCES}/application.yml`]: inYaml(`${line}\nplaceholders: { who: me }`),
  });
  expect(wrong[0]).toMatch(says);
});

test("what changes nothing is no obstacle, and neither is a tool that is not started", async () => {
  const harmless =
    "enabled: true\nbaseline-description: x\nvalidate-on-migrate: false\nurl: jdbc:postgresql://${H}/x";
  const files = {
    ...FLYWAY,
    [`${RESOURCES}/application.yml`]: inYaml(`${harmless}\nplaceholders: { who: me }`),
  };
  expect((await open("flyway", files)).wrong).toEqual([]);
  const off = { ...FLYWAY, [`${RESOURCES}/application.yml`]: inYaml("enabled: false\nschemas: app") };
  expect((await open("flyway", off, { placeholders: { who: "x" } })).wrong).toEqual([]);
});

test("a variable has the value that the environment gives it, and the environment counts more than files", async () => {
  const files = {
    ...FLYWAY,
    [`${RESOURCES}/application.yml`]: inYaml("default-schema: ${DB_SCHEMA:app}\nplaceholders: { who: me }"),
  };
  const given = { environment: { DB_SCHEMA: "b" }, searchPath: ["b"] };
  expect((await open("flyway", files, given)).wrong).toEqual([]);
  const more = { environment: { SPRING_FLYWAY_DEFAULT_SCHEMA: "c", DB_SCHEMA: "b" }, searchPath: ["c"] };
  const { wrong, place } = await open("flyway", files, more);
  expect([wrong, place?.schema]).toEqual([[], "c"]);
});

test("a profile counts where it is known to be active; else it is asked about", async () => {
  const files = {
    ...FLYWAY,
    [`${RESOURCES}/application.yml`]: `${inYaml("placeholders: { who: me }")}---\nspring:\n  config:\n    activate:\n      on-profile: test\n  flyway:\n    placeholders: { who: you }\n`,
    [`${RESOURCES}/application-prod.yml`]: inYaml("default-schema: app"),
    [`${RESOURCES}/application-dev.yml`]:
      "spring:\n  flyway: { clean-disabled: false }\n  datasource: { url: jdbc:postgresql://dev/x }\n",
  };
  const { wrong } = await open("flyway", files);
  expect(wrong).toEqual([expect.stringContaining("profile prod"), expect.stringContaining("profile test")]);
  const prod = await open("flyway", files, { environment: { SPRING_PROFILES_ACTIVE: "prod" } });
  expect(prod.wrong).toEqual([expect.stringContaining("in the schema app")]);
  const other = await open("flyway", files, { environment: { SPRING_PROFILES_ACTIVE: "default" } });
  expect(other.wrong).toEqual([]);
});

test("a file that is no YAML is said to be so", async () => {
  const files = { ...FLYWAY, [`${RESOURCES}/application.yml`]: "spring: [flyway" };
  expect((await open("flyway", files)).wrong[0]).toContain("cannot be read");
});

const CHANGESET = "--liquibase formatted sql\n--changeset ann:1\nselect '${who}';\n";
const LIQUIBASE: Files = {
  [`${RESOURCES}/db/changelog/db.changelog-master.yaml`]:
    "databaseChangeLog:\n- include:\n    file: a.sql\n    relativeToChangelogFile: true\n",
  [`${RESOURCES}/db/changelog/a.sql`]: CHANGESET,
};

test("Liquibase's root, schema, table and parameters are those of Spring Boot", async () => {
  const files = {
    ...LIQUIBASE,
    [`${RESOURCES}/application.yml`]:
      "spring:\n  liquibase:\n    default-schema: app\n    database-change-log-table: DONE\n    parameters: { who: me }\n",
  };
  const one = await open("liquibase", files, { searchPath: ["app"] });
  expect(one.wrong).toEqual([]);
  expect(one.known).toEqual(["db/changelog/a.sql"]);
  expect(await one.text()).toContain("'me'");
  expect(one.place).toEqual({ table: "done", schema: "app", unknown: false });
  expect((await open("liquibase", files)).wrong).toEqual([expect.stringContaining("in the schema app")]);
});

test.each([
  ["drop-first: true", /drop-first=true.*not done here/],
  ["change-log: classpath:${LOG}", /only the running application knows/],
  ["something: new", /something=new/],
])("what Spring Boot tells Liquibase and is not done here is refused by name: %s", async (line, says) => {
  const files = { ...LIQUIBASE, [`${RESOURCES}/application.yml`]: `spring:\n  liquibase:\n    ${line}\n` };
  expect((await open("liquibase", files)).wrong[0]).toMatch(says);
});

test.each([
  ["defaultSchemaName=app"],
  ["liquibase.command.defaultSchemaName: app"],
  ["url=jdbc:postgresql://x/y?user=a&currentSchema=app"],
])("the schema that Liquibase runs files in is refused until our search_path has it: %s", async (line) => {
  const files = { ...LIQUIBASE, "liquibase.properties": `${line}\n` };
  const { wrong, place } = await open("liquibase", files);
  expect(wrong).toEqual([expect.stringContaining("in the schema app")]);
  expect(place?.schema).toBe("app");
  expect((await open("liquibase", files, { searchPath: ["app", "public"] })).wrong).toEqual([]);
});

test.each([
  ["flyway.conf", "flyway.url=jdbc:postgresql://x/y?currentSchema=app"],
  ["flyway.conf", "flyway.jdbcProperties.currentSchema=app"],
  [
    "flyway.toml",
    '[environments.default]\nurl = "jdbc:postgresql://x/y?ssl=true&currentSchema=app%2Cpublic"\n',
  ],
])("the schema of Flyway's own connection counts: %s", async (name, text) => {
  const files = { [`${RESOURCES}/db/migration/V1__a.sql`]: "select 1", [name]: `${text}\n` };
  const { wrong, place } = await open("flyway", files);
  expect(wrong).toEqual([expect.stringContaining("in the schema app")]);
  expect(place?.schema).toBe("app");
  expect((await open("flyway", files, { searchPath: ["app"] })).wrong).toEqual([]);
});
