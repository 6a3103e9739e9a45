/** An invalid index that a step names is found in the catalog, whatever the step lets the server say. */
import { describe } from "vitest";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { type Files, folderOf, targetOf, up } from "../support/target.ts";

async function invalidIndex(db: TestDatabase, schema = "public"): Promise<void> {
  await db.sql(`create schema if not exists ${schema}; create table ${schema}.shops (id int);
    create index ix on ${schema}.shops (id)`);
  await db.admin(`update pg_index set indisvalid = false where indexrelid = '${schema}.ix'::regclass`);
}

const SILENT_DO = `do $$ begin
  perform set_config('client_min_messages', 'error', true);
  execute format('create index if not exists %I on shops (id)', 'ix');
end $$;`;

const SILENT_FUNCTION = `create function make() returns void language plpgsql set client_min_messages = error as $$
begin create index if not exists ix on shops (id); end $$;
select make();`;

const module = (options: string, ...statements: readonly string[]) =>
  `export default { ${options} async up(db) { ${statements.map((text) => `await db.execute(${JSON.stringify(text)});`).join(" ")} } }`;

describe("a step that silences the server and keeps an invalid index fails the run", () => {
  test.for<[string, Files]>([
    ["in a DO block", { "0001_ix.sql": SILENT_DO }],
    ["in a DO block outside a transaction", { "0001_ix.sql": `-- godwit: transaction=off\n${SILENT_DO}` }],
    ["in a function with settings of its own", { "0001_ix.sql": SILENT_FUNCTION }],
    ["by a module", { "0001_ix.ts": module("", "set client_min_messages = error", SILENT_DO) }],
    [
      "by a module outside a transaction",
      {
        "0001_ix.ts": module(
          "transaction: false, idempotent: true,",
          "set client_min_messages = error",
          "create index concurrently if not exists ix on shops (id)",
        ),
      },
    ],
  ])("%s", async ([, files], { db }) => {
    await invalidIndex(db);
    const failed = await up(targetOf({ url: db.url, folder: folderOf(files) })).catch((error) => error);
    expect(failed).toMatchObject({
      code: "STEP_INDEX_INVALID",
      message: expect.stringContaining("public.ix"),
    });
    const [, command = ""] = /(REINDEX INDEX CONCURRENTLY [\w.]+);/.exec(failed.hint) ?? [];
    await db.sql(command);
    const report = await up(targetOf({ url: db.url, folder: folderOf(files) }));
    // The index was mended by hand, which is told.
    expect(report.warnings.filter(({ code }) => code !== "SCHEMA_DRIFTED")).toEqual([]);
  });
});

test("an invalid index of that name in a schema that no step works in is only warned of", async ({ db }) => {
  await invalidIndex(db, "other");
  await db.sql("create table shops (id int)");
  const report = await up(targetOf({ url: db.url, folder: folderOf({ "0001_ix.sql": SILENT_DO }) }));
  expect(report.warnings).toMatchObject([
    { code: "STEP_INDEX_INVALID", message: expect.stringContaining("other.ix") },
  ]);
});

test("a comment that names an invalid index names nothing", async ({ db }) => {
  await invalidIndex(db);
  const files = { "0001_a.sql": "-- ix is built again tonight\ncreate table a (id int /* not ix */);" };
  const report = await up(targetOf({ url: db.url, folder: folderOf(files) }));
  expect(report.warnings).toMatchObject([{ code: "STEP_INDEX_INVALID" }]);
});
