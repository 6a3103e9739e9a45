/** Generated rows call what a statement calls for each row, and that reaches nothing of the machine either. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { vi } from "vitest";
import { commandIn, type Json } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { folderOf, writeFiles } from "../support/target.ts";

// Each call makes servers of its own, which a busy machine takes its time for.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

test("a prediction reaches nothing of the machine, and goes on with what reaches nothing", async ({ db }) => {
  const folder = folderOf({
    "migrations/0001_base.sql":
      "create table orders (id int primary key, note text); insert into orders select n, 'x' from generate_series(1, 1000) n;",
  });
  const here = join(folder, "here");
  const godwit = commandIn({ folder, url: db.url });
  await godwit("up");
  await db.sql("analyze orders");
  writeFiles(folder, {
    "migrations/0002_for_each_row.sql": `create function noted() returns text language plpgsql as $$
begin execute 'co' || 'py (select 1) to ''${here}'''; return 'x'; end $$;
update orders set note = noted();`,
    "migrations/0003_where_rows_are.sql": `do $$ begin
  if exists (select from orders) then execute 'co' || 'py (select 1) to ''${here}'''; end if;
end $$;`,
    "migrations/0004_index.sql": "create index on orders (note);",
  });
  const { json } = await godwit("plan", "--rehearse", "--json");
  expect(existsSync(here)).toBe(false);
  const predicted = Object.fromEntries(
    json.rehearsal.steps.map(({ revision, predictedMs }: Json) => [revision, predictedMs]),
  );
  expect(predicted).toMatchObject({ "0002_for_each_row": null, "0004_index": expect.any(Number) });
});
