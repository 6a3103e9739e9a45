/** What the last version of an app may still use. */
import type { RangeVar } from "libpg-query";
import { isCreatedHere, type ReadStatement, type Script } from "../script.ts";
import { droppedRelations, relationName, treeOf } from "../tree.ts";
import { eachStatement, type Rule } from "./rule.ts";

const DROPPED: Readonly<Record<string, string>> = {
  OBJECT_TABLE: "table",
  OBJECT_VIEW: "view",
  OBJECT_MATVIEW: "materialized view",
  OBJECT_SEQUENCE: "sequence",
  OBJECT_FOREIGN_TABLE: "foreign table",
};

/** What a statement takes away for good, in words. Views hold no data. */
function takenAway(statement: ReadStatement, script: Script): readonly string[] {
  const { DropStmt, TruncateStmt, AlterTableStmt } = statement.tree;
  const old = (relation: RangeVar | undefined) => relation !== undefined && !isCreatedHere(script, relation);
  if (TruncateStmt !== undefined)
    return (TruncateStmt.relations ?? []).flatMap((node) => {
      const relation = treeOf(node).RangeVar;
      return relation !== undefined && old(relation) ? [`the rows of ${relationName(relation)}`] : [];
    });
  if (DropStmt !== undefined) {
    const { removeType = "", objects } = DropStmt;
    if (removeType === "OBJECT_SCHEMA")
      return (objects ?? []).map((node) => `schema ${treeOf(node).String?.sval ?? ""}`);
    const what = DROPPED[removeType];
    if (what === undefined) return [];
    return droppedRelations(objects)
      .filter(old)
      .map((relation) => `${what} ${relationName(relation)}`);
  }
  if (AlterTableStmt === undefined || !old(AlterTableStmt.relation)) return [];
  return (AlterTableStmt.cmds ?? []).flatMap((node) => {
    const cmd = treeOf(node).AlterTableCmd;
    if (cmd?.subtype !== "AT_DropColumn") return [];
    return [`column ${relationName(AlterTableStmt.relation ?? {})}.${cmd.name}`];
  });
}

function isKept({ direction, migration }: Script): boolean {
  return direction === "down" || migration.phase === "contract";
}

export const destructiveOutsideContract: Rule = {
  id: "destructive-outside-contract",
  level: "warning",
  what: "A table, column, view or schema is dropped, or a table emptied, before the phase contract.",
  why: "While a release rolls out, the last version of the app still reads and writes it.",
  safer:
    "Put it into a migration of the phase contract (`-- godwit: phase=contract`), which runs when no old version does.",
  bad: { files: { "0001_drop.sql": "alter table orders drop column note;\n" } },
  good: {
    files: { "0001_drop.sql": "-- godwit: phase=contract\nalter table orders drop column note;\n" },
  },
  check: (script) =>
    isKept(script)
      ? []
      : eachStatement(script, (statement) =>
          takenAway(statement, script).map(
            (what) => `It takes away ${what}, which the last version of the app may use.`,
          ),
        ).map((hit) => (script.layout === "plain" ? hit : { ...hit, hint: OTHER_LAYOUTS })),
};

/** Other tools have no phases, and their files stay theirs. */
const OTHER_LAYOUTS = "Apply it in a later release, when no version of the app uses it any more.";

export const renameInPlace: Rule = {
  id: "rename-in-place",
  level: "warning",
  what: "A table or a column gets another name.",
  why: "The last version of the app uses the old name, and the new one the new name. One of them fails.",
  safer:
    "Add the new one, write to both, copy the rows with a backfill, and drop the old one in the phase contract.",
  bad: { files: { "0001_rename.sql": "alter table orders rename column note to remark;\n" } },
  good: { files: { "0001_add.sql": "alter table orders add column remark text;\n" } },
  check: (script) =>
    isKept(script)
      ? []
      : eachStatement(script, ({ tree }) => {
          const rename = tree.RenameStmt;
          if (rename?.relation === undefined || isCreatedHere(script, rename.relation)) return null;
          const name = relationName(rename.relation);
          if (rename.renameType === "OBJECT_COLUMN" && rename.relationType === "OBJECT_TABLE")
            return `${name}.${rename.subname} becomes ${rename.newname}, and the last version of the app uses the old name.`;
          if (rename.renameType === "OBJECT_TABLE" || rename.renameType === "OBJECT_VIEW")
            return `${name} becomes ${rename.newname}, and the last version of the app uses the old name.`;
          return null;
        }),
};

export const noWayBack: Rule = {
  id: "no-way-back",
  level: "hint",
  what: "A migration takes data away and has no way down.",
  why: "A `down` stops before it, and a rollback of the release cannot pass it.",
  safer: "Write a `-- migrate:down` section that makes it again, even if the rows are gone.",
  bad: { files: { "0001_drop.sql": "-- godwit: phase=contract\ndrop table notes;\n" } },
  good: {
    files: {
      "0001_drop.sql":
        "-- godwit: phase=contract\n\n-- migrate:up\ndrop table notes;\n\n-- migrate:down\ncreate table notes (id bigint);\n",
    },
  },
  check: (script) =>
    script.direction === "down" || script.migration.revertible
      ? []
      : eachStatement(script, (statement) => {
          const [what] = takenAway(statement, script).filter(
            (each) => !/^(?:materialized )?view /.test(each),
          );
          return what === undefined ? null : `It takes away ${what}, and the migration has no way back.`;
        }),
};
