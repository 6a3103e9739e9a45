/** meter-lab: three services, each with its own credentials, Drizzle's folders and Drizzle's own programs. */
import { spawnSync } from "node:child_process";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../scripts/fresh.mjs";
import { commandIn, type Json } from "../support/command.ts";
import { expect, ledgerSchema, type TestDatabase, test } from "../support/database.ts";
import { createDatabases } from "../support/databases.ts";
import { yamlOf } from "../support/manifests.ts";
import { folderOf } from "../support/target.ts";

const SERVICES = {
  backend: "apps/backend/db/migrations",
  "auth-next": "apps/auth-next/lib/db/migrations",
  auth: "apps/auth/services/db/migrations",
} as const;

/** The example, with three databases, each of a role of its own that is let into no other one. */
async function lab(db: TestDatabase) {
  const more = await createDatabases(db, 2);
  const names = [db.name, ...more.names];
  const urls: string[] = [];
  for (const name of names) {
    const role = `${name}_role`;
    await db.admin(`create role ${role} login nosuperuser`);
    await db.admin(`revoke connect on database ${name} from public`);
    await db.admin(`alter database ${name} owner to ${role}`);
    urls.push(`postgres://${role}@127.0.0.1:${db.port}/${name}`);
  }
  const [backend = "", next = "", auth = ""] = urls;
  const { username, hostname, port, pathname } = new URL(next);
  const folder = folderOf({});
  cpSync(join(root, "examples", "meter-lab"), folder, { recursive: true });
  const env = {
    BACKEND_DATABASE_URL: backend,
    AUTH_DATABASE_URL: auth,
    AUTH_NEXT_DATABASE_HOST: hostname,
    AUTH_NEXT_DATABASE_PORT: port,
    AUTH_NEXT_DATABASE_USER: username,
    AUTH_NEXT_DATABASE_PASSWORD: "not asked for here",
    AUTH_NEXT_DATABASE_NAME: pathname.slice(1),
  };
  return {
    folder,
    env,
    urls: { backend, "auth-next": next, auth },
    godwit: commandIn({ folder, env }),
    async [Symbol.asyncDispose]() {
      await more.drop();
      await db.admin(`alter database ${db.name} owner to ${db.owner}`);
      for (const name of names) {
        if (name === db.name) await db.admin(`reassign owned by ${name}_role to ${db.owner}`);
        await db.admin(`drop owned by ${name}_role`);
        await db.admin(`drop role ${name}_role`);
      }
    },
  };
}

test("SYSTEMS 3.1, 3.2, 3.3: each service's role is let into its own database alone, and all are migrated", async ({
  db,
}) => {
  await using it = await lab(db);
  const { json } = await it.godwit("up", "--json");
  expect(json.targets.map(({ name, report }: Json) => [name, report.steps.length])).toEqual([
    ["backend", 4],
    ["auth-next", 3],
    ["auth", 3],
  ]);
  // With the credentials of another service it is refused, and that service's database is as it was.
  const swapped = new URL(it.urls.auth);
  swapped.username = new URL(it.urls.backend).username;
  const { stderr } = await it.godwit.with({ AUTH_DATABASE_URL: swapped.href }).fails(1, "up", "auth");
  expect(stderr).toContain("[DATABASE_REFUSED_LOGIN]");
});

test("SYSTEMS 3.4: everything that is missing is listed at once, and no database is touched", async ({
  db,
}) => {
  await using it = await lab(db);
  const { BACKEND_DATABASE_URL, ...others } = it.env;
  const some = commandIn({ folder: it.folder, env: { BACKEND_DATABASE_URL } });
  const { stderr } = await some.fails(1, "up");
  for (const name of Object.keys(others)) expect(stderr).toContain(`${name} is not set`);
  expect(await db.admin("select from pg_namespace where nspname in ($1, 'drizzle')", [ledgerSchema])).toEqual(
    [],
  );
});

test("SYSTEMS 3.5: a service that fails is said in its line, the others are done, and the exit code is 1", async ({
  db,
}) => {
  await using it = await lab(db);
  writeFileSync(join(it.folder, SERVICES["auth-next"], "0001_organizations.sql"), "create tabel nothing;");
  const { stdout, stderr } = await it.godwit.fails(1, "up");
  expect(`${stdout}${stderr}`).toMatch(/auth-next: .*failed/);
  expect(stdout).toMatch(/^backend: 4 migrations/m);
  expect(stdout).toMatch(/^auth: 3 migrations/m);
});

test("SYSTEMS 3.7, 3.8: the folders stay as drizzle-kit wrote them, and drizzle-kit migrate finds nothing left", async ({
  db,
}) => {
  await using it = await lab(db);
  await it.godwit("up");
  const kit = join(root, "node_modules", "drizzle-kit", "bin.cjs");
  for (const [name, folder] of Object.entries(SERVICES)) {
    const out = join(it.folder, folder);
    expect(readFileSync(join(out, "meta", "_journal.json"))).toEqual(
      readFileSync(join(root, "examples", "meter-lab", folder, "meta", "_journal.json")),
    );
    const url = it.urls[name as keyof typeof SERVICES];
    const config = { dialect: "postgresql", out, dbCredentials: { url } };
    writeFileSync(join(it.folder, "drizzle.config.json"), JSON.stringify(config));
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [kit, "migrate", "--config", join(it.folder, "drizzle.config.json")],
      { cwd: root, encoding: "utf8" },
    );
    expect([status, `${stdout}${stderr}`]).toEqual([0, expect.stringContaining("applied successfully")]);
  }
  await it.godwit("status", "--check");
});

test("SYSTEMS 3.10, 3.11: in compose the job runs once, after healthy databases, and every app waits for its success", () => {
  const { services } = yamlOf("examples/meter-lab/compose.yaml") as Json;
  expect(services.migrate.restart).toBe("no");
  expect(services.migrate.depends_on).toEqual({
    "backend-db": { condition: "service_healthy" },
    "auth-db": { condition: "service_healthy" },
  });
  for (const name of Object.keys(SERVICES))
    expect(services[name].depends_on).toEqual({ migrate: { condition: "service_completed_successfully" } });
});

test("SYSTEMS 3.13: a fourth service is one entry of four lines and its folder", async ({ db }) => {
  await using it = await lab(db);
  const file = join(it.folder, "godwit.config.mjs");
  const text = readFileSync(file, "utf8");
  const entry = `    reports: {\n      url: env("REPORTS_DATABASE_URL"),\n      dir: "apps/reports/migrations",\n    },\n`;
  writeFileSync(file, text.replace("    auth: {\n", `${entry}    auth: {\n`));
  cpSync(join(it.folder, SERVICES.auth), join(it.folder, "apps/reports/migrations"), { recursive: true });
  const fourth = await createDatabases({ ...db, name: `${db.name}_reports` }, 1);
  const url = fourth.urls[0] ?? "";
  const { json } = await it.godwit.with({ REPORTS_DATABASE_URL: url })("up", "--json");
  expect(json.targets.map(({ name }: Json) => name)).toEqual(["backend", "auth-next", "reports", "auth"]);
  expect(json.targets[2].report.steps).toHaveLength(3);
  await fourth.drop();
});
