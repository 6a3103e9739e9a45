/** A statement timeout that a migration leaves does not count for what we send behind it, however much that is. */
import { describe } from "vitest";
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";

/** Looked at behind the text, in one message that takes the server some milliseconds. */
const INDEXES = Array.from({ length: 300 }, (_, n) => `create index if not exists i${n} on a (id);`).join(
  "\n",
);
/** Deferred work that outlasts the timeout. */
const DEFERRED = `create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(0.05); return null; end $$;
create constraint trigger late after insert on a deferrable initially deferred for each row execute function slow();
insert into a values (1);`;
const SHORT = "set statement_timeout = 1;";
const module = (text: string) => `async up({ execute }) { await execute(${JSON.stringify(text)}); } };`;

describe("with a timeout of 1 ms at its end", () => {
  for (const [title, name, text] of [
    ["a plain file is closed behind many indexes", "0002_b.sql", `${INDEXES}\n${SHORT}`],
    ["a plain file is closed behind deferred work", "0002_b.sql", `${DEFERRED}\n${SHORT}`],
    ["a block sets it", "0002_b.sql", `${DEFERRED}\ndo $$ begin set statement_timeout = 1; end $$;`],
    ["a module is closed", "0002_b.js", `export default { ${module(`${DEFERRED} ${SHORT}`)}`],
    ["a module outside a transaction", "0002_b.js", `export default { transaction: false, ${module(SHORT)}`],
    [
      "statements",
      "0002_b.sql",
      `-- godwit: transaction=off\n${INDEXES.slice(0, 400).replace(/[^;]*$/, "")}\n${SHORT}`,
    ],
  ] as const)
    test(title, async ({ db }) => {
      const folder = folderOf({
        "migrations/0001_a.sql": "create table a (id int);",
        [`migrations/${name}`]: text,
        "migrations/0003_c.sql": "create table c (id int);",
      });
      const godwit = commandIn({ folder, url: db.url });
      if (name.endsWith("sql") && !text.includes("transaction=off")) await godwit("up", "--dry-run");
      const { json } = await godwit("up", "--json");
      expect(json.report.steps).toHaveLength(3);
    });
});
