/**
 * Ledger and the other tool's history agree, wherever a run ends: cut before and after every message, the next run leaves
 * both as an undisturbed one does. A row in one of them alone would stay so, or be taken over and marked as such.
 */
import { createHash } from "node:crypto";
import pg from "pg";
import { test } from "vitest";
import { GodwitError } from "../../src/errors.ts";
import { cutEverywhere } from "../support/cut.ts";
import { expect } from "../support/database.ts";
import { type Files, folderOf, recorder, up } from "../support/target.ts";
import { targetIn } from "../support/tools.ts";

const SQL = [
  "create table a (id int);\n--> statement-breakpoint\ninsert into a values (1);",
  "insert into a values (2);",
  "create index concurrently by_id on a (id);",
  "insert into a values (3);",
];
const WHEN = 1_700_000_000_000;
const JOURNAL: Files = {
  "meta/_journal.json": JSON.stringify({
    dialect: "postgresql",
    entries: SQL.map((_, idx) => ({ idx, when: WHEN + idx * 1000, tag: `000${idx}_m` })),
  }),
  ...Object.fromEntries(SQL.map((text, idx) => [`000${idx}_m.sql`, text])),
};
const MIGRATIONS: Files = Object.fromEntries(SQL.map((text, idx) => [`000${idx}_m.sql`, text]));

test("Drizzle, of which half is applied by itself", { timeout: 1_800_000 }, async () => {
  const hash = createHash("sha256")
    .update(SQL[0] ?? "")
    .digest("hex");
  await cuts("drizzle", JOURNAL, async (url) => {
    await send(
      url,
      // Without a sequence, whose numbers a rolled-back transaction would use up.
      `create schema drizzle; create table drizzle.__drizzle_migrations (id int, hash text not null, created_at bigint);
       insert into drizzle.__drizzle_migrations (hash, created_at) values ('${hash}', ${WHEN});
       create table a (id int); insert into a values (1)`,
    );
  });
});

test("Supabase, in a new database", { timeout: 1_800_000 }, async () => {
  await cuts("supabase", MIGRATIONS, async () => {});
});

async function cuts(layout: string, files: Files, before: (url: string) => Promise<void>): Promise<void> {
  const folder = folderOf(files);
  const result = await cutEverywhere({
    prefix: `kept_${layout}`,
    before,
    // What the server says may be lost as well; for Drizzle both directions are tried.
    ...(layout === "drizzle" ? {} : { from: "client" as const }),
    async run(url, { observe }) {
      const settings = { connectAttempts: 10, connectDelayMs: 5 };
      const target = await targetIn(layout, { url, folder, settings });
      try {
        await up(target, recorder(observe));
        return false;
      } catch (error) {
        if (!(error instanceof GodwitError)) throw error;
        await up(target, recorder());
        return true;
      }
    },
  });
  console.info(
    `${layout}: ${result.points} points around ${result.messages} messages, ${result.cut} cut in ${result.runs} runs`,
  );
  expect(result.cut).toBeGreaterThan(result.points * 0.9);
}

async function send(url: string, text: string): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  await client.query(text);
  await client.end();
}
