/** After a failure, what was not begun is named: shortened for people, whole as data. */
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";

const numbered = (from: number, to: number) =>
  Object.fromEntries(
    Array.from({ length: to - from + 1 }, (_, index) => {
      const number = String(from + index).padStart(4, "0");
      return [`migrations/${number}_t.sql`, `create table t_${number} (id int);`];
    }),
  );
const BROKEN = { "migrations/0002_bad.sql": "select nothing from nowhere;" };

test("a few are all named, many are shortened, JSON has all", async ({ db }) => {
  const few = commandIn({
    folder: folderOf({ ...numbered(1, 1), ...BROKEN, ...numbered(3, 4) }),
    url: db.url,
  });
  const { stderr } = await few.fails(1, "up");
  expect(stderr).toMatch(/\nNot begun: 0003_t, 0004_t\.\n$/);
  const many = commandIn({
    folder: folderOf({ ...numbered(1, 1), ...BROKEN, ...numbered(3, 40) }),
    url: db.url,
  });
  expect((await many.fails(1, "up")).stderr).toMatch(/\nNot begun: 0003_t, .*0010_t and 30 more\.\n$/);
  const { json } = await many.fails(1, "up", "--json");
  expect(json.report.remaining).toHaveLength(38);
});

test("with nothing left nothing is said, and a log of JSON lines says it too", async ({ db }) => {
  const last = commandIn({ folder: folderOf({ ...numbered(1, 1), ...BROKEN }), url: db.url });
  expect((await last.fails(1, "up")).stderr).not.toContain("Not begun");
  const godwit = commandIn({
    folder: folderOf({ ...numbered(1, 1), ...BROKEN, ...numbered(3, 3) }),
    url: db.url,
  });
  const lines = (await godwit.fails(1, "up", "--log-format", "json")).stderr.trim().split("\n");
  expect(lines.map((line) => JSON.parse(line).message)).toContain("Not begun: 0003_t.");
});

test("a phase that was asked for, and an import, were not begun either", async ({ db }) => {
  const files = {
    ...BROKEN,
    "migrations/0003_later.sql": "-- godwit: phase=complex\ncreate table later (id int);",
    "migrations/0004_gone.sql": "-- godwit: phase=contract\ndrop table later;",
    "designs/shop/a/x.txt": "no image",
    "godwit.config.json": JSON.stringify({
      imports: { designs: { from: "designs", pattern: "<shop>/<template>/<file>" } },
    }),
  };
  const godwit = commandIn({ folder: folderOf(files), url: db.url });
  const { json, stderr } = await godwit.fails(1, "up", "--json");
  expect(json.report).toMatchObject({ remaining: ["0003_later"], importsRemaining: ["designs"] });
  expect(json.report.held).toMatchObject([{ revision: "0004_gone" }]);
  expect(stderr).toContain("Not begun: 0003_later, import designs.");
});

test("each target says its own", async ({ db }) => {
  const url = { variable: "SHOP_URL" };
  const files = { ...BROKEN, ...numbered(3, 3) };
  const config = { targets: { shop: { url }, other: { url, ledgerSchema: "other", dir: "none" } } };
  const folder = folderOf({ ...files, "none/.keep": "", "godwit.config.json": JSON.stringify(config) });
  const { stderr } = await commandIn({ folder, env: { SHOP_URL: db.url } }).fails(1, "up");
  expect(stderr).toMatch(/shop: .*Not begun: 0003_t\./);
});
