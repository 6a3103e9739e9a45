/** Where `up` certainly fails, a dry run says so and exits 1, whatever it could not try before. */
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { type Files, folderOf } from "../support/target.ts";

const COMMITS = "create procedure commits() language plpgsql as 'begin commit; end';";
const module = (body: string) => `export async function up({ execute }: any) { ${body} }\n`;

test.for<[string, Files]>([
  [
    "an isolation level behind a query",
    { "0002_bad.sql": "select 1;\nset transaction isolation level serializable;" },
  ],
  [
    "the same in a DO block",
    { "0002_bad.sql": "do 'begin set transaction isolation level serializable; end';" },
  ],
  [
    "a procedure that commits, called by a module",
    { "0002_bad.ts": module('await execute("call commits()");') },
  ],
  ["one that is called beside other statements", { "0002_bad.sql": "select 1;\ncall commits();" }],
  ["a module that sends END", { "0002_bad.ts": module('await execute("end");') }],
])("%s", async ([, bad], { db }) => {
  const late = "-- godwit: transaction=off\ncreate table late (id int);";
  await db.sql(COMMITS);
  const files = Object.entries({ "0001_late.sql": late, ...bad });
  const folder = folderOf(Object.fromEntries(files.map(([name, text]) => [`migrations/${name}`, text])));
  const godwit = commandIn({ folder, url: db.url });
  const { json } = await godwit.fails(1, "up", "--dry-run", "--json");
  expect(json.report).toMatchObject({
    outcome: "failed",
    notTried: [{ revision: "0001_late" }],
    failures: [{ revision: "0002_bad", uncertain: false }],
  });
  const { json: up } = await godwit.fails(1, "up", "--json");
  expect(up.problems[0].code).toBe(json.problems[0].code);
});
