/** The images of the examples, made from their own Dockerfiles and started with the variables of their systems. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe } from "vitest";
import { root } from "../../scripts/fresh.mjs";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { buildImage, startOf } from "../support/image.ts";
import { manifests, yamlOf } from "../support/manifests.ts";

/** Its view asks as whoever looks (`security_invoker`), which PostgreSQL 15 brought. */
const OLD = Number(process.env.GODWIT_TEST_POSTGRES ?? 18) < 15;

interface Example {
  readonly name: string;
  readonly words: readonly string[];
  readonly env: (url: string) => Readonly<Record<string, string>>;
  readonly says: RegExp;
}

const job = manifests().find(({ file }) => file === "examples/echomind/k8s/job.yaml")?.content;

const EXAMPLES: readonly Example[] = [
  {
    name: "craftflow",
    words: [],
    env: (url) => ({ DATABASE_URL: url, MIGRATION_MODE: "startup" }),
    says: /9 migrations applied/,
  },
  {
    name: "echomind",
    words: job.spec.template.spec.containers[0].args,
    env: (url) => ({ DATABASE_URL: url, MIGRATION_RETRY_COUNT: "5", MIGRATION_RETRY_DELAY: "5" }),
    says: /8 migrations applied/,
  },
  {
    name: "meter-lab",
    words: ["up", "auth"],
    env: (url) => ({ AUTH_DATABASE_URL: url }),
    says: /3 migrations applied/,
  },
];

describe.each(EXAMPLES)("$name", ({ name, words, env, says }) => {
  test.skipIf(OLD)("its image migrates", async ({ db }) => {
    const image = buildImage(join(root, "examples", name));
    const [program = "", ...args] = startOf(image, words.length === 0 ? image.cmd : words).words;
    const { cwd, env: own } = startOf(image);
    const { status, stdout, stderr } = spawnSync(program, args, {
      cwd,
      env: { ...own, ...env(db.url), GODWIT_LEDGER_SCHEMA: ledgerSchema },
      encoding: "utf8",
    });
    expect(stdout + stderr).toMatch(says);
    expect(status).toBe(0);
  });
});

test("meter-lab's service is built from the Dockerfile of the kit, and needs no root that can be written", () => {
  const { migrate } = yamlOf("examples/meter-lab/compose.yaml").services;
  expect(migrate).toMatchObject({
    build: { context: ".", dockerfile: "deploy/Dockerfile" },
    ...{ read_only: true, tmpfs: ["/tmp"] },
  });
});
