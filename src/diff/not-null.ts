/** NOT NULL as a constraint with a name of its own, as PostgreSQL 18 has it. pg-delta knows only that there is one. */
import { alterColumn, bareName, changed, columnOf, quotedIfNeeded, type Rule } from "./change.ts";
import { isMadeName } from "./judge.ts";

interface NotNull {
  readonly name: string;
  readonly valid: boolean;
  readonly inherited: boolean;
}

export const notNull: Rule = (change) => {
  const found = changed(change, "column", "not null constraint");
  if (found === undefined || isMadeName(found.attribute, found.from, found.to)) return null;
  if (change.after?.attributes["not null"] !== true) return null;
  const { table, column } = columnOf(change.name, change.after);
  const usual = quotedIfNeeded(`${bareName(table)}_${bareName(column)}_not_null`);
  const [from, to] = [read(found.from, usual), read(found.to, usual)];
  if (from.valid && !to.valid)
    return [
      alterColumn(change, "DROP NOT NULL"),
      `ALTER TABLE ${table} ADD CONSTRAINT ${to.name} NOT NULL ${column}${to.inherited ? "" : " NO INHERIT"} NOT VALID`,
    ];
  return [
    ...(from.name === to.name ? [] : [`ALTER TABLE ${table} RENAME CONSTRAINT ${from.name} TO ${to.name}`]),
    ...(from.valid === to.valid ? [] : [`ALTER TABLE ${table} VALIDATE CONSTRAINT ${to.name}`]),
    ...(from.inherited === to.inherited
      ? []
      : [`ALTER TABLE ${table} ALTER CONSTRAINT ${to.name} ${to.inherited ? "INHERIT" : "NO INHERIT"}`]),
  ];
};

/** `named must, not valid, no inherit` */
function read(value: unknown, usual: string): NotNull {
  const text = typeof value === "string" ? value : "";
  const name = /^named ((?:"(?:[^"]|"")*"|[^",])+)/.exec(text)?.[1] ?? usual;
  const rest = text.startsWith("named ") ? text.slice("named ".length + name.length) : text;
  return { name, valid: !/\bnot valid\b/.test(rest), inherited: !/\bno inherit\b/.test(rest) };
}
