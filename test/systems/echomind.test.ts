/** EchoMind: an init container and a Job, and Alembic's ways. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe } from "vitest";
import { commandIn, type Json } from "../support/command.ts";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { example } from "../support/example.ts";
import { manifests } from "../support/manifests.ts";
import { watchMemory } from "../support/memory.ts";
import { folderOf, writeFiles } from "../support/target.ts";

const MB = 2 ** 20;
const NOWHERE = "postgres://echomind@127.0.0.1:9/echomind";
const manifest = (file: string): Json =>
  manifests().find((each) => each.file === `examples/echomind/k8s/${file}`)?.content;

describe("the container", () => {
  test("SYSTEMS 5.1: exit code 0 is migrated or up to date, 1 is failed, and nothing listens", async ({
    db,
  }) => {
    const { godwit, folder } = example("echomind", db);
    expect((await godwit("upgrade", "head")).code).toBe(0);
    expect((await godwit("upgrade", "head")).stdout).toMatch(/nothing to do/i);
    writeFiles(folder, {
      "migrations/009_bad.ts": `export const revises = "008_add_citations";
export async function upgrade({ sql }: any) { await sql\`select nothing_at_all\`; }`,
    });
    await godwit.fails(1, "upgrade", "head");
    for (const file of ["deployment.yaml", "job.yaml"]) {
      const { initContainers, containers } = manifest(file).spec.template.spec;
      expect((initContainers ?? containers)[0].ports).toBeUndefined();
    }
  });

  test("SYSTEMS 5.2: DATABASE_URL is the database; without it a message and exit code 1", async ({ db }) => {
    const { folder } = example("echomind", db);
    const pod = commandIn({ folder, env: { KUBERNETES_SERVICE_HOST: "10.0.0.1" } });
    expect((await pod.fails(1, "upgrade", "head")).stderr).toContain("DATABASE_URL");
    await pod.with({ DATABASE_URL: db.url })("upgrade", "head");
  });

  test("SYSTEMS 5.3, 5.14: it is tried 5 times, first after 5 s, or as the variables say, each pause twice as long", async ({
    db,
  }) => {
    const { godwit, folder } = example("echomind", db);
    const { stdout } = await godwit("doctor");
    expect(stdout).toMatch(/^connectAttempts +5$/m);
    expect(stdout).toMatch(/^connectDelay +5\.0 s$/m);
    const env = { MIGRATION_RETRY_COUNT: "4", MIGRATION_RETRY_DELAY: "0.04" };
    const { stderr } = await commandIn({ folder, url: NOWHERE, env }).fails(1, "upgrade", "head");
    const pauses = [...stderr.matchAll(/Try \d of 4.* in (\d+) ms/g)].map(([, ms]) => Number(ms));
    expect(pauses).toHaveLength(3);
    // Half of each is by chance, so that many containers do not come back at once.
    for (const [n, ms] of pauses.entries()) {
      expect(ms).toBeGreaterThanOrEqual(20 * 2 ** n);
      expect(ms).toBeLessThanOrEqual(40 * 2 ** n);
    }
  });

  test.skipIf(process.platform !== "linux")(
    "SYSTEMS 5.4: it stays below the limit of 256 Mi, and the manifests ask for what was promised",
    async ({ db }) => {
      for (const file of ["deployment.yaml", "job.yaml"]) {
        const { initContainers, containers } = manifest(file).spec.template.spec;
        expect((initContainers ?? containers)[0].resources).toEqual({
          requests: { memory: "128Mi", cpu: "100m" },
          limits: { memory: "256Mi", cpu: "200m" },
        });
      }
      const { godwit } = example("echomind", db);
      const running = godwit.start("upgrade", "head");
      const memory = watchMemory(running.child.pid ?? 0);
      await running.exits(0);
      expect(memory.stop()).toBeLessThan(256 * MB);
    },
  );

  test("SYSTEMS 5.5: an init container in front of the API, and a Job with OnFailure and 3 tries", () => {
    const words = ["upgrade", "head"];
    expect(manifest("deployment.yaml").kind).toBe("Deployment");
    expect(manifest("deployment.yaml").spec.template.spec.initContainers).toMatchObject([{ args: words }]);
    const { kind, spec } = manifest("job.yaml");
    expect([kind, spec.backoffLimit, spec.template.spec.restartPolicy]).toEqual(["Job", 3, "OnFailure"]);
    expect(spec.template.spec.containers).toMatchObject([{ args: words }]);
  });
});

describe("the graph", () => {
  test("SYSTEMS 5.6: every migration of the example names the one that it revises", async ({ db }) => {
    const { godwit, folder } = example("echomind", db);
    const files = readdirSync(join(folder, "migrations"));
    for (const file of files.filter((name) => !name.startsWith("001_")))
      expect(readFileSync(join(folder, "migrations", file), "utf8")).toContain("export const revises =");
    expect((await godwit("heads")).stdout.trim()).toMatch(/^008_add_citations/);
  });

  test("SYSTEMS 5.10: a new revision with a message is empty, revises the head, and can be applied", async ({
    db,
  }) => {
    const { godwit, folder } = example("echomind", db);
    await godwit("upgrade", "head");
    const before = readdirSync(join(folder, "migrations"));
    await godwit("revision", "-m", "Custom migration");
    const [file = ""] = readdirSync(join(folder, "migrations")).filter((name) => !before.includes(name));
    expect(file).toMatch(/custom_migration/);
    expect(readFileSync(join(folder, "migrations", file), "utf8")).toContain("008_add_citations");
    await godwit("upgrade", "head");
    expect((await godwit("current")).stdout).toContain(file.replace(/\.\w+$/, ""));
  });

  test("SYSTEMS 5.12: offline mode prints the SQL and runs nothing", async ({ db }) => {
    const { godwit } = example("echomind", db);
    const { stdout } = await godwit("upgrade", "head", "--sql");
    expect(stdout).toMatch(/create table "documents"/);
    expect(await db.sql("select from pg_namespace where nspname = $1", [ledgerSchema])).toEqual([]);
    expect(await db.sql("select to_regclass('documents') as there")).toEqual([{ there: null }]);
  });

  test("SYSTEMS 5.13: tables, columns, constraints and indexes are made and dropped by the builder, forth and back", async ({
    db,
  }) => {
    const folder = folderOf({
      "migrations/001_tables.ts": `import type { MigrationContext } from "godwit";
export const revises = null;
export async function upgrade({ schema }: MigrationContext): Promise<void> {
  await schema.createTable("people").addColumn("id", "integer", (c) => c.primaryKey()).addColumn("name", "text").execute();
}
export async function downgrade({ schema }: MigrationContext): Promise<void> {
  await schema.dropTable("people").execute();
}`,
      "migrations/002_parts.ts": `import type { MigrationContext } from "godwit";
export const revises = "001_tables";
export async function upgrade({ schema }: MigrationContext): Promise<void> {
  await schema.alterTable("people").addColumn("age", "integer").execute();
  await schema.alterTable("people").addUniqueConstraint("people_name_key", ["name"]).execute();
  await schema.createIndex("people_age_idx").on("people").column("age").execute();
}
export async function downgrade({ schema }: MigrationContext): Promise<void> {
  await schema.dropIndex("people_age_idx").execute();
  await schema.alterTable("people").dropConstraint("people_name_key").execute();
  await schema.alterTable("people").dropColumn("age").execute();
}`,
    });
    const godwit = commandIn({ folder, url: db.url });
    const there = async () => {
      const [row] = await db.sql<{ there: boolean[] }>(`select array[to_regclass('people') is not null,
        exists (select from information_schema.columns where table_name = 'people' and column_name = 'age'),
        exists (select from pg_constraint where conname = 'people_name_key'),
        to_regclass('people_age_idx') is not null] as there`);
      return row?.there;
    };
    await godwit("upgrade", "head");
    expect(await there()).toEqual([true, true, true, true]);
    await godwit("downgrade", "-1");
    expect(await there()).toEqual([true, false, false, false]);
    await godwit("downgrade", "base");
    expect(await there()).toEqual([false, false, false, false]);
  });
});

describe("errors", () => {
  test("SYSTEMS 5.15: two heads are a conflict, named with the command that joins them, and it does", async ({
    db,
  }) => {
    const { godwit, folder } = example("echomind", db);
    const empty = `export const revises = "008_add_citations";\nexport async function upgrade() {}\n`;
    writeFiles(folder, { "migrations/009_a.ts": empty, "migrations/009_b.ts": empty });
    const { stderr } = await godwit.fails(1, "upgrade", "head");
    const [, words = ""] = /`godwit (merge [^`]+)`/.exec(stderr) ?? [];
    expect(words).toMatch(/^merge 009_a 009_b/);
    await godwit(...words.split(" "));
    await godwit("upgrade", "head");
  });

  test("SYSTEMS 5.16: an SQL error names file and place", async ({ db }) => {
    const { godwit, folder } = example("echomind", db);
    writeFiles(folder, {
      "migrations/009_bad.sql": "-- godwit: revises=008_add_citations\nselect 1;\nselect\n  nothing_at_all;",
    });
    expect((await godwit.fails(1, "upgrade", "head")).stderr).toContain("009_bad.sql:4:3");
  });

  test("SYSTEMS 5.17: a violated constraint is rolled back, and the error names it", async ({ db }) => {
    const { godwit, folder } = example("echomind", db);
    writeFiles(folder, {
      "migrations/009_bad.ts": `export const revises = "008_add_citations";
export async function upgrade({ sql }: any) {
  await sql\`create table once (id int constraint once_key unique)\`;
  await sql\`insert into once values (1), (1)\`;
}`,
    });
    const { stderr } = await godwit.fails(1, "upgrade", "head");
    expect(stderr).toContain("once_key");
    expect(stderr).toContain("009_bad");
    expect(await db.sql("select to_regclass('once') as there")).toEqual([{ there: null }]);
    expect((await godwit("current")).stdout).toContain("008_add_citations");
  });
});
