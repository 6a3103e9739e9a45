/** A backfill in the background that stands still between two windows, for what others say and do meanwhile. */
import { join } from "node:path";
import { tellBackfill } from "../../src/run/backfills.ts";
import { commandIn } from "../support/command.ts";
import type { TestDatabase } from "../support/database.ts";
import { folderOf, recorder, targetOf, UP, up } from "../support/target.ts";

export const TABLE = `create table products (id int primary key, hits int not null default 0);
insert into products (id) select generate_series(1, 2000); analyze products;`;
export const FILL = `-- godwit: backfill table=products background=yes undo=yes min-rows=100 max-rows=100
update products set hits = hits + 1 where :window;
`;
export const FILES = {
  "0001_table.sql": TABLE,
  "0002_fill.sql": FILL,
  "0003_strict.sql": "-- godwit: requires=0002_fill\nalter table products add check (hits = 1);",
};

/** The same folder for the library and for the command. */
export function bothOf(
  db: TestDatabase,
  files: Readonly<Record<string, string>> = FILES,
  config: Readonly<Record<string, string>> = {},
) {
  const inside = Object.entries(files).map(([name, text]) => [`migrations/${name}`, text]);
  const folder = folderOf({ ...Object.fromEntries(inside), ...config });
  return {
    folder,
    target: targetOf({ url: db.url, folder: join(folder, "migrations") }),
    godwit: commandIn({ folder, url: db.url }),
  };
}

type Place = ReturnType<typeof targetOf>;

/** The run of 0002_fill waits in a pause, with the migrations lock free. `resume` lets it go on at full speed. */
export async function heldBetweenWindows(target: Place) {
  const tell = (word: Parameters<typeof tellBackfill>[1]["word"]) =>
    tellBackfill(target, { revision: "0002_fill", word }, recorder());
  await up(target, recorder(), { goal: { ...UP.goal, to: "0001" } });
  let pausing: Promise<unknown> | undefined;
  const recorded = recorder((event) => {
    if (event.kind === "backfill-progress" && event.windows === 2) pausing = tell({ kind: "pause" });
  });
  await tell({ kind: "rate", rate: 1000 });
  const run = up(target, recorded);
  run.catch(() => {});
  await Promise.race([recorded.once("backfill-paused"), run]);
  await pausing;
  const resume = async () => {
    await tell({ kind: "rate", rate: null });
    await tell({ kind: "resume" });
  };
  return { run, recorded, resume };
}
