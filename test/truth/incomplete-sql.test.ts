/** What the reference of the errors says is refused, is refused. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../scripts/fresh.mjs";
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";

test.for<[name: string, text: string]>([
  ["string", "select 'a;"],
  ["quoted name", 'drop table "a;'],
  ["dollar-quoted string", "do $x$ begin; end $$;"],
  ["comment", "select 1; /* /* */"],
])(
  "what the reference calls incomplete is refused before anything runs: %s",
  async ([name, text], { db }) => {
    const row = readFileSync(join(root, "docs/reference/errors.md"), "utf8").match(
      /^\| `SOURCE_PARSE` .*$/m,
    )?.[0];
    expect(row).toContain(`: a string, a quoted name, a dollar-quoted string or a comment is never closed.`);
    const folder = folderOf({ "migrations/0001_a.sql": "create table a ();", "migrations/0002_b.sql": text });
    const { json } = await commandIn({ folder, url: db.url }).fails(1, "up", "--json");
    expect(json.problems[0]).toMatchObject({
      code: "SOURCE_PARSE",
      message: `0002_b.sql: ${name} is never closed.`,
    });
    expect(json.report.steps).toEqual([]);
  },
);
