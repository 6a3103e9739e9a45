/** What the hooks of Helm and Argo CD ask before anything is changed: an older image and a database that is ahead. */
import { spawnSync } from "node:child_process";
import { describe } from "vitest";
import { COMMANDS } from "../../src/cli/commands.ts";
import { commandIn } from "../support/command.ts";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { buildImage, startOf } from "../support/image.ts";
import { manifests } from "../support/manifests.ts";
import { type Files, folderOf } from "../support/target.ts";

const hook = manifests().find(({ file }) => file === "deploy/argo/compatible.yaml")?.content;
const [{ args }] = hook.spec.template.spec.containers;

async function imageOf(files: Files) {
  const folder = folderOf(files);
  await commandIn({ folder })("init", "--docker");
  return buildImage(folder);
}

describe.skipIf(!COMMANDS.some(({ name }) => name === "compatible"))("the hook", () => {
  test("lets an older image in as long as no migration says that it needs a newer one", async ({ db }) => {
    const old = { "migrations/0001_a.sql": "create table a (id int);" };
    const harmless = { ...old, "migrations/0002_b.sql": "alter table a add b int;" };
    const needed = {
      ...harmless,
      "migrations/0003_c.sql": "-- godwit: minimum-revision=0003_c\nalter table a drop id;",
    };
    const image = await imageOf(old);
    const ask = () => {
      const [program = "", ...words] = startOf(image, args).words;
      const { cwd, env } = startOf(image);
      const more = { DATABASE_URL: db.url, GODWIT_LEDGER_SCHEMA: ledgerSchema };
      return spawnSync(program, words, { cwd, env: { ...env, ...more }, encoding: "utf8" });
    };
    expect(ask()).toMatchObject({ status: 0 });
    await commandIn({ folder: folderOf(harmless), url: db.url })("up");
    expect(ask()).toMatchObject({ status: 0 });
    await commandIn({ folder: folderOf(needed), url: db.url })("up");
    expect(ask().status).toBe(1);
  });
});
