import { expect, test } from "../support/database.ts";
import { folderOf, targetOf, up } from "../support/target.ts";

const BODY = `create function greet(name text) returns text language plpgsql as $body$
begin
  -- a comment with ; and ' in it
  execute $q$ create table if not exists greeted (name text); $q$;
  execute format('insert into greeted values (%L)', name);
  return 'hello; ' || name || $$ 'quoted'; $$ || E'\\';';
end;
$body$;
create function twice(n int) returns int begin atomic; select n * 2; end;
create table "semi;colon" (a int default 1); /* nested /* ; */ ; */
select greet($1$x;y$1$);`.replaceAll("$1$", "$one$");

test("22: The splitter breaks the body of a function at its semicolons", async ({ db }) => {
  const folder = folderOf({
    "0001_whole.sql": BODY,
    // The same in pieces, each sent alone.
    "0002_pieces.sql": `-- godwit: transaction=off
drop function greet, twice; drop table "semi;colon";\n${BODY}\nvacuum "semi;colon";`,
  });
  const report = await up(targetOf({ url: db.url, folder }));
  expect(report.steps.map((step) => step.transactional)).toEqual([true, false]);
  expect(await db.sql("select name from greeted")).toEqual([{ name: "x;y" }, { name: "x;y" }]);
  expect(await db.sql("select greet('z') as greeting, twice(21) as n")).toEqual([
    { greeting: "hello; z 'quoted'; ';", n: 42 },
  ]);
});
