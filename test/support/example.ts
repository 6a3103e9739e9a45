/** The examples, copied: systems that people run, unchanged, each with its own variables. */
import { cpSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../scripts/fresh.mjs";
import { type Command, commandIn } from "./command.ts";
import type { TestDatabase } from "./database.ts";
import { folderOf } from "./target.ts";

export function example(
  name: string,
  db: TestDatabase,
): { readonly folder: string; readonly godwit: Command } {
  const folder = folderOf({});
  cpSync(join(root, "examples", name), folder, {
    recursive: true,
    filter: (path) => !path.includes(".godwit/"),
  });
  return { folder, godwit: commandIn({ folder, url: db.url }) };
}

export async function counts(
  db: TestDatabase,
  ...tables: readonly string[]
): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const table of tables) {
    const [row] = await db.admin<{ n: number }>(`select count(*)::int as n from ${table}`);
    found[table] = row?.n ?? -1;
  }
  return found;
}

/** CraftFlow's view asks as whoever looks (`security_invoker`), which PostgreSQL 15 brought. */
export const OLD = Number(process.env.GODWIT_TEST_POSTGRES ?? 18) < 15;
