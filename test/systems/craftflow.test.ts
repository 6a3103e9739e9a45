/** CraftFlow's worker, with all of its own variables, against a NAS behind a real sshd. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, onTestFinished } from "vitest";
import { makeNas } from "../../scripts/nas.mjs";
import type { Json } from "../support/command.ts";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { counts, example, OLD } from "../support/example.ts";
import { buildImage, startOf } from "../support/image.ts";
import { type Sshd, startSshd, withoutUser } from "../support/sshd.ts";
import { writeFiles } from "../support/target.ts";

const nasOf = ({ port, username, password = "", folder }: Sshd) => ({
  QNAP_HOST: "127.0.0.1",
  QNAP_PORT: String(port),
  QNAP_USERNAME: username,
  QNAP_PASSWORD: password,
  NAS_BASE_PATH: folder,
});

describe.skipIf(OLD || withoutUser)(`CraftFlow's worker${withoutUser ? `: ${withoutUser}` : ""}`, () => {
  test("SYSTEMS 1.1, 1.2, 1.3, 1.6, 1.7, 1.8, 1.13: with its own variables alone it migrates, imports over SSH, migrates the rest, and a restart finds nothing to do", async ({
    db,
  }) => {
    const sshd = await startSshd();
    onTestFinished(() => sshd.stop());
    const { files } = await makeNas(sshd.folder, { seed: 5, designs: 10, pixels: 64 });
    const wanted = files.filter(({ fate }) => fate === "stored");
    const { godwit } = example("craftflow", db);
    // MIGRATION_MODE is left out: it is `all`.
    const worker = godwit.with(nasOf(sshd));
    const { json, stderr } = await worker("up", "--json");
    expect(json.imports).toMatchObject([{ import: "nas", outcome: "done", stored: wanted.length }]);
    const at = (text: string) => {
      expect(stderr).toContain(text);
      return stderr.indexOf(text);
    };
    expect(at("0001_base_schema applied")).toBeLessThan(at("import nas from"));
    expect(at("import nas from")).toBeLessThan(at("assign_tenants applied"));
    const rows = await db.sql<{ shop_name: string; template_name: string; file_path: string; phash: string }>(
      "select shop_name, template_name, file_path, phash from design_images",
    );
    expect(rows.map(({ file_path }) => file_path).toSorted()).toEqual(
      wanted.map(({ path }) => path).toSorted(),
    );
    for (const { shop_name, template_name, file_path, phash } of rows) {
      const [shop, template] = file_path.normalize("NFC").split("/");
      expect([shop_name, template_name]).toEqual([shop, template]);
      expect(phash).toMatch(/^[0-9a-f]{16}$/);
    }
    const again = await worker("up");
    expect(again.stdout).toMatch(/nothing to do/i);
    expect(await counts(db, "design_images")).toEqual({ design_images: wanted.length });
  });

  test("SYSTEMS 1.9: exact and resized copies are found as duplicates by their phash", async ({ db }) => {
    const sshd = await startSshd();
    onTestFinished(() => sshd.stop());
    await makeNas(sshd.folder, { seed: 6, designs: 12, pixels: 200, copies: 0.5, trouble: false });
    const { godwit } = example("craftflow", db);
    await godwit.with(nasOf(sshd))("up");
    const { json } = await godwit("duplicates", "--json");
    const sizes = json.groups.map(({ files }: Json) => files.length);
    expect(sizes.length).toBeGreaterThan(0);
    expect(Math.min(...sizes)).toBeGreaterThan(1);
  });
});

test("SYSTEMS 1.6, 1.7: the port is 22 and the base /share/Graphics, where nobody says otherwise", async ({
  db,
}) => {
  const { godwit } = example("craftflow", db);
  const { stdout } = await godwit("doctor");
  expect(stdout).toMatch(/^nasPort +22$/m);
  expect(stdout).toMatch(/^nasBasePath +\/share\/Graphics$/m);
});

test.skipIf(OLD)(
  "SYSTEMS 1.10: each missing credential is named in a warning, the import is skipped, and the rest goes on",
  async ({ db }) => {
    const { godwit } = example("craftflow", db);
    const some = { QNAP_HOST: "nas.invalid", QNAP_USERNAME: "worker" };
    const { json, stderr } = await godwit.with(some)("up", "--json");
    expect(json).toMatchObject({ ok: true, imports: [{ outcome: "skipped" }] });
    expect(json.report.steps).toHaveLength(24);
    expect(stderr).toContain("[IMPORT_CREDENTIALS_MISSING]");
    expect(stderr).toContain("QNAP_PASSWORD");
  },
);

test.skipIf(OLD)(
  "SYSTEMS 1.4: startup makes tables, indexes and enum values, and moves no data of the complex ones",
  async ({ db }) => {
    const { godwit } = example("craftflow", db);
    await godwit.with({ MIGRATION_MODE: "startup" })("up");
    const [{ there } = { there: [] }] = await db.sql<{ there: unknown[] }>(`select array[
      to_regclass('tenants') is not null, to_regclass('printers') is not null,
      exists (select from pg_indexes where indexname like '%phash%'),
      exists (select from pg_enum where enumlabel = 'printing')] as there`);
    expect(there).toEqual([true, true, true, true]);
    expect(await db.sql("select count(*)::int as n from shops where tenant_id is not null")).toEqual([
      { n: 0 },
    ]);
  },
);

test.skipIf(OLD)(
  "SYSTEMS 1.11: the steps of its Dockerfile make a worker that migrates, as a user that is not root",
  async ({ db }) => {
    const image = buildImage(join(import.meta.dirname, "../../examples/craftflow"));
    expect(image.user).toBe("1000:1000");
    const { words, cwd, env } = startOf(image);
    expect(words.slice(0, 3)).toEqual(["tini", "-g", "--"]);
    const variables = { DATABASE_URL: db.url, MIGRATION_MODE: "startup", GODWIT_LEDGER_SCHEMA: ledgerSchema };
    const [program = "", ...args] = words;
    const { status, stdout } = spawnSync(program, args, {
      cwd,
      env: { ...env, ...variables },
      encoding: "utf8",
    });
    expect(stdout).toMatch(/9 migrations applied/);
    expect(status).toBe(0);
  },
);

test("SYSTEMS 1.1, 1.12: railway.json is a worker without a port, restarted on failure, 3 times at most", () => {
  const folder = join(import.meta.dirname, "../../examples/craftflow");
  const { build, deploy } = JSON.parse(readFileSync(join(folder, "railway.json"), "utf8"));
  expect(build).toEqual({ builder: "DOCKERFILE", dockerfilePath: "deploy/Dockerfile" });
  expect(deploy).toEqual({ restartPolicyType: "ON_FAILURE", restartPolicyMaxRetries: 3 });
  const image = readFileSync(join(folder, "deploy/Dockerfile"), "utf8");
  // What listens is another stage, and not the last one.
  expect(image.slice(image.lastIndexOf("\nFROM "))).not.toContain("EXPOSE");
  expect(image.trimEnd().split("\n").at(-1)).toBe("FROM migrate");
});

test("SYSTEMS 1.13: a failure is in the log with its file and place, and the exit code is 1", async ({
  db,
}) => {
  const { godwit, folder } = example("craftflow", db);
  writeFiles(folder, { "migrations/add_wrong.sql": "select 1;\nselect colour\n  from nothing_at_all;" });
  const { stderr } = await godwit.with({ MIGRATION_MODE: "startup" }).fails(1, "up");
  expect(stderr).toContain("add_wrong.sql:3:8");
});
