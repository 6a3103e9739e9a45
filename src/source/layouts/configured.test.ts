/** If a tool's own configuration would change a run, we follow it or refuse it by name. */
import { expect, test } from "vitest";
import { createFolder } from "../folder.fixture.ts";
import { graphileMigrate } from "./graphile-migrate.ts";
import type { Layout, LayoutOptions } from "./layout.ts";
import { sqlx } from "./sqlx.ts";
import { supabase } from "./supabase.ts";

const NOTHING: LayoutOptions = { placeholders: {}, environment: {} };

function problemsOf(
  layout: Layout,
  files: Readonly<Record<string, string>>,
  options: Partial<LayoutOptions> & { below?: string } = {},
): readonly string[] {
  const { below = "", ...rest } = options;
  const { problems } = layout.discover(`${createFolder(files)}/${below}`, { ...NOTHING, ...rest });
  return problems.map(({ message }) => message);
}

const COMMITTED = { "migrations/committed/000001.sql": "--! Previous: -\n--! Hash: sha1:x\n\nselect 1;\n" };

test("graphile-migrate: settings in front of every migration, unless they are ours too", () => {
  const of = (text: string, searchPath?: readonly string[]) =>
    problemsOf(
      graphileMigrate,
      { ...COMMITTED, ".gmrc": text },
      { below: "migrations", ...(searchPath === undefined ? {} : { searchPath }) },
    );
  expect(of('{ "pgSettings": { "role": "owner" } }')).toEqual([expect.stringContaining("role = owner")]);
  expect(of('{ "pgSettings": { "search_path": "app" } }')).toEqual([expect.stringContaining("search_path")]);
  expect(of('{ "pgSettings": { "search_path": "app" } }', ["app"])).toEqual([]);
  expect(of('{ "pgSettings": {} }')).toEqual([]);
});

test("graphile-migrate: what a program of settings names is refused, what it only remarks is not", () => {
  const of = (text: string) =>
    problemsOf(graphileMigrate, { ...COMMITTED, ".gmrc.js": text }, { below: "migrations" });
  expect(of("module.exports = { afterAllMigrations: ['x.sql'], pgSettings: { role: 'a' } };")).toEqual([
    expect.stringContaining("afterAllMigrations"),
    expect.stringContaining("pgSettings"),
  ]);
  expect(of("// afterAllMigrations: none\nmodule.exports = { afterReset: ['x.sql'] };")).toEqual([]);
});

test("Supabase: migrations that are switched off", () => {
  const of = (config: string) =>
    problemsOf(
      supabase,
      { "supabase/config.toml": config, "supabase/migrations/1_a.sql": "" },
      { below: "supabase/migrations" },
    );
  expect(of("[db.migrations]\n# here\nenabled = false\n")).toEqual([expect.stringContaining("not enabled")]);
  expect(of("[db.migrations]\nenabled = true\n[db.seed]\nenabled = false\n")).toEqual([]);
});

test("sqlx: characters that do not count in its checksums", () => {
  const of = (toml: string) =>
    problemsOf(sqlx, { "migrations/1_a.sql": "", "sqlx.toml": toml }, { below: "migrations" });
  expect(of('[migrate]\nignored-chars = ["\\r"]\n')).toEqual([expect.stringContaining("ignored-chars")]);
  expect(of("[migrate]\nignored-chars = []\n")).toEqual([]);
});
