/** Where names without a schema are looked up. */
import { namesOf, treeOf } from "../tree.ts";
import { eachStatement, type Rule } from "./rule.ts";

export const searchPathLeak: Rule = {
  id: "search-path-leak",
  level: "warning",
  what: "The search path is changed for longer than a transaction.",
  why: "A run of Godwit resets it before the next migration. psql and other tools do not, and names then mean other tables.",
  safer: "Write SET LOCAL search_path, or put the schema before each name.",
  bad: { files: { "0001_path.sql": "set search_path = shop;\ncreate table orders (id bigint);\n" } },
  good: { files: { "0001_path.sql": "set local search_path = shop;\ncreate table orders (id bigint);\n" } },
  check: (script) =>
    eachStatement(script, ({ tree }) => {
      const { VariableSetStmt: set, AlterRoleSetStmt: role, AlterDatabaseSetStmt: database } = tree;
      if (set?.name === "search_path" && set.is_local !== true && set.kind === "VAR_SET_VALUE")
        return "The search path stays changed behind the end of the transaction.";
      if (role?.setstmt?.name === "search_path")
        return "Every new session of that role has another search path.";
      if (database?.setstmt?.name === "search_path")
        return `Every new session of ${database.dbname} has another search path.`;
      return tree.SelectStmt?.targetList?.some(isSetConfig) === true
        ? "set_config changes the search path behind the end of the transaction."
        : null;
    }),
};

/** `set_config('search_path', …, false)`, as pg_dump writes it. */
function isSetConfig(target: Parameters<typeof treeOf>[0]): boolean {
  const call = treeOf(treeOf(target).ResTarget?.val).FuncCall;
  if (namesOf(call?.funcname).at(-1) !== "set_config") return false;
  const [name, , local] = (call?.args ?? []).map((each) => treeOf(each).A_Const);
  return name?.sval?.sval === "search_path" && local?.boolval?.boolval !== true;
}
