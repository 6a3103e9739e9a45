/** What `godwit duplicates` is told: exactly that is done, and what means nothing is refused. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { imageTables } from "../../src/images/sql.ts";
import { commandIn } from "../support/command.ts";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { temporaryFolder } from "../support/import-place.ts";

test("--keep ties exactly those that are named, and the printed command makes a sheet with pictures", async ({
  db,
}) => {
  const folder = temporaryFolder();
  const place = join(folder, "designs/shop/cards");
  mkdirSync(place, { recursive: true });
  for (const size of [300, 320, 340, 360])
    writeFileSync(
      join(place, `${size}.svg`),
      `<svg xmlns="http://www.w3.org/2000/svg" width="${size}" height="${size}" viewBox="0 0 60 60"><path d="M30 4l8 17 18 2-14 12 5 19-17-10-17 10 5-19L4 23l18-2z"/></svg>`,
    );
  const godwit = commandIn({ folder, url: db.url });
  await godwit("init", "--import");
  await godwit("up");
  await godwit("import", "--from", "designs");

  const listed = (await godwit("duplicates")).stdout;
  const hint = /To judge by looking: `godwit (.*)`/.exec(listed)?.[1] ?? "";
  expect(hint).toMatch(/^duplicates designs --html duplicates\.html --from \S+designs$/);
  await godwit(...hint.split(" "));
  expect(existsSync(join(folder, "duplicates.html"))).toBe(true);
  expect(readFileSync(join(folder, "duplicates.html"), "utf8").match(/data:image\/webp/g)).toHaveLength(4);

  const [group] = (await godwit("duplicates", "--json")).json.groups;
  const [first, second, third] = group.files.map(({ id }: { id: number }) => String(id));
  const kept = await godwit("duplicates", "--keep", third, first);
  expect(kept.stdout).toMatch(/svg is kept; 1 other is a copy of it\./);
  const t = imageTables(ledgerSchema);
  expect(await db.sql(`select left_file::text as l, right_file::text as r from ${t.decisions}`)).toEqual([
    { l: first, r: third },
  ]);
  const after = (await godwit("duplicates", "--json")).json.groups[0];
  expect(after.files.map(({ id }: { id: number }) => String(id))).toContain(second);

  for (const [given, message] of [
    [["--keep", first, first], /names file \d+ .* as its own copy/],
    [["--limit", "0"], /--limit is not a whole number from 1: "0"/],
    [["nosuch"], /import/],
  ] as const) {
    const refused = await godwit.fails(given[0] === "--limit" ? 2 : 1, "duplicates", ...given);
    expect(refused.stderr).toMatch(message);
  }
});
