/** The examples are systems that people run: unchanged, with their own variables, and every number is checked. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe } from "vitest";
import { makeNas } from "../scripts/nas.mjs";
import { commandIn, type Json } from "./support/command.ts";
import { expect, ledgerSchema, test } from "./support/database.ts";
import { counts, example, OLD } from "./support/example.ts";
import { writeFiles } from "./support/target.ts";

const CRAFTFLOW = {
  users: 40,
  tenants: 35,
  tenant_members: 40,
  shops: 60,
  templates: 180,
  designs: 600,
  orders: 588,
  order_items: 1176,
  orphaned_orders: 12,
  platform_connections: 70,
  canvas_sizes: 5,
  canvas_size_review: 100,
  design_rehash_queue: 600,
  worker_services: 4,
  worker_jobs: 0,
  printers: 0,
};

describe.skipIf(OLD)("CraftFlow", () => {
  test("SYSTEMS 1.1, 1.2, 2.14, 2.19: MIGRATION_MODE=all migrates all of it, and again there is nothing to do", async ({
    db,
  }) => {
    const { godwit } = example("craftflow", db);
    const worker = godwit.with({ MIGRATION_MODE: "all" });
    const { json } = await worker("up", "--json");
    expect(json.report.steps).toHaveLength(24);
    expect(await counts(db, ...Object.keys(CRAFTFLOW))).toEqual(CRAFTFLOW);
    expect(
      await db.admin(`select platform, status as state, count(*)::int as n from platform_connections
        group by 1, 2 order by 1, 2`),
    ).toEqual([
      { platform: "etsy", state: "active", n: 28 },
      { platform: "etsy", state: "incomplete", n: 12 },
      { platform: "shopify", state: "active", n: 25 },
      { platform: "shopify", state: "superseded", n: 5 },
    ]);
    expect(await db.admin("select slug from shops where id in (1, 3, 60) order by id")).toEqual([
      { slug: "paper-and-ink" },
      { slug: "atelier-grosse" },
      { slug: "shop-12" },
    ]);
    expect(await db.admin("select count(*)::int as n from pg_index where not indisvalid")).toEqual([
      { n: 0 },
    ]);
    expect((await worker("up", "--json")).json.report.steps).toEqual([]);
  });

  test("SYSTEMS 2.17: whatever rewrites the rows of a large table is a backfill, and each row is what its parents say", async ({
    db,
  }) => {
    const { godwit } = example("craftflow", db);
    await godwit("up");
    expect(
      await db.admin(`select revision, rows::int, changed::int from "${ledgerSchema}".migration_backfills
        order by 1`),
    ).toEqual([
      { revision: "assign_tenants_to_designs", rows: 600, changed: 600 },
      { revision: "assign_tenants_to_order_items", rows: 1176, changed: 1176 },
      { revision: "assign_tenants_to_orders", rows: 588, changed: 588 },
      { revision: "assign_tenants_to_templates", rows: 180, changed: 180 },
      { revision: "backfill_shop_slugs", rows: 60, changed: 60 },
      { revision: "run_canvas_size_migration", rows: 1176, changed: 880 },
      { revision: "update_phash_hash_size", rows: 600, changed: 438 },
    ]);
    const wrong = async (condition: string) => (await db.admin(condition))[0];
    for (const child of ["templates", "designs", "orders"])
      expect(
        await wrong(`select count(*)::int as n from ${child} join shops on shops.id = shop_id
          where ${child}.tenant_id is distinct from shops.tenant_id`),
      ).toEqual({ n: 0 });
    expect(
      await wrong(`select count(*)::int as n from order_items join orders on orders.id = order_id
        where order_items.tenant_id is distinct from orders.tenant_id`),
    ).toEqual({ n: 0 });
    expect(
      await wrong(`select count(phash)::int as hashed, (select count(*)::int from design_rehash_queue
        join designs on designs.id = design_id where old_phash = lower(metadata ->> 'phash')) as kept from designs`),
    ).toEqual({ hashed: 0, kept: 438 });
    expect(
      await db.admin(`select canvas_size, width_um, height_um, written, count(*)::int as n from order_items
        left join canvas_sizes on canvas_sizes.id = canvas_size_id
        left join canvas_size_review on order_item_id = order_items.id
        where canvas_size in ('A3', '8,5 by 11 in', '30 × 40 cm', 'large', '') group by 1, 2, 3, 4
        order by canvas_size collate "C"`),
    ).toEqual([
      { canvas_size: "", width_um: null, height_um: null, written: null, n: 100 },
      { canvas_size: "30 × 40 cm", width_um: 300_000, height_um: 400_000, written: null, n: 96 },
      { canvas_size: "8,5 by 11 in", width_um: 215_900, height_um: 279_400, written: null, n: 100 },
      { canvas_size: "A3", width_um: 297_000, height_um: 420_000, written: null, n: 96 },
      { canvas_size: "large", width_um: null, height_um: null, written: "large", n: 100 },
    ]);
  });

  test("SYSTEMS 1.4: MIGRATION_MODE=startup does the light work, and says what is held back", async ({
    db,
  }) => {
    const { godwit } = example("craftflow", db);
    const { json } = await godwit.with({ MIGRATION_MODE: "startup" })("up", "--json");
    expect(json.report.steps).toHaveLength(9);
    expect(json.report.held).toHaveLength(15);
    // What is held back is no late comer afterwards.
    expect((await godwit("up", "--json")).json.report.steps).toHaveLength(15);
    expect(await counts(db, "platform_connections")).toEqual({ platform_connections: 70 });
  });

  test("SYSTEMS 1.5, 1.10: MIGRATION_MODE=nas-only is the import alone, and without credentials a warning", async ({
    db,
  }) => {
    const { godwit } = example("craftflow", db);
    await godwit.with({ MIGRATION_MODE: "startup" })("up");
    const { json, stderr } = await godwit.with({ MIGRATION_MODE: "nas-only" })("up", "--json");
    expect(json.report.steps.map(({ revision }: { revision: string }) => revision)).toEqual([
      "import_nas_designs",
      "import_nas_designs_batched",
    ]);
    expect(json.imports.map(({ outcome }: { outcome: string }) => outcome)).toEqual(["skipped"]);
    expect(stderr).toContain("QNAP_HOST, QNAP_USERNAME, QNAP_PASSWORD");
  });

  test("SYSTEMS 1.3, 1.8, 1.9: MIGRATION_MODE=all imports between startup and complex, and finds what is there twice", async ({
    db,
  }) => {
    const { godwit, folder } = example("craftflow", db);
    const nas = join(folder, "nas");
    const { files } = await makeNas(nas, { seed: 3, designs: 24, pixels: 200 });
    const worker = godwit.with({ MIGRATION_MODE: "all", NAS_FOLDER: nas });
    const { json, stderr } = await worker("up", "--json");
    const wanted = files.filter(({ fate }) => fate === "stored").length;
    expect(json.imports).toMatchObject([{ import: "nas", outcome: "done", stored: wanted }]);
    expect(await counts(db, "design_images")).toEqual({ design_images: wanted });
    const at = (text: string) => stderr.indexOf(text);
    expect(at("0001_base_schema applied")).toBeLessThan(at("import nas from"));
    expect(at("import nas from")).toBeLessThan(at("assign_tenants applied"));

    const again = await worker("up", "--json");
    expect(again.json.imports).toMatchObject([{ stored: 0, bytesRead: 0, files: { stored: wanted } }]);
    const { json: found } = await worker("duplicates", "--html", "sheet.html", "--json");
    expect(found.counts.files).toBe(wanted);
    expect(found.groups.length).toBeGreaterThan(0);
    const sheet = readFileSync(join(folder, "sheet.html"), "utf8");
    const pictures = new Set(found.groups.flatMap((group: Json) => group.files.map(({ id }: Json) => id)));
    expect(sheet.match(/src="data:image\/webp;base64,/g)?.length).toBeGreaterThanOrEqual(pictures.size);
  });

  test("SYSTEMS 2.12: all the way back leaves nothing, and forth again the same", async ({ db }) => {
    const { godwit } = example("craftflow", db);
    await godwit("up");
    await godwit("down", "base");
    expect(
      await db.admin(
        "select relname from pg_class c join pg_namespace n on n.oid = relnamespace where nspname = 'public'",
      ),
    ).toEqual([]);
    await godwit("up");
    expect(await counts(db, ...Object.keys(CRAFTFLOW))).toEqual(CRAFTFLOW);
  });

  test("SYSTEMS 2.13, 2.14: a failing migration rolls back alone; what does not depend on it runs; the run reports failure", async ({
    db,
  }) => {
    const { godwit, folder } = example("craftflow", db);
    writeFiles(folder, {
      "migrations/backfill_shop_slugs.ts":
        "export async function up() { throw new Error('no slugs today'); }",
    });
    const { json } = await godwit.fails(1, "up", "--json");
    const failed = json.report.failures.map(({ revision }: { revision: string }) => revision);
    // It lost its `depends` with its text, and so it is the others that need it which are not begun.
    expect(failed).toEqual(expect.arrayContaining(["backfill_shop_slugs", "require_tenant"]));
    const done = json.report.steps.map(({ revision }: { revision: string }) => revision);
    expect(done).toEqual(
      expect.arrayContaining(["assign_tenants", "update_phash_hash_size", "run_canvas_size_migration"]),
    );
    expect(
      await db.sql(`select revision from "${ledgerSchema}".migration_history where revision = any($1)`, [
        failed,
      ]),
    ).toEqual([]);
  });

  test("SYSTEMS 2.9: a new file needs no registration", async ({ db }) => {
    const { godwit, folder } = example("craftflow", db);
    await godwit("up");
    writeFiles(folder, {
      "migrations/add_shop_colour.sql":
        "-- godwit: depends=add_multi_tenant_schema\nalter table shops add colour text;",
    });
    const { json } = await godwit("up", "--json");
    expect(json.report.steps.map(({ revision }: { revision: string }) => revision)).toEqual([
      "add_shop_colour",
    ]);
  });
});

describe("EchoMind", () => {
  const lines = (text: string) => text.trim().split("\n");

  test("SYSTEMS 5.6, 5.7, 5.8, 5.9: Alembic's words lead through its revision graph", async ({ db }) => {
    const { godwit } = example("echomind", db);
    await godwit("upgrade", "003");
    expect(lines((await godwit("current")).stdout)).toEqual(["003_add_documents"]);
    await godwit("upgrade", "+1");
    expect((await godwit("history", "--indicate-current")).stdout).toContain("004_add_assistants (current)");
    await godwit("upgrade", "head");
    expect(lines((await godwit("current")).stdout)).toEqual(["008_add_citations (head)"]);
    expect(await counts(db, "assistants", "embedding_models", "users")).toEqual({
      assistants: 1,
      embedding_models: 1,
      users: 0,
    });
    await godwit("downgrade", "-1");
    await godwit("downgrade", "002");
    expect(lines((await godwit("current")).stdout)).toEqual(["002_add_connectors"]);
    await godwit("downgrade", "base");
    expect(await db.admin("select tablename from pg_tables where schemaname = 'public'")).toEqual([]);
  });

  test("SYSTEMS 5.1: the init container ends with 0 when there is something to do, and when there is nothing", async ({
    db,
  }) => {
    const { godwit } = example("echomind", db);
    const container = godwit.with({
      KUBERNETES_SERVICE_HOST: "10.0.0.1",
      MIGRATION_RETRY_COUNT: "5",
      MIGRATION_RETRY_DELAY: "5",
    });
    await container("upgrade", "head");
    await container("upgrade", "head");
  });

  test("SYSTEMS 5.2, 5.14: without DATABASE_URL it says so and ends with 1, and so does an unreachable database after its tries", async ({
    db,
  }) => {
    const { folder } = example("echomind", db);
    const pod = commandIn({ folder, env: { KUBERNETES_SERVICE_HOST: "10.0.0.1" } });
    expect((await pod.fails(1, "upgrade", "head")).stderr).toContain("DATABASE_URL");
    const gone = commandIn({
      folder,
      url: "postgres://echomind:secret@127.0.0.1:9/echomind",
      env: { MIGRATION_RETRY_COUNT: "2", MIGRATION_RETRY_DELAY: "0.05" },
    });
    const { stderr } = await gone.fails(1, "upgrade", "head");
    expect(stderr).toContain("Try 1 of 2");
    expect(stderr).not.toContain("secret");
  });

  test("SYSTEMS 5.12: the offline script has all of it, without a database", async ({ db }) => {
    const { godwit } = example("echomind", db);
    const { stdout } = await godwit.with({ DATABASE_URL: "postgres://nobody@127.0.0.1:9/none" })(
      "upgrade",
      "head",
      "--sql",
    );
    await db.sql(stdout.replace(/^\\.*$/gm, ""));
    expect((await godwit("upgrade", "head", "--json")).json.report.steps).toEqual([]);
  });
});
