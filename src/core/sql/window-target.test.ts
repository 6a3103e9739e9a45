import { expect, test } from "vitest";
import { windowedTable } from "./window-target.ts";

test.for([
  ["update products set a = 1 where :window", '"products"'],
  ['/* x */ update only Shop."Pro ducts" * as p set a = 1 where :window(p) and a <> 2', '"shop"."Pro ducts"'],
  ["update products p set a = o.a from orders o where o.p = p.id and :window(p)", '"products"'],
  ["update products set a = 1 where :window(products)", '"products"'],
  ["delete from products where :window", '"products"'],
  ["delete from products p using orders o where :window(p) and o.p = p.id", '"products"'],
  // The window is that of the joined table, or may be.
  ["update lines l set a = 1 from orders o where :window(o) and l.o = o.id", null],
  ["delete from lines using orders where :window and o = order_id", null],
  ["update lines set a = 1 where exists (select from orders where :window and id = o)", null],
  ["insert into log select id from products where :window", null],
  ["with x as (select 1) update products set a = 1 where :window", null],
  ["update", null],
] as const)("%s", ([statement, table]) => {
  expect(windowedTable(statement)).toBe(table);
});

test.each([
  ["update t set a = b where :window and a is distinct from b", '"t"'],
  ["update t set a = (select 1 from x) where :window and (a in (select 2 from y))", '"t"'],
  ["update t set a = 1 from x where :window", null],
  ["update t set a = 1 where id in (select id from x where :window)", null],
])("a join beside the window, and none: %s", (statement, table) => {
  expect(windowedTable(statement)).toBe(table);
});
