/** `godwit init --docker` and its siblings: what they write for projects of other shapes, and what they never overwrite. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { COMMANDS } from "../../src/cli/commands.ts";
import { KITS } from "../../src/cli/kits/kits.ts";
import { commandIn, type Json } from "../support/command.ts";
import { buildImage } from "../support/image.ts";
import { folderOf, writeFiles } from "../support/target.ts";
import { workflowProblems } from "../support/workflow.ts";

const FLAGS = Object.keys(KITS).map((key) => `--${key.replace(/[A-Z]/g, "-$&").toLowerCase()}`);
const ONE = { "migrations/0001_a.sql": "select 1;" };
const read = (folder: string, file: string) => readFileSync(join(folder, file), "utf8");
const yaml = (folder: string, file: string): Json => parse(read(folder, file), { merge: true });

test("a file that is there stays, and that it differs is said", async () => {
  const folder = folderOf({ ...ONE, "deploy/Dockerfile": "FROM scratch\n" });
  const godwit = commandIn({ folder });
  const { stdout } = await godwit("init", "--docker");
  expect(stdout).toContain("Made deploy/Dockerfile.dockerignore.");
  expect(stdout).toContain("different from what would be made: deploy/Dockerfile.");
  expect(read(folder, "deploy/Dockerfile")).toBe("FROM scratch\n");
  const { json } = await godwit("init", "--docker", "--json");
  expect(json.made).toEqual([]);
  expect(json.kept).toHaveLength(2);
  expect(existsSync(join(folder, "godwit.config.ts"))).toBe(false);
});

test("it needs neither a database nor a variable, and writes none of their values", async () => {
  const folder = folderOf({
    "godwit.config.mjs": `import { env } from "godwit"; export default { databaseUrl: env("SHOP_URL") };`,
    ...ONE,
  });
  const url = "postgres://shop:hunter2@db.example/shop";
  for (const environment of [{}, { SHOP_URL: url }, { DATABASE_URL: url }])
    await commandIn({ folder, env: environment })("init", ...FLAGS);
  // Where the image is built there is no secret either.
  await commandIn({ folder })("build", "dist/migrations");
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((each) => each.isFile());
  const text = files.map((each) => readFileSync(join(each.parentPath, each.name), "utf8")).join("\n");
  expect(text).not.toContain("hunter2");
  const [{ env }] = yaml(folder, "deploy/kubernetes/job.yaml").spec.template.spec.containers;
  expect(env[0].name).toBe("SHOP_URL");
});

test("the variables of webhooks are named wherever a run needs them, and nowhere else needed", async () => {
  const folder = folderOf({
    "godwit.config.mjs": `import { env } from "godwit";
      export default { webhooks: [{ url: env("OPS_HOOK"), secrets: [env("OPS_SECRET")] }] };`,
    ...ONE,
  });
  const godwit = commandIn({ folder });
  await godwit("init", ...FLAGS);
  await godwit("build", "dist/migrations");
  await godwit("heads");
  const names = ["OPS_HOOK", "OPS_SECRET"];
  const [{ env }] = yaml(folder, "deploy/kubernetes/job.yaml").spec.template.spec.containers;
  expect(env.map(({ name }: { name: string }) => name)).toEqual(expect.arrayContaining(names));
  const { services } = yaml(folder, "deploy/compose.yaml");
  expect(Object.keys(services.migrate.environment)).toEqual(expect.arrayContaining(names));
  const { jobs } = yaml(folder, ".github/workflows/migrations.yml");
  expect(Object.keys(jobs.migrations.env)).toEqual(expect.arrayContaining(names));
  expect(await workflowProblems(read(folder, ".github/workflows/migrations.yml"))).toEqual([]);
  // Who sends needs them.
  expect((await godwit.fails(1, "up")).stderr).toContain("OPS_HOOK is not set");
});

test("several targets: every folder, every variable, a server for each, and no bundle", async () => {
  const folder = folderOf({
    "godwit.config.mjs": `import { env } from "godwit";
      export default { project: "Meter Lab!", targets: {
        backend: { url: env("BACKEND_URL"), dir: "apps/backend" },
        "auth-next": { host: env("AUTH_HOST"), port: env("AUTH_PORT"), user: env("AUTH_USER"),
          password: env("AUTH_PASSWORD"), name: env("AUTH_NAME"), dir: "apps/auth" } } };`,
    "apps/backend/0001_a.sql": "select 1;",
    "apps/auth/0001_a.sql": "select 1;",
  });
  const godwit = commandIn({ folder });
  await godwit("init", ...FLAGS);
  const dockerfile = read(folder, "deploy/Dockerfile");
  for (const path of ["godwit.config.mjs ./", "apps/backend ./apps/backend", "apps/auth ./apps/auth"])
    expect(dockerfile).toContain(`COPY ${path}`);
  expect(dockerfile).not.toContain("godwit build");
  const { services, name } = yaml(folder, "deploy/compose.yaml");
  expect(name).toBe("meter-lab");
  expect(services.migrate.environment).toMatchObject({
    BACKEND_URL: `postgres://meter_lab:\${BACKEND_PASSWORD}@backend:5432/meter_lab`,
    AUTH_HOST: "auth-next",
    AUTH_PORT: "5432",
    AUTH_PASSWORD: `\${AUTH_NEXT_PASSWORD}`,
  });
  const [{ env }] = yaml(folder, "deploy/helm/templates/migrate.yaml").spec.template.spec.containers;
  expect(env.flatMap(({ name, valueFrom }: Json) => (valueFrom === undefined ? [] : [name]))).toEqual([
    ...["BACKEND_URL", "AUTH_HOST", "AUTH_PORT", "AUTH_USER", "AUTH_PASSWORD", "AUTH_NAME"],
  ]);
  // It answers for one target, and nobody knows which.
  expect(readdirSync(join(folder, "deploy/argo"))).toEqual(["migrate.yaml"]);
  const workflow = yaml(folder, ".github/workflows/migrations.yml").jobs.migrations;
  expect(Object.keys(workflow.services)).toEqual(["backend", "auth-next"]);
  expect(workflow.env).toMatchObject({ AUTH_PORT: "5433", AUTH_NAME: "postgres" });
  expect(await workflowProblems(read(folder, ".github/workflows/migrations.yml"))).toEqual([]);
  expect((await godwit.fails(2, "init", "--docker", "--target", "backend")).stderr).toContain(
    "godwit init --docker does not honour --target",
  );
});

test("a folder for each environment is copied whole, and frozen for none", async () => {
  const folder = folderOf({
    "godwit.config.json": '{ "dir": "changes/{NODE_ENV}" }',
    "changes/production/0001_a.sql": "select 1;",
  });
  await commandIn({ folder, env: { NODE_ENV: "production" } })("init", "--docker");
  const dockerfile = read(folder, "deploy/Dockerfile");
  expect(dockerfile).toContain("COPY changes ./changes");
  expect(dockerfile).not.toContain("GODWIT_DIR");
});

test("a folder and a layout that were typed, or are in the environment, are said where the image is built", async () => {
  const files = { "db/changes/V1__a.sql": "select 1;" };
  const typed = folderOf(files);
  await commandIn({ folder: typed })("init", ...FLAGS, "--dir", "db/changes", "--layout", "flyway");
  const folder = folderOf(files);
  const env = { GODWIT_DIR: "db/changes", GODWIT_LAYOUT: "flyway" };
  await commandIn({ folder, env })("init", ...FLAGS);
  for (const each of [typed, folder]) {
    const image = buildImage(each);
    expect(image.env.GODWIT_DIR).toBe("dist/migrations");
    expect(read(image.root, "app/dist/migrations/godwit-bundle.json")).toContain('"flyway"');
    expect(yaml(each, ".github/workflows/migrations.yml").jobs.migrations.env).toMatchObject(env);
  }
  const both = folderOf({ "changes/test/0001_a.sql": "select 1;" });
  const each = { GODWIT_DIR: "changes/{NODE_ENV}", NODE_ENV: "test" };
  await commandIn({ folder: both, env: each })("init", "--docker");
  expect(read(both, "deploy/Dockerfile")).toContain("GODWIT_DIR=changes/{NODE_ENV}");
  expect(read(both, "deploy/Dockerfile")).toContain("COPY changes ./changes");
});

test("every kit is a flag of init, and no other", () => {
  expect(COMMANDS.find(({ name }) => name === "init")?.ofProject).toEqual(Object.keys(KITS));
});

test("an import gets hours and memory, and the variables of its NAS", async () => {
  const folder = folderOf({ "godwit.config.json": '{ "imports": { "nas": {} } }', ...ONE });
  await commandIn({ folder })("init", "--kubernetes", "--compose");
  const { spec } = yaml(folder, "deploy/kubernetes/job.yaml");
  const [{ env, resources }] = spec.template.spec.containers;
  expect(resources.limits.memory).toBe("1Gi");
  expect(env.find(({ name }: Json) => name === "QNAP_PASSWORD").valueFrom.secretKeyRef.optional).toBe(true);
  const timeout = Number(env.find(({ name }: Json) => name === "MIGRATION_TIMEOUT").value);
  expect(spec.activeDeadlineSeconds).toBeGreaterThan((spec.backoffLimit + 1) * timeout);
  expect(yaml(folder, "deploy/compose.yaml").services.migrate.environment.QNAP_HOST).toBeNull();
});

test("a folder that no image can be made from is refused by name", async () => {
  const outside = folderOf({
    "shop/godwit.config.json": '{ "dir": "../changes" }',
    "changes/0001_a.sql": "",
  });
  const inside = commandIn({ folder: join(outside, "shop") });
  expect((await inside.fails(1, "init", "--docker")).stderr).toMatch(/changes is not below .*shop/);
  const spaced = folderOf({ "godwit.config.json": '{ "dir": "my changes" }', "my changes/0001_a.sql": "" });
  const { stderr } = await commandIn({ folder: spaced }).fails(1, "init", "--docker");
  expect(stderr).toContain("take for their own");
  writeFiles(spaced, { "godwit.config.json": '{ "dir": "changes" }' });
  await commandIn({ folder: spaced })("init", "--docker");
});

test("flags that mean nothing together are refused", async () => {
  const godwit = commandIn({ folder: folderOf(ONE) });
  await godwit.fails(2, "init", "--supabase", "--docker");
  await godwit.fails(2, "init", "--import", "--docker");
});
