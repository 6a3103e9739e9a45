/** What a migration's text answers with is not kept: memory does not grow with it. */
import { describe } from "vitest";
import { MOST_CHARACTERS } from "../../src/std/secret.ts";
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { watchMemory } from "../support/memory.ts";
import { folderOf, recorder, targetOf, up } from "../support/target.ts";

/** 300 MB in rows of 1 kB. */
const ROWS = "select repeat('x', 1000) as x from generate_series(1, 300000)";
const MOST_BYTES = 200 * 1024 * 1024;

describe.skipIf(process.platform !== "linux")("300 MB of rows need no memory", () => {
  test.for([
    ["in a transaction", "0001_rows.sql", `${ROWS};`],
    ["statement by statement", "0001_rows.sql", `-- godwit: transaction=off\n${ROWS};`],
    [
      "in a module that executes a text",
      "0001_rows.mjs",
      `export const up = ({ execute }) => execute(${JSON.stringify(ROWS)});`,
    ],
    ["as the data of a COPY", "0001_rows.sql", `copy (${ROWS}) to stdout;`],
  ] as const)("%s", async ([, name, text], { db }) => {
    const folder = folderOf({ [`migrations/${name}`]: text });
    const running = commandIn({ folder, url: db.url }).start("up", "--json");
    const memory = watchMemory(running.child.pid ?? 0);
    expect((await running.exits(0)).json.report.outcome).toBe("done");
    expect(memory.stop()).toBeLessThan(MOST_BYTES);
  });
});

test("a flood of notices is told up to a limit, and that there are more", async ({ db }) => {
  const context = recorder();
  const folder = folderOf({
    "0001_loud.sql":
      "do $$ begin for i in 1..5000 loop raise notice '%', repeat('n', 20000); end loop; end $$;",
  });
  await up(targetOf({ url: db.url, folder }), context);
  const notices = context.events.flatMap((event) => (event.kind === "notice" ? [event.message] : []));
  expect(notices).toHaveLength(1001);
  expect(notices.at(-1)).toContain("the rest is not shown");
  expect(Math.max(...notices.map((notice) => notice.length))).toBeLessThanOrEqual(MOST_CHARACTERS);
});
