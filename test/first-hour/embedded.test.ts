/** The embedded server is warned of once, not by every command. */
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";

test("the first command warns, the others do not", async () => {
  const godwit = commandIn({ folder: folderOf({ "migrations/0001_a.sql": "create table a (id int);" }) });
  expect((await godwit("plan")).stderr).toContain(
    "warning: No DATABASE_URL is set: using an embedded PostgreSQL",
  );
  for (const command of ["up", "status"]) {
    const { stderr } = await godwit(command);
    expect(stderr).not.toContain("warning");
    expect(stderr).toContain("Started the embedded PostgreSQL");
  }
});
