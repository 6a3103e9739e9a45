/** An up with images gives one answer about migrations and files. */
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";

const STAR = `<svg xmlns="http://www.w3.org/2000/svg" width="60" height="60"><path d="M30 4l8 17 18 2-14 12z"/></svg>`;
const FILES = {
  "migrations/0001_a.sql": "create table a (id int);",
  "designs/shop/mug/star.svg": STAR,
};
const configured = (...names: readonly string[]) => ({
  ...FILES,
  "godwit.config.json": JSON.stringify({
    project: "shop",
    imports: Object.fromEntries(names.map((name) => [name, { from: "designs" }])),
  }),
});

test("migrations and images, images alone, and neither", async ({ db }) => {
  const folder = folderOf(configured("designs"));
  const godwit = commandIn({ folder, url: db.url });
  await godwit("init", "--import");
  const first = (await godwit("up")).stdout;
  expect(first).toMatch(
    /^2 migrations applied to shop in [^;]*; import designs: 1 image stored \(.*\) in .*, 1 in all\.\n$/,
  );
  const { writeFileSync } = await import("node:fs");
  writeFileSync(`${folder}/designs/shop/mug/other.svg`, STAR.replace("17", "11"));
  const second = (await godwit("up")).stdout;
  expect(second).toMatch(/^shop: no migration was pending; import designs: 1 image stored .*, 2 in all\.\n$/);
  const third = (await godwit("up")).stdout;
  expect(third).toBe(
    "shop: nothing to do, everything is applied and imported; 2 images are stored by import designs.\n",
  );
});
