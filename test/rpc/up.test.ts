/** `godwit up` over HTTPS, with the project's URL and key alone. */
import { makeCertificate } from "../support/certificate.ts";
import { commandIn } from "../support/command.ts";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { installFunction, startPostgrest } from "../support/postgrest.ts";
import { folderOf } from "../support/target.ts";

const MIGRATIONS = {
  "migrations/0001_brands.sql": "create table brands (id int primary key, name text);",
  "migrations/0002_fill.sql": "insert into brands values (1, 'Ä rose'), (2, 'b');",
};

test("one URL and one key are enough: two migrations, over TLS, once", async ({ db }) => {
  const folder = folderOf(MIGRATIONS);
  const { file, files } = makeCertificate(folder);
  const tls = { cert: files["server.crt"] ?? "", key: files["server.key"] ?? "" };
  await installFunction(db);
  await using api = await startPostgrest(db, { tls });
  const command = commandIn({ folder, env: { ...api.env, NODE_EXTRA_CA_CERTS: file } });
  expect((await command("plan", "--json")).json.plan.steps).toHaveLength(2);
  await command("up");
  expect(await db.sql("select name from brands order by id")).toEqual([{ name: "Ä rose" }, { name: "b" }]);
  expect((await command("up", "--json")).json.report.steps).toEqual([]);
  expect(await db.sql(`select filename from "${ledgerSchema}".migration_history order by sequence`)).toEqual([
    { filename: "0001_brands.sql" },
    { filename: "0002_fill.sql" },
  ]);
});
