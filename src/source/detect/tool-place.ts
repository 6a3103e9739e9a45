/**
 * Where a tool keeps its history, as its own configuration beside the folder says: read as data, nothing is run. What
 * cannot be read in this way is said to be so (`unknown`), and never passed over.
 */
import { SourceError } from "../../errors.ts";
import { type Head, textsAbove } from "./look.ts";
import { currentSchemaOf, springSettings } from "./spring.ts";
import { assignments, block, codeOf, literalAt, type Setting, settings } from "./tool-settings.ts";

export interface ToolPlace {
  /** `null`: as the tool calls it. */
  readonly table: string | null;
  /** `null`: as the tool has it for this connection. */
  readonly schema: string | null;
  /** What says it, for people. */
  readonly said: string;
  /** Why it cannot be read. */
  readonly unknown?: string | undefined;
}

export interface PlaceOptions {
  readonly folder: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** `null` where nothing says it. Never throws. */
export function historyPlace(tool: string, options: PlaceOptions): ToolPlace | null {
  return PLACES[tool]?.(options) ?? null;
}

const PLACES: Readonly<Record<string, (options: PlaceOptions) => ToolPlace | null>> = {
  dbmate: (options) =>
    named([
      ...variables(options, "DBMATE_MIGRATIONS_TABLE"),
      ...flags(options, /\bdbmate\b[^\n]*?\s--migrations-table[= ]+\\?["']?([^\s"'\\]+)/g),
    ]),
  goose: (options) =>
    named([
      ...variables(options, "GOOSE_TABLE"),
      ...flags(options, /\bgoose\b[^\n]*?\s--?table[= ]+\\?["']?([^\s"'\\]+)/g),
    ]),
  "golang-migrate": (options) =>
    named([
      ...variables(options, "DATABASE_URL").flatMap(inUrl),
      ...flags(options, /[?&]x-migrations-table=([^&\s"'\\]+)/g).map(decoded),
    ]),
  sqlx: ({ folder }) => named(keys(textsAbove(folder, ["sqlx.toml"]), /^migrate\.table-name$/)),
  drizzle: ({ folder }) => inDrizzleConfig(folder),
  flyway(options) {
    const files = textsAbove(options.folder, FLYWAY_FILES);
    return parts(
      [
        ...variables(options, "FLYWAY_TABLE"),
        ...keys(files, /^flyway\.table$/),
        ...ofSpring("flyway", options, "table"),
      ],
      [
        ...variables(options, "FLYWAY_DEFAULT_SCHEMA"),
        ...keys(files, /^flyway\.defaultSchema$/),
        ...variables(options, "FLYWAY_SCHEMAS"),
        ...keys(files, /^flyway\.schemas$/),
        ...keys(files, /^(?:flyway|environments\.default)\.jdbcProperties\.currentSchema$/),
        ...[
          ...variables(options, "FLYWAY_URL"),
          ...keys(files, /^(?:flyway|environments\.default)\.url$/),
        ].flatMap(currentSchema),
        ...ofSpring("flyway", options, "defaultschema", "schemas", "jdbcproperties.currentschema"),
        ...ofSpring("flyway", options, "url").flatMap(currentSchema),
      ].map((one) => ({ ...one, value: one.value.split(",")[0]?.trim() ?? "" })),
    );
  },
  liquibase(options) {
    const files = textsAbove(options.folder, ["liquibase.properties"]);
    const lower = (one: Setting) => ({ ...one, value: one.value.toLowerCase() });
    return parts(
      [
        ...variables(options, "LIQUIBASE_DATABASE_CHANGELOG_TABLE_NAME"),
        ...keys(files, /(?:^|\.)database-?changelog-?table-?name$/i),
        ...ofSpring("liquibase", options, "databasechangelogtable"),
      ].map(lower),
      [
        ...variables(options, "LIQUIBASE_LIQUIBASE_SCHEMA_NAME"),
        ...keys(files, /(?:^|\.)liquibase-?schema-?name$/i),
        ...variables(options, "LIQUIBASE_COMMAND_DEFAULT_SCHEMA_NAME"),
        ...keys(files, /(?:^|\.)default-?schema-?name$/i),
        ...[
          ...variables(options, "LIQUIBASE_COMMAND_URL"),
          ...keys(files, /^(?:liquibase\.command\.)?url$/i),
        ].flatMap(currentSchema),
        ...ofSpring("liquibase", options, "liquibaseschema", "defaultschema", "jdbcproperties.currentschema"),
        ...ofSpring("liquibase", options, "url").flatMap(currentSchema),
      ].map(lower),
    );
  },
  "node-pg-migrate"(options) {
    const own = options.environment.NODE_ENV ?? "development";
    const files = textsAbove(options.folder, [
      ...["local", own, "default"].map((name) => `config/${name}.json`),
      "config/database.json",
      "database.json",
      "package.json",
    ]);
    const flag = (name: string) =>
      new RegExp(`node-pg-migrate\\b[^\\n]*?\\s${name}[= ]+\\\\?["']?([^\\s"'\\\\]+)`, "g");
    return parts(
      [
        ...flags(options, flag("(?:--migrations-table|-t)")),
        ...keys(files, /(?:^|\.)(?:migrations-table|migrationsTable)$/),
      ],
      [
        ...flags(options, flag("--migrations-schema")),
        ...keys(files, /(?:^|\.)(?:migrations-schema|migrationsSchema)$/),
        ...flags(options, flag("(?:--schema|-s)")),
        ...keys(files, /^db\.schema$/),
      ],
    );
  },
  sqitch({ folder }) {
    const found = keys(textsAbove(folder, ["sqitch.conf"]).slice(0, 1), /(?:^|\.)registry$/);
    // Where its targets differ, the target that is meant is not known here.
    return new Set(found.map(({ value }) => value)).size === 1 ? parts([], found) : null;
  },
  alembic({ folder }) {
    const code = textsAbove(folder, ["env.py", "alembic/env.py", "migrations/env.py"])
      .slice(0, 1)
      .map((file) => ({ ...file, text: codeOf(file.text, "python") }));
    const said = (key: string) =>
      code.flatMap((file) => literalAfter(file, new RegExp(`\\b${key}\\s*=(?!=)\\s*`)));
    return parts(said("version_table"), said("version_table_schema"));
  },
};

const FLYWAY_FILES = [
  "flyway.user.toml",
  "flyway.toml",
  "flyway.conf",
  "conf/flyway.toml",
  "conf/flyway.conf",
];

/** A drizzle.config of any kind: `migrations: { table, schema }`, or the names that `migrate()` has for them. */
function inDrizzleConfig(folder: string): ToolPlace | null {
  const names = ["ts", "mts", "cts", "js", "mjs", "cjs", "json"].map((kind) => `drizzle.config.${kind}`);
  const [file] = textsAbove(folder, names);
  if (file === undefined) return null;
  const code = { ...file, text: codeOf(file.text, "javascript") };
  const at = /["']?\bmigrations["']?\s*:\s*/.exec(code.text);
  if (at === null)
    return parts(
      literalAfter(code, /["']?\bmigrationsTable["']?\s*:\s*/),
      literalAfter(code, /["']?\bmigrationsSchema["']?\s*:\s*/),
    );
  const inside = block(code.text, at.index + at[0].length);
  if (inside === null || /\.\.\.|(?:^|[{,])\s*(?:table|schema)\s*(?:[,}]|$)/.test(inside))
    return { table: null, schema: null, said: file.name, unknown: "its `migrations` is not written out" };
  const part = { ...code, text: inside };
  return parts(
    literalAfter(part, /["']?\btable["']?\s*:\s*/),
    literalAfter(part, /["']?\bschema["']?\s*:\s*/),
  );
}

/** The value behind this key in the text of a program, or that it is none that can be read. */
function literalAfter({ name, text }: Head, key: RegExp): readonly Setting[] {
  const at = key.exec(text);
  if (at === null) return [];
  const value = literalAt(text, at.index + at[0].length);
  return [{ said: name, value: value ?? "", ...(value === null ? { unknown: true } : {}) }];
}

/** Of the process, then of a file `.env`; the first that has it counts. */
function variables({ folder, environment }: PlaceOptions, name: string): readonly Setting[] {
  const own = environment[name];
  if (own) return [{ said: name, value: own }];
  return textsAbove(folder, [".env"])
    .flatMap((file) => assignments(file))
    .filter(({ key, value }) => key === name && value !== "")
    .map((one) => ({ ...one, said: `${name} in ${one.said}` }));
}

function keys(files: readonly Head[], name: RegExp): readonly Setting[] {
  return files.flatMap(settings).filter(({ key, value }) => name.test(key) && value !== "");
}

/** Where the commands of a project stand. What a variable says there is not known. */
function flags({ folder }: PlaceOptions, pattern: RegExp): readonly Setting[] {
  return textsAbove(folder, ["package.json", "Makefile", "justfile", "Taskfile.yml"]).flatMap(
    ({ name, text }) =>
      [...text.matchAll(pattern)]
        .map(([, value = ""]) => ({ said: name, value }))
        .filter(({ value }) => !value.includes("$")),
  );
}

/** Of a Spring Boot application; what is wrong with its files is said where they are read for the migrations. */
function ofSpring(
  tool: "flyway" | "liquibase",
  { folder, environment }: PlaceOptions,
  ...names: readonly string[]
): readonly Setting[] {
  try {
    const { values } = springSettings(tool, { folder, environment });
    return names.flatMap((name): readonly Setting[] => {
      const value = values.get(name);
      return value === undefined || value.text === "" ? [] : [{ said: value.from, value: value.text }];
    });
  } catch (error) {
    if (error instanceof SourceError) return [];
    throw error;
  }
}

function currentSchema(one: Setting): readonly Setting[] {
  const value = currentSchemaOf(one.value);
  return value === null ? [] : [{ ...one, value }];
}

function inUrl(one: Setting): readonly Setting[] {
  const [, value] = /[?&]x-migrations-table=([^&\s]+)/.exec(one.value) ?? [];
  return value === undefined ? [] : [decoded({ ...one, value })];
}

function decoded(one: Setting): Setting {
  try {
    return { ...one, value: decodeURIComponent(one.value).replaceAll('"', "") };
  } catch {
    return { ...one, unknown: true };
  }
}

/** `table` or `schema.table` in one value. */
function named([found]: readonly Setting[]): ToolPlace | null {
  if (found === undefined) return null;
  const [table = "", schema = null] = found.value.replaceAll('"', "").split(".").reverse();
  return { table, schema, said: found.said, unknown: unreadable(found) };
}

function parts([table]: readonly Setting[], [schema]: readonly Setting[]): ToolPlace | null {
  const first = table ?? schema;
  if (first === undefined) return null;
  const unknown = [table, schema].flatMap((one) => (one === undefined ? [] : (unreadable(one) ?? [])))[0];
  return { table: table?.value ?? null, schema: schema?.value ?? null, said: first.said, unknown };
}

function unreadable({ value, unknown }: Setting): string | undefined {
  if (unknown === true) return "it is made by a program";
  return value.includes("$") ? "it has a variable in it" : undefined;
}
