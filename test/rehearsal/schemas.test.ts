/** The rehearsal of a target that is several schemas of one database. */
import { vi } from "vitest";
import { commandIn, type Json } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { folderOf, writeFiles } from "../support/target.ts";

// Each schema is rehearsed on a server of its own, which a busy machine takes its time for.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

test("each schema says its locks, as a single target does", async ({ db }) => {
  await db.sql('create schema "a|<b>"; create schema b');
  const folder = folderOf({
    "migrations/0001_base.sql": "create table orders (id int primary key, total int);",
    "godwit.config.json": JSON.stringify({
      targets: {
        shops: { url: { variable: "DATABASE_URL" }, dir: "migrations", schemas: ["a|<b>", "b"] },
      },
    }),
  });
  const godwit = commandIn({ folder, url: db.url });
  await godwit("up");
  writeFiles(folder, {
    "migrations/0002_type.sql": "alter table orders alter column total type bigint;",
  });
  const alone = (await godwit("plan", "--rehearse", "--target", "shops/b")).stdout;
  expect(alone).toContain("b.orders is written anew under ACCESS EXCLUSIVE");

  const all = (await godwit("plan", "--rehearse")).stdout;
  expect(all).toContain(`shops/b\n${alone}`);
  expect(all).toMatch(/^shops\/a\|<b>\n1 migration to apply:\n/);
  expect(all).toContain("a|<b>.orders is written anew under ACCESS EXCLUSIVE");

  const rehearsed = (await godwit("rehearse")).stdout;
  for (const orders of ["a|<b>.orders", "b.orders"])
    expect(rehearsed).toContain(`${orders} is written anew under ACCESS EXCLUSIVE`);

  const markdown = (await godwit("plan", "--rehearse", "--markdown")).stdout;
  for (const name of ["shops/a\\|<b>", "shops/b"])
    expect(markdown).toContain(`## \`${name}\`\n\n### Migrations: 1 pending\n\n| Migration |`);
  expect(markdown.split("\n").filter((line) => line.startsWith("| `0002_type` |"))).toHaveLength(2);
  expect(markdown.replace(/`[^`]*`/g, "")).not.toMatch(/<(?!br>)/);

  const { json } = await godwit("plan", "--rehearse", "--json");
  const locks = json.targets[0].schemas.map(({ rehearsal }: Json) => rehearsal.steps[0].statements[0].locks);
  for (const [at, orders] of ["a|<b>.orders", "b.orders"].entries())
    expect(locks[at]).toContainEqual({
      relation: orders,
      kind: "table",
      mode: "ACCESS EXCLUSIVE",
      heldUntil: "transaction",
    });
});
