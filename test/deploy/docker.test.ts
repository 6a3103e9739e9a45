/** The Dockerfile of `godwit init --docker`, carried out. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { commandIn } from "../support/command.ts";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { get } from "../support/health.ts";
import { buildImage, commandOf, type Image, startOf } from "../support/image.ts";
import { folderOf } from "../support/target.ts";
import { until } from "../support/until.ts";

const TYPESCRIPT = `import { migration } from "godwit";
export default migration({ up: ({ sql }) => sql\`insert into shops values (1)\` });`;
const FILES = {
  ".env": "DATABASE_URL=postgres://nobody:secret@nowhere/none",
  "godwit.config.ts":
    'import { defineConfig } from "godwit"; export default defineConfig({ dir: "db/changes" });',
  "db/changes/0001_shops.sql": "create table shops (id int);",
  "db/changes/0002_first.ts": TYPESCRIPT,
};

async function project(files: Readonly<Record<string, string>> = FILES) {
  const folder = folderOf(files);
  await commandIn({ folder })("init", "--docker");
  return folder;
}

const env = (url: string) => ({ DATABASE_URL: url, GODWIT_LEDGER_SCHEMA: ledgerSchema });

function runImage(image: Image, more: Readonly<Record<string, string>>, words?: readonly string[]) {
  const start = startOf(image, words);
  const [program = "", ...args] = start.words;
  return spawnSync(program, args, { cwd: start.cwd, env: { ...start.env, ...more }, encoding: "utf8" });
}

/** Every file with its time of change. */
function contentOf({ root }: Image): readonly string[] {
  return readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((name) => !name.includes("node_modules/godwit/"))
    .map((name) => `${name} ${statSync(join(root, name)).mtimeMs}`)
    .toSorted();
}

test("its steps make an image that migrates and ends, and that writes nothing but in /tmp", async ({
  db,
}) => {
  const folder = await project();
  const image = buildImage(folder);
  const before = contentOf(image);
  const first = runImage(image, env(db.url));
  expect(first.stderr).toContain("0002_first applied");
  expect(first.status).toBe(0);
  expect(await db.sql("select * from shops")).toEqual([{ id: 1 }]);
  expect(runImage(image, env(db.url), ["status", "--check"]).status).toBe(0);
  expect(contentOf(image)).toEqual(before);
});

test("it runs a bundle as a user that is no number of root, below tini, without what development needs", async () => {
  const image = buildImage(await project());
  expect(image.user).toBe("1000:1000");
  expect(image.entrypoint.slice(0, 3)).toEqual(["tini", "-g", "--"]);
  expect(image.healthcheck).toBeNull();
  expect(new Set(image.bases)).toEqual(new Set(["node:24-slim"]));
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, "../../package.json"), "utf8"));
  expect(image.asked).toContain(`npm install --omit=dev godwit@${version}`);
  const app = join(image.root, image.workdir);
  expect(readdirSync(app).toSorted()).toEqual(["dist", "godwit.config.ts", "node_modules"]);
  expect(readdirSync(join(app, "node_modules")).toSorted()).toEqual([".bin", "godwit"]);
});

test("a container without the address of its database says so, and starts no server of its own", async () => {
  const { status, stderr } = runImage(buildImage(await project()), {});
  expect(status).toBe(1);
  expect(stderr).toContain("[URL_MISSING]");
});

test("a broken migration fails the build and not the release", async () => {
  const folder = await project({ ...FILES, "db/changes/0003_bad.ts": "export default {{" });
  expect(() => buildImage(folder)).toThrow(/godwit build .* ended with 1.*0003_bad/s);
});

test("the stage that serves is checked by godwit health, and stays live after a failed migration", async ({
  db,
}) => {
  const image = buildImage(await project(), { target: "serve" });
  expect(image.env).toMatchObject({ GODWIT_HEALTH_HOST: "0.0.0.0", GODWIT_HEALTH_PORT: "9187" });
  const start = startOf(image);
  const own = { ...env(db.url), GODWIT_HEALTH_HOST: "127.0.0.1", GODWIT_HEALTH_PORT: "0" };
  const [program = "", ...args] = start.words;
  const child = spawn(program, args, { cwd: start.cwd, env: { ...start.env, ...own }, stdio: "pipe" });
  onTestFinished(() => void child.kill("SIGKILL"));
  let said = "";
  child.stderr.on("data", (chunk) => {
    said += chunk;
  });
  await until(() => /health is answered on (\S+)/.test(said), { what: "it to listen" });
  const [, url = ""] = /health is answered on (\S+)/.exec(said) ?? [];
  expect((await get(`${url}/livez`)).status).toBe(200);
  const check = commandOf(image, image.healthcheck ?? []);
  const [healthy = "", ...words] = check.words;
  const port = { GODWIT_HEALTH_PORT: new URL(url).port, GODWIT_HEALTH_HOST: "127.0.0.1" };
  const ask = (more: object) =>
    spawnSync(healthy, words, { cwd: check.cwd, env: { ...check.env, ...port, ...more } }).status;
  expect(ask({})).toBe(0);
  child.kill("SIGTERM");
  await once(child, "exit");
  expect(ask({})).toBe(1);
});
