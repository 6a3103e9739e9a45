/** A program in another language among the migrations is named, once, and stops nothing. */
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { type Files, folderOf } from "../support/target.ts";

const FOLDERS: Readonly<Record<string, Files>> = {
  "our own folder": {
    "migrations/0001_a.sql": "create table a (id int);",
    "migrations/0002_old.py": "x = 1",
  },
  "a folder of dbmate": {
    "db/migrations/20260101000000_a.sql":
      "-- migrate:up\ncreate table a (id int);\n-- migrate:down\ndrop table a;\n",
    "db/migrations/20260102000000_old.rb": "class Old; end",
  },
};

test.for(Object.entries(FOLDERS))("in %s", async ([, files], { db }) => {
  const dir = Object.keys(files)[0]?.replace(/\/[^/]*$/, "") ?? "";
  const godwit = commandIn({ folder: folderOf(files), url: db.url, env: { GODWIT_DIR: dir } });
  for (const command of [["plan"], ["up", "--dry-run"], ["up"], ["status"]]) {
    const { stdout, stderr } = await godwit(...command);
    const said = `${stdout}\n${stderr}`.match(/(?:0002_old\.py|20260102000000_old\.rb) is passed over/g);
    expect(said, command[0]).toHaveLength(1);
  }
});
