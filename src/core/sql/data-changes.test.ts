import { expect, test } from "vitest";
import { dataChanges } from "./data-changes.ts";

const shown = (text: string) => {
  const found = dataChanges(text);
  if (found === null) return null;
  return [...(found.main === null ? ["reads"] : [found.main]), ...found.parts].map((change) =>
    typeof change === "string"
      ? change
      : [change.verb, change.table, change.alias, change.upserts && "upserts", change.returns && "returns"]
          .filter((word) => word !== false)
          .join(" "),
  );
};

test.each([
  ["update t set a = 1 where :window", ['update "t" t']],
  ["-- first\nUPDATE ONLY (s.T) AS x SET a = 1", ['update "s"."t" x']],
  ['update only "T" "x y" set a = 1 returning a', ['update "T" x y returns']],
  ["update t set a = json_value(b, '$.c' returning int), d = x.returning", ['update "t" t']],
  ["delete from t using u where t.a = u.a", ['delete "t" t']],
  ["delete from t where :window returning *", ['delete "t" t returns']],
  ["merge into t as x using u on x.a = u.a when matched then do nothing", ['merge "t" x']],
  ["insert into t select a from u where :window", ['insert "t" t']],
  ["insert into t as x (a) select a from u on conflict (a) do update set a = 1", ['insert "t" x upserts']],
  ["insert into t select a from u on conflict do nothing returning a", ['insert "t" t returns']],
  ["select f(id) from t where :window", ["reads"]],
  [
    "with recursive a (b) as (select 1), c as not materialized (table x) update t set a = 1",
    ['update "t" t'],
  ],
  ["with update as (select 'delete from y' from x for update) delete from t", ['delete "t" t']],
  [
    "with a as (delete from t where :window returning *), b as materialized (with c as (select 1) update u v set a = 1) insert into w select * from a",
    ['insert "w" w', 'delete "t" t returns', 'update "u" v'],
  ],
  [
    "with a as (insert into t values (1) on conflict (a) do update set a = 2) select 1",
    ["reads", 'insert "t" t upserts'],
  ],
  ["with a as (select 1) search breadth first by b set c update t set a = 1", null],
  ["call p()", null],
  ["update", null],
  ["", null],
])("%s", (text, changes) => {
  expect(shown(text)).toEqual(changes);
});
