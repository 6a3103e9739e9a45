/** Privileges that are left after pg-delta: a REVOKE on a table takes those on its columns with it. */
import { columnOf, type Rule, type SchemaChange, texts } from "./change.ts";

const KINDS = ["column", "table", "view", "materialized view", "foreign table", "sequence"];

export const privileges: Rule = (change) => {
  const found = change.attributes.find(({ attribute }) => attribute === "privileges");
  if (change.change !== "changed" || found === undefined || !KINDS.includes(change.kind)) return null;
  const [from, to] = [texts(found.from), texts(found.to)].map(
    (list) => new Map(list.map((text) => entry(text, change))),
  );
  const on = subject(change);
  const statements: string[] = [];
  for (const [who] of from ?? [])
    if (to?.get(who) !== from?.get(who))
      statements.push(`REVOKE ALL${on.columns} ON ${on.object} FROM ${who}`);
  for (const [who, granted] of to ?? []) {
    if (from?.get(who) === granted) continue;
    for (const privilege of granted.split(", ")) {
      const [name = "", option] = privilege.split(" with grant option", 2);
      const more = option === undefined ? "" : " WITH GRANT OPTION";
      statements.push(`GRANT ${name}${on.columns} ON ${on.object} TO ${who}${more}`);
    }
  }
  return statements;
};

function entry(text: string, { before, after }: SchemaChange): readonly [who: string, privileges: string] {
  const at = text.lastIndexOf(": ");
  const who = text.slice(0, at);
  const owner = String((after ?? before)?.attributes.owner ?? "CURRENT_USER");
  return [who === "(owner)" ? owner : who, text.slice(at + 2)];
}

function subject(change: SchemaChange) {
  if (change.kind === "column") {
    const { table, column } = columnOf(change.name, change.after);
    return { columns: ` (${column})`, object: table };
  }
  return { columns: "", object: change.kind === "sequence" ? `SEQUENCE ${change.name}` : change.name };
}
