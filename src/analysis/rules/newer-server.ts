/** What older servers do not know. A row for each feature. */
import { namesOf, type Tree, walk } from "../tree.ts";
import { eachStatement, type Rule } from "./rule.ts";

interface Feature {
  readonly since: number;
  readonly name: string;
  /** What its node looks like, by kind. */
  readonly kind: string;
  readonly is: (node: Readonly<Record<string, unknown>>) => boolean;
}

const always = () => true;
const has = (key: string) => (node: Readonly<Record<string, unknown>>) => node[key] !== undefined;
const equals = (key: string, value: unknown) => (node: Readonly<Record<string, unknown>>) =>
  node[key] === value;
const calls =
  (...names: readonly string[]) =>
  (node: Readonly<Record<string, unknown>>) =>
    names.includes(namesOf(node.funcname as never).at(-1) ?? "");
const option =
  (...names: readonly string[]) =>
  (node: Readonly<Record<string, unknown>>) =>
    names.includes(String(node.defname));

const FEATURES: readonly Feature[] = [
  { since: 14, name: "CREATE OR REPLACE TRIGGER", kind: "CreateTrigStmt", is: equals("replace", true) },
  { since: 14, name: "DETACH PARTITION CONCURRENTLY", kind: "PartitionCmd", is: equals("concurrent", true) },
  { since: 14, name: "COMPRESSION of a column", kind: "ColumnDef", is: has("compression") },
  { since: 15, name: "MERGE", kind: "MergeStmt", is: always },
  { since: 15, name: "NULLS NOT DISTINCT", kind: "IndexStmt", is: equals("nulls_not_distinct", true) },
  { since: 15, name: "NULLS NOT DISTINCT", kind: "Constraint", is: equals("nulls_not_distinct", true) },
  { since: 15, name: "security_invoker of a view", kind: "DefElem", is: option("security_invoker") },
  {
    since: 15,
    name: "SET ACCESS METHOD",
    kind: "AlterTableCmd",
    is: equals("subtype", "AT_SetAccessMethod"),
  },
  { since: 16, name: "any_value()", kind: "FuncCall", is: calls("any_value") },
  { since: 16, name: "STORAGE in CREATE TABLE", kind: "ColumnDef", is: has("storage_name") },
  { since: 17, name: "SET EXPRESSION", kind: "AlterTableCmd", is: equals("subtype", "AT_SetExpression") },
  { since: 17, name: "JSON_TABLE", kind: "JsonTable", is: always },
  { since: 17, name: "RETURNING of MERGE", kind: "MergeStmt", is: has("returningClause") },
  {
    since: 17,
    name: "WHEN NOT MATCHED BY SOURCE",
    kind: "MergeWhenClause",
    is: equals("matchKind", "MERGE_WHEN_NOT_MATCHED_BY_SOURCE"),
  },
  { since: 17, name: "ON_ERROR of COPY", kind: "DefElem", is: option("on_error") },
  { since: 18, name: "uuidv7()", kind: "FuncCall", is: calls("uuidv7", "uuidv4") },
  { since: 18, name: "a VIRTUAL generated column", kind: "Constraint", is: equals("generated_kind", "v") },
  {
    since: 18,
    name: "NOT NULL … NOT VALID",
    kind: "Constraint",
    is: (node) => node.contype === "CONSTR_NOTNULL" && node.skip_validation === true,
  },
  { since: 18, name: "WITHOUT OVERLAPS", kind: "Constraint", is: equals("without_overlaps", true) },
  { since: 18, name: "PERIOD of a foreign key", kind: "Constraint", is: equals("fk_with_period", true) },
  {
    since: 18,
    name: "NOT ENFORCED",
    kind: "Constraint",
    is: (node) =>
      (node.contype === "CONSTR_CHECK" || node.contype === "CONSTR_FOREIGN") && node.is_enforced !== true,
  },
  { since: 18, name: "OLD and NEW in RETURNING", kind: "ReturningOption", is: always },
];

function newerThan(tree: Tree, server: number): readonly Feature[] {
  const found = new Set<Feature>();
  walk(tree, (kind, node) => {
    for (const feature of FEATURES)
      if (feature.kind === kind && feature.since > server && feature.is(node)) found.add(feature);
  });
  return [...found];
}

export const newerServer: Rule = {
  id: "newer-server",
  level: "error",
  what: "A statement needs a newer PostgreSQL than the target has.",
  why: "The server refuses it, so the step fails each time.",
  safer: "Write it as the target's version knows it, or upgrade the server first.",
  bad: {
    files: {
      "0001_generated.sql": "create table areas (a int, doubled int generated always as (a * 2) virtual);\n",
    },
    server: 15,
  },
  good: {
    files: {
      "0001_generated.sql": "create table areas (a int, doubled int generated always as (a * 2) stored);\n",
    },
    server: 15,
  },
  check: (script, { server }) =>
    server === null
      ? []
      : eachStatement(script, ({ tree }) =>
          newerThan(tree, server).map(
            ({ name, since }) => `${name} needs PostgreSQL ${since}, and the target has ${server}.`,
          ),
        ),
};
