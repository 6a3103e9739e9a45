/** What a program does around its calls changes nothing of what they say: listeners, signals, mistakes, closing. */
import { getEventListeners } from "node:events";
import { describe, vi } from "vitest";
import type { MigratorConfig, RunEvent } from "../../src/index.ts";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { folderOf, writeFiles } from "../support/target.ts";
import { createFleet, createMigrator } from "../support/watched.ts";

const FILES = { "0001_shops.sql": "create table shops (id int primary key);" };
const NOTHING = { environment: {}, ledgerSchema } as const;

describe("a listener that fails", () => {
  const listeners: readonly [string, () => unknown][] = [
    [
      "throws",
      () => {
        throw new Error("no such channel");
      },
    ],
    ["rejects", () => Promise.reject(new Error("no such channel"))],
  ];
  for (const [how, observe] of listeners)
    test(`one that ${how} changes nothing, and its first failure is told once`, async ({ db }) => {
      const said: string[] = [];
      const config = {
        ...NOTHING,
        dir: folderOf(FILES),
        databaseUrl: db.url,
        say: (line: string) => said.push(line),
      };
      await using migrator = createMigrator({ ...config, observe: observe as () => void });
      expect(await migrator.up()).toMatchObject({ outcome: "done", steps: [{ revision: "0001_shops" }] });
      expect((await migrator.history()).map(({ revision }) => revision)).toEqual(["0001_shops"]);
      await vi.waitFor(() =>
        expect(said).toEqual([expect.stringMatching(/^observe failed: no such channel\./)]),
      );
    });

  test("where nobody is told aside, the process warns", async ({ db }) => {
    const warned: string[] = [];
    const listen = (warning: Error) => warned.push(`${warning.name}: ${warning.message}`);
    process.on("warning", listen);
    try {
      const fail = () => {
        throw new Error("full");
      };
      await using fleet = createFleet({
        ...NOTHING,
        targets: { shop: { url: db.url, dir: folderOf(FILES) } },
        observe: fail,
      });
      expect(await fleet.up()).toMatchObject({ targets: [{ ok: true }] });
      await vi.waitFor(() =>
        expect(warned).toEqual([expect.stringMatching(/^GodwitWarning: observe failed: full\./)]),
      );
    } finally {
      process.off("warning", listen);
    }
  });
});

test("a hundred calls leave no listener on the program's signal, and no timer", async ({ db }) => {
  const { signal } = new AbortController();
  const config = { ...NOTHING, dir: folderOf(FILES), databaseUrl: db.url, signal, timeout: "1h" } as const;
  await using migrator = createMigrator(config);
  await using fleet = createFleet({
    ...NOTHING,
    signal,
    timeout: "1h",
    targets: { shop: { url: db.url, dir: config.dir } },
  });
  await fleet.up();
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
  const before = timers();
  for (let index = 0; index < 100; index++) await migrator.history();
  await fleet.target("shop").history();
  await fleet.up();
  expect(getEventListeners(signal, "abort")).toEqual([]);
  expect(timers()).toBeLessThan(before + 10);
});

describe("a key that is not known", () => {
  test("is refused with the one that was probably meant, in every object a program hands in", async ({
    db,
  }) => {
    const dir = folderOf(FILES);
    const refused = (call: Promise<unknown>, key: string, hint: string) =>
      expect(call).rejects.toMatchObject({
        code: "CONFIG_INVALID",
        message: expect.stringContaining(`unknown option "${key}"`),
        hint: expect.stringContaining(hint),
      });
    const wrong = (config: object) => createMigrator({ ...NOTHING, ...config } as MigratorConfig).status();
    await refused(wrong({ dir, databaseURL: db.url }), "databaseURL", "Did you mean databaseUrl?");
    await refused(wrong({ databaseUrl: db.url, migrationsDir: dir }), "migrationsDir", "Did you mean dir?");
    await refused(wrong({ dir, databaseUrl: db.url, parallel: 2 }), "parallel", "Options: ");
    const targets = { shop: { url: db.url, dir } };
    const fleetOf = (config: object) => createFleet({ ...NOTHING, targets, ...config });
    await refused(fleetOf({ paralel: 2 }).up(), "paralel", "Did you mean parallel?");
    await refused(fleetOf({}).up({ target: ["shop"] } as never), "target", "Did you mean targets?");
    await using migrator = createMigrator({ ...NOTHING, dir, databaseUrl: db.url });
    await refused(migrator.adopt({ dryrun: true } as never), "dryrun", "Did you mean dryRun?");
    const request = { kind: "forget", revision: "0001" } as const;
    await refused(
      migrator.repair(request, { confirmed: db.name } as never),
      "confirmed",
      "Did you mean confirm?",
    );
    await refused(migrator.duplicates({ kind: ["same"] } as never), "kind", "Did you mean kinds?");
    await refused(
      migrator.decide({ kind: "forget", file: 1, fils: [] } as never),
      "fils",
      "Did you mean file?",
    );
    expect(await db.sql("select from pg_namespace where nspname = $1", [ledgerSchema])).toEqual([]);
  });
});

describe("the life of a migrator", () => {
  test("a first call that failed is forgotten: the next one finds what was missing", async ({ db }) => {
    const environment: Record<string, string> = { GODWIT_LOCK_TIMEOUT: "soon" };
    const root = folderOf({});
    await using migrator = createMigrator({ ledgerSchema, environment, root, databaseUrl: db.url });
    await expect(migrator.up()).rejects.toMatchObject({ code: "CONFIG_VARIABLE_INVALID" });
    environment.GODWIT_LOCK_TIMEOUT = "1s";
    await expect(migrator.up()).rejects.toMatchObject({ code: "SOURCE_FOLDER_MISSING" });
    writeFiles(root, { "migrations/0001_shops.sql": FILES["0001_shops.sql"] });
    expect((await migrator.up()).steps).toHaveLength(1);
  });

  test("after closing every call is refused, and closing waits for the call that runs", async ({ db }) => {
    const seen: RunEvent["kind"][] = [];
    let begun = () => {};
    const running = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const migrator = createMigrator({
      ...NOTHING,
      dir: folderOf({ "0001_slow.sql": "select pg_sleep(0.3); create table slow (id int);" }),
      databaseUrl: db.url,
      observe: (event) => {
        seen.push(event.kind);
        if (event.kind === "lock-acquired") begun();
      },
    });
    const up = migrator.up();
    await running;
    await migrator.close();
    expect(seen).toContain("finished");
    expect((await up).steps).toHaveLength(1);
    await expect(migrator.status()).rejects.toMatchObject({ message: expect.stringContaining("was closed") });
    await migrator.close();
    const fleet = createFleet({ ...NOTHING, targets: { shop: { url: db.url, dir: folderOf(FILES) } } });
    await fleet.close();
    await expect(fleet.up()).rejects.toMatchObject({ message: expect.stringContaining("was closed") });
    await expect(fleet.target("shop").up()).rejects.toMatchObject({
      message: expect.stringContaining("was closed"),
    });
  });

  test("calls at once each tell the truth, and each migration is applied once", async ({ db }) => {
    await using migrator = createMigrator({ ...NOTHING, dir: folderOf(FILES), databaseUrl: db.url });
    const reports = await Promise.all([migrator.up(), migrator.up(), migrator.up()]);
    expect(reports.flatMap(({ steps }) => steps)).toHaveLength(1);
    expect((await migrator.status()).upToDate).toBe(true);
  });
});
