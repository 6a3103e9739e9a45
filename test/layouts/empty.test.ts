/** A file that is empty, or has only comments, is applied with a warning: once, in every layout, and in the tool's history. */
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { appliedIn } from "../support/refusal.ts";
import { type Files, folderOf, recorder, targetOf, up } from "../support/target.ts";
import { TOOL_TABLES, type ToolTable } from "../support/tool-tables.ts";
import { targetIn } from "../support/tools.ts";

const TEXTS: readonly (readonly [what: string, text: string])[] = [
  ["no byte", ""],
  ["comments only", "-- nothing\n/* at all */\n;\n"],
];

/** Their histories are read, and never written. */
const UNMIRRORED = ["flyway", "liquibase", "sqitch"];

/** The migrations of a tool, of which the last does nothing. */
function filesOf({ files, tool }: ToolTable, text: string): Files {
  const all = files([1, 2]);
  // A changeset is known by its line.
  if (tool === "liquibase") return { "a.sql": `${files([1])["a.sql"]}--changeset ann:2\n${text}` };
  const last = Object.keys(all)
    .filter((name) => name.endsWith(".sql") && !name.includes("down") && !/^(?:revert|verify)\//.test(name))
    .sort()
    .at(-1);
  return { ...all, [last ?? ""]: text };
}

for (const [what, text] of TEXTS)
  test.for(TOOL_TABLES.filter(({ layout }) => layout !== "plain"))(
    `$tool, ${what}`,
    async (table, { db }) => {
      const { layout, tool, schema, name } = table;
      await db.sql("create table effects (n int)");
      const folder = folderOf(filesOf(table, text));
      const mirror = UNMIRRORED.includes(tool) ? null : tool;
      const target = await targetIn(layout, { url: db.url, folder, settings: { mirror } });
      const { migrations, problems } = await target.source.list();
      expect([...problems, ...migrations.flatMap(({ problem }) => problem ?? [])]).toEqual([]);

      const first = recorder();
      expect((await up(target, first)).steps).toHaveLength(2);
      expect(warningsIn(first)).toEqual(["SOURCE_FILE_EMPTY"]);
      expect(await appliedIn(db)).toHaveLength(2);
      expect(await db.sql("select n from effects")).toHaveLength(1);
      const rows = mirror === null ? [] : await db.sql(`select * from "${schema}"."${name}"`);
      if (mirror !== null) expect(rows.length).toBeGreaterThanOrEqual(tool === "golang-migrate" ? 1 : 2);

      const second = recorder();
      expect((await up(target, second)).steps).toEqual([]);
      expect(warningsIn(second)).toEqual([]);
    },
  );

function warningsIn({ events }: ReturnType<typeof recorder>) {
  const codes = events.flatMap((event) => (event.kind === "warning" ? [event.problem.code] : []));
  return codes.filter((code) => code !== "ADOPT_UNTOLD");
}

test("in our own folder, without sections and with them", async ({ db }) => {
  const folder = folderOf({ "0001_a.sql": "", "0002_b.sql": "-- migrate:up\n\n-- migrate:down\n" });
  const first = recorder();
  await up(targetOf({ url: db.url, folder }), first);
  expect(warningsIn(first)).toEqual(["SOURCE_FILE_EMPTY", "SOURCE_FILE_EMPTY"]);
  expect(await appliedIn(db)).toEqual(["0001_a", "0002_b"]);
});

test("the command says it in the plan, in the run and as JSON, and a script has the row", async ({ db }) => {
  const folder = folderOf({ "migrations/0001_a.sql": "" });
  const godwit = commandIn({ folder, url: db.url });
  const { json } = await godwit("plan", "--json");
  expect(json.plan.warnings).toMatchObject([{ code: "SOURCE_FILE_EMPTY", place: { file: "0001_a.sql" } }]);
  const { stdout } = await godwit("up", "--sql");
  expect(stdout).toContain("0001_a");
  const { stderr } = await godwit("up");
  expect(stderr.match(/0001_a\.sql does nothing/g)).toHaveLength(1);
  const after = await godwit("plan", "--json");
  expect(after.json.plan.warnings).toEqual([]);
});
