/** Behind a pooler, the session of a window keeps the name of its run until the COMMIT, and no longer. */
import { leaveSession } from "../../src/run/session/settings.ts";
import { expect, test } from "../support/database.ts";

test("a session that commits behind a pooler is known by the name of its run, and then by the pooler's", async ({
  db,
}) => {
  const client = await db.connect();
  const name = async () => (await client.query("show application_name")).rows[0]?.application_name;
  const before = await name();
  await client.query("begin; set local application_name = 'godwit run 1'");
  await client.query(leaveSession({ session: false, version: 160_000, applicationName: "godwit run 1" }));
  expect(await name()).toBe("godwit run 1");
  await client.query("commit");
  expect(await name()).toBe(before);
});
