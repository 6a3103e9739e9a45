/** 46: Railway: several replicas start at once, and the URL at hand is the pooler's. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../scripts/fresh.mjs";
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { startPgbouncer, withoutPgbouncer } from "../support/pgbouncer.ts";
import { folderOf } from "../support/target.ts";

const FILES = Object.fromEntries(
  Array.from({ length: 5 }, (_, n) => [`migrations/000${n + 1}_t.sql`, `create table t${n} ();`]),
);

test.skipIf(withoutPgbouncer)(
  "46: replicas through the pooler and beside it: each migration once, and the direct URL is asked for",
  async ({ db }) => {
    const pooler = await startPgbouncer(db, { mode: "transaction", settings: ["default_pool_size = 8"] });
    try {
      const folder = folderOf(FILES);
      const urls = [pooler.url, db.url, pooler.url, db.url];
      const runs = urls.map((url) =>
        commandIn({ folder, url, env: { RAILWAY_ENVIRONMENT: "production" } }).start("up", "--json"),
      );
      const reports = await Promise.all(runs.map(async (run) => (await run.exits(0)).json.report));
      const applied = reports.flatMap(({ steps }) =>
        steps.map(({ revision }: { revision: string }) => revision),
      );
      expect(applied.sort()).toEqual(["0001_t", "0002_t", "0003_t", "0004_t", "0005_t"]);
      for (const [index, { warnings }] of reports.entries()) {
        const codes = warnings.map(({ code }: { code: string }) => code);
        expect(codes.includes("DATABASE_POOLED"), urls[index]).toBe(index % 2 === 0);
      }
    } finally {
      await pooler.stop();
    }
  },
);

test("46: the example is one service that restarts when it fails, and leaves Railway's own step of one command alone", () => {
  const { deploy } = JSON.parse(readFileSync(join(root, "examples/craftflow/railway.json"), "utf8"));
  expect(deploy).toEqual({ restartPolicyType: "ON_FAILURE", restartPolicyMaxRetries: 3 });
});
