/** What changes rows. */
import { isCreatedHere } from "../script.ts";
import { relationName, treeOf } from "../tree.ts";
import { eachStatement, type Rule } from "./rule.ts";

export const updateWithoutWhere: Rule = {
  id: "update-without-where",
  level: "warning",
  what: "One statement changes or deletes all rows of a table.",
  why: "It locks every row until it is committed, doubles the table, and replicas and autovacuum fall behind.",
  safer:
    "Make it a backfill, which goes through the table in small windows: `-- godwit: backfill table=… key=id`. To empty a table, TRUNCATE in the phase contract.",
  bad: { files: { "0001_fill.sql": "update orders set day = created_at::date;\n" } },
  good: {
    files: {
      "0001_fill.sql":
        "-- godwit: backfill table=orders key=id\nupdate orders set day = created_at::date where :window;\n",
    },
  },
  check: (script) =>
    eachStatement(script, ({ tree }) => {
      const { UpdateStmt: update, DeleteStmt: del } = tree;
      const relation = update?.relation ?? del?.relation;
      if (relation === undefined || isCreatedHere(script, relation)) return null;
      if ((update ?? del)?.whereClause !== undefined) return null;
      return `${update === undefined ? "It deletes" : "It writes"} every row of ${relationName(relation)} in one statement.`;
    }),
};

export const offsetLoop: Rule = {
  id: "offset-loop",
  level: "warning",
  what: "A loop goes through a table by OFFSET.",
  why: "Rows that it changes move, so it skips others. And each page reads all pages before it again.",
  safer: "Make it a backfill, which goes through the table by a key.",
  bad: {
    files: {
      "0001_loop.sql":
        "do $$\ndeclare n int := 0;\nbegin\n  loop\n    update orders set day = created_at where id in (select id from orders order by id limit 100 offset n);\n    exit when not found;\n    n := n + 100;\n  end loop;\nend $$;\n",
    },
  },
  good: { files: { "0001_loop.sql": "do $$ begin perform 1; end $$;\n" } },
  check: (script) =>
    eachStatement(script, ({ tree }) => {
      const body = tree.DoStmt?.args
        ?.map((each) => treeOf(treeOf(each).DefElem?.arg).String?.sval ?? "")
        .join(" ");
      if (body === undefined || !/\bloop\b/i.test(body) || !/\boffset\b/i.test(body)) return null;
      return "A loop goes through a table by OFFSET.";
    }),
};
