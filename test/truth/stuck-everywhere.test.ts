/** A step that stands half-way and that `up` refuses: every command that says what `up` does says so too. */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { type Files, folderOf } from "../support/target.ts";

interface Scene {
  readonly files: Files;
  readonly edit?: Files;
  readonly code: "PLAN_PARTIAL" | "PLAN_PARTIAL_EDITED";
}

const LAST = { "migrations/0003_c.sql": "create table c (id int);" };
const SCENES: Readonly<Record<string, Scene>> = {
  "a CALL that kept a part": {
    code: "PLAN_PARTIAL",
    files: {
      "migrations/0001_a.sql":
        "create table a (id int); create procedure p() language plpgsql as $$ begin insert into a values (1); commit; perform 1/0; end $$;",
      "migrations/0002_b.sql": "call p();",
    },
  },
  "a statement that is done and was edited": {
    code: "PLAN_PARTIAL_EDITED",
    files: {
      "migrations/0001_a.sql": "create table a (id int);",
      "migrations/0002_b.sql": "create index concurrently x on a (id);\nselect 1 / 0;",
    },
    edit: { "migrations/0002_b.sql": "create index concurrently y on a (id);\nselect 1 / 0;" },
  },
  "a module outside a transaction": {
    code: "PLAN_PARTIAL",
    files: {
      "migrations/0001_a.sql": "create table a (id int);",
      "migrations/0002_b.ts":
        "export const transaction = false;\nexport async function up({ sql }) { await sql`insert into a values (1)`; throw new Error('x'); }",
    },
  },
};

test.for(Object.entries(SCENES))("%s", async ([, { files, edit = {}, code }], { db }) => {
  const folder = folderOf({ ...files, ...LAST });
  const godwit = commandIn({ folder, url: db.url });
  await godwit.fails(1, "up");
  for (const [name, text] of Object.entries(edit)) {
    rmSync(join(folder, name));
    writeFileSync(join(folder, name), text);
  }
  const { json } = await godwit.fails(1, "up", "--dry-run", "--json");
  expect(json).toMatchObject({
    ok: false,
    report: { outcome: "failed", failures: [{ revision: "0002_b", problem: { code }, uncertain: false }] },
  });
  for (const command of [["plan"], ["status", "--check"], ["up"]])
    expect((await godwit.fails(1, ...command, "--json")).json.problems, command[0]).toMatchObject([{ code }]);
});
