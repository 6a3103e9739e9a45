/** What keeps others waiting. */
import type { RangeVar } from "libpg-query";
import { isCreatedHere, type ReadStatement, type Script } from "../script.ts";
import { droppedRelations, mayBeSame, relationName, treeOf } from "../tree.ts";
import { eachStatement, type Hit, type Rule } from "./rule.ts";

export const indexWithoutConcurrently: Rule = {
  id: "index-without-concurrently",
  level: "warning",
  what: "An index is built on a table that is in use, without CONCURRENTLY.",
  why: "Nobody can write to the table until the index is built.",
  safer: "Write CREATE INDEX CONCURRENTLY, in a migration of its own.",
  bad: { files: { "0001_index.sql": "create index orders_day on orders (day);\n" } },
  good: {
    files: {
      "0001_new.sql": "create table orders (day date);\ncreate index orders_day on orders (day);\n",
      "0002_index.sql": "create index concurrently orders_hour on orders (hour);\n",
    },
  },
  check: (script) =>
    eachStatement(script, ({ tree }) => {
      const index = tree.IndexStmt;
      if (index?.relation === undefined || index.concurrent === true) return null;
      // `create index on only` reads no rows: it makes the index of the parent, which is invalid until those of the partitions are attached.
      if (index.relation.inh === false || isCreatedHere(script, index.relation)) return null;
      return `Nobody can write to ${relationName(index.relation)} until the index ${index.idxname ?? ""} is built.`.replace(
        "  ",
        " ",
      );
    }),
};

/** Commands of ALTER TABLE that let others read and write. */
const MILD = new Set([
  "AT_ValidateConstraint",
  "AT_SetStatistics",
  "AT_SetRelOptions",
  "AT_ResetRelOptions",
  "AT_ClusterOn",
  "AT_DropCluster",
  "AT_AttachPartition",
  "AT_SetOptions",
  "AT_ResetOptions",
]);

/** Tables that a statement locks so that others cannot write. */
function lockedBy({ tree }: ReadStatement, { direction }: Script): readonly RangeVar[] {
  const { AlterTableStmt, DropStmt, TruncateStmt, RenameStmt, IndexStmt, CreateTrigStmt, CreatePolicyStmt } =
    tree;
  if (AlterTableStmt?.objtype === "OBJECT_TABLE") {
    const isMild = (AlterTableStmt.cmds ?? []).every((node) =>
      MILD.has(treeOf(node).AlterTableCmd?.subtype ?? ""),
    );
    return isMild ? [] : listOf(AlterTableStmt.relation);
  }
  // A way down drops what its way up has made.
  if (DropStmt?.removeType === "OBJECT_TABLE")
    return direction === "down" ? [] : droppedRelations(DropStmt.objects);
  if (TruncateStmt !== undefined)
    return (TruncateStmt.relations ?? []).flatMap((node) => listOf(treeOf(node).RangeVar));
  if (RenameStmt !== undefined) return listOf(RenameStmt.relation);
  if (IndexStmt !== undefined) return IndexStmt.concurrent === true ? [] : listOf(IndexStmt.relation);
  return listOf(CreateTrigStmt?.relation ?? CreatePolicyStmt?.table);
}

function listOf(relation: RangeVar | undefined): readonly RangeVar[] {
  return relation === undefined ? [] : [relation];
}

function lockedUpFront({ tree }: ReadStatement): readonly RangeVar[] {
  return (tree.LockStmt?.relations ?? []).flatMap((node) => listOf(treeOf(node).RangeVar));
}

export const severalHotTables: Rule = {
  id: "several-hot-tables",
  level: "warning",
  what: "One transaction locks several tables that are in use, one after the other.",
  why: "It holds the first one while it waits for the next, and an app that takes them in another order ends in a deadlock.",
  safer: "Give each table a migration of its own, or begin with one LOCK TABLE that names them all.",
  bad: {
    files: {
      "0001_note.sql":
        "alter table orders add column note text;\nalter table customers add column note text;\n",
    },
  },
  good: {
    files: {
      "0001_orders.sql": "alter table orders add column note text;\n",
      "0002_both.sql":
        "lock table customers, orders in access exclusive mode;\nalter table orders add column hour int;\nalter table customers add column hour int;\n",
    },
  },
  check: (script): readonly Hit[] => {
    if (!script.transactional) return [];
    const held: RangeVar[] = script.statements.flatMap(lockedUpFront);
    const upFront = held.length;
    for (const statement of script.statements)
      for (const relation of lockedBy(statement, script)) {
        if (isCreatedHere(script, relation) || held.some((one) => mayBeSame(one, relation))) continue;
        held.push(relation);
        const own = held.slice(upFront);
        const [first] = upFront > 0 ? held : own;
        if (first === undefined || held.length < 2) continue;
        return [
          {
            at: statement.start,
            message: `It locks ${relationName(relation)} while it still holds ${relationName(first)}.`,
          },
        ];
      }
    return [];
  },
};

export const notNullWithoutCheck: Rule = {
  id: "not-null-without-check",
  level: "warning",
  what: "A column that is in use becomes NOT NULL without a check that is valid already.",
  why: "PostgreSQL reads the whole table, and nobody else can read or write it meanwhile.",
  safer:
    "First ADD CONSTRAINT … CHECK (column IS NOT NULL) NOT VALID. In the next migration VALIDATE CONSTRAINT, and behind it SET NOT NULL.",
  bad: { files: { "0001_required.sql": "alter table orders alter column day set not null;\n" } },
  good: {
    files: {
      "0001_check.sql":
        "alter table orders add constraint orders_day_set check (day is not null) not valid;\n",
      "0002_required.sql":
        "alter table orders validate constraint orders_day_set;\nalter table orders alter column day set not null;\n",
    },
  },
  check: (script) => {
    const validated: RangeVar[] = [];
    return eachStatement(script, ({ tree: { AlterTableStmt: alter } }) => {
      const relation = alter?.relation;
      if (alter === undefined || relation === undefined || isCreatedHere(script, relation)) return null;
      const cmds = (alter.cmds ?? []).map((node) => treeOf(node).AlterTableCmd);
      if (cmds.some((cmd) => cmd?.subtype === "AT_ValidateConstraint")) validated.push(relation);
      if (validated.some((one) => mayBeSame(one, relation))) return null;
      return cmds.flatMap((cmd) =>
        cmd?.subtype === "AT_SetNotNull"
          ? [
              `All of ${relationName(relation)} is read for ${cmd.name}, and nobody else can use it meanwhile.`,
            ]
          : [],
      );
    });
  },
};

export const requiredColumn: Rule = {
  id: "required-column",
  level: "error",
  what: "A new column is NOT NULL and has no default.",
  why: "The statement fails if the table has a row. If not, inserts of the last version of the app fail.",
  safer: "Give it a DEFAULT, or add it without NOT NULL, fill it with a backfill and require it then.",
  bad: { files: { "0001_day.sql": "alter table orders add column day date not null;\n" } },
  good: { files: { "0001_day.sql": "alter table orders add column day date not null default now();\n" } },
  check: (script) =>
    eachStatement(script, ({ tree: { AlterTableStmt: alter } }) => {
      if (alter?.relation === undefined || isCreatedHere(script, alter.relation)) return null;
      const name = relationName(alter.relation);
      return (alter.cmds ?? []).flatMap((node) => {
        const cmd = treeOf(node).AlterTableCmd;
        const column = treeOf(cmd?.def).ColumnDef;
        if (cmd?.subtype !== "AT_AddColumn" || column === undefined) return [];
        const kinds = (column.constraints ?? []).map((each) => treeOf(each).Constraint?.contype);
        const isRequired = kinds.includes("CONSTR_NOTNULL") || kinds.includes("CONSTR_PRIMARY");
        const isFilled = ["CONSTR_DEFAULT", "CONSTR_IDENTITY", "CONSTR_GENERATED"].some((kind) =>
          kinds.includes(kind as "CONSTR_DEFAULT"),
        );
        const type = column.typeName?.names?.map((each) => treeOf(each).String?.sval).at(-1) ?? "";
        if (!isRequired || isFilled || /^(?:big|small)?serial[248]?$/.test(type)) return [];
        return [`${name}.${column.colname} is NOT NULL and has no default: it fails if ${name} has a row.`];
      });
    }),
};

export const columnTypeChange: Rule = {
  id: "column-type-change",
  level: "warning",
  what: "A column that is in use gets another type.",
  why: "Unless the new type only lifts a limit (varchar(10) to varchar(20) or text), the whole table is written anew, and nobody else can use it meanwhile.",
  safer:
    "Add a column of the new type, keep both filled with a trigger, copy the rows with a backfill, and swap.",
  bad: { files: { "0001_type.sql": "alter table orders alter column number type bigint;\n" } },
  good: { files: { "0001_type.sql": "alter table orders add column number_big bigint;\n" } },
  check: (script) =>
    eachStatement(script, ({ tree: { AlterTableStmt: alter } }) => {
      if (alter?.relation === undefined || isCreatedHere(script, alter.relation)) return null;
      const name = relationName(alter.relation);
      return (alter.cmds ?? []).flatMap((node) => {
        const cmd = treeOf(node).AlterTableCmd;
        if (cmd?.subtype !== "AT_AlterColumnType") return [];
        return [`The type of ${name}.${cmd.name} changes, which may write all of ${name} anew.`];
      });
    }),
};
