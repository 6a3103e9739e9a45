/** A difference between two schemas, with the object on either side. What the rules look at. Pure. */
import { quotedName } from "../core/sql/quote.ts";
import { byIdentity, compareSchemas, type SchemaDifference } from "../schema/compare.ts";
import { type Attribute, identity, type SchemaObject, type SchemaSnapshot } from "../schema/snapshot.ts";

export interface SchemaChange extends SchemaDifference {
  readonly before: SchemaObject | undefined;
  readonly after: SchemaObject | undefined;
  /** Of the server that the statements are for. */
  readonly version: number;
}

/** The statements for a difference. `null`: the rule knows nothing of it. */
export type Rule = (change: SchemaChange) => readonly string[] | null;

export function changesBetween(from: SchemaSnapshot, to: SchemaSnapshot): readonly SchemaChange[] {
  const [before, after] = [byIdentity(from), byIdentity(to)];
  return compareSchemas(from, to).map((difference) => ({
    ...difference,
    before: before.get(identity(difference)),
    after: after.get(identity(difference)),
    version: from.server,
  }));
}

export function statementsBy(rules: readonly Rule[], changes: readonly SchemaChange[]): readonly string[] {
  return changes.flatMap((change) => rules.flatMap((rule) => rule(change) ?? []));
}

/** What has become of one attribute of an object that is on both sides. `undefined`: it has not changed. */
export function changed(change: SchemaChange, kind: string, attribute: string) {
  if (change.change !== "changed" || change.kind !== kind) return undefined;
  return change.attributes.find((one) => one.attribute === attribute);
}

/** `alter table s.t alter column a …` of a column of a table. */
export function alterColumn({ name, before, after }: SchemaChange, action: string): string {
  const { table, column } = columnOf(name, before ?? after);
  return `ALTER TABLE ${table} ALTER COLUMN ${column} ${action}`;
}

/** The names as they stand in a statement. */
export function columnOf(name: string, object: SchemaObject | undefined) {
  const table = tableOf(name, object);
  return { table, column: name.slice(table.length + 1) };
}

/** The table that an object such as a column or a constraint belongs to. */
export function tableOf(name: string, object: SchemaObject | undefined): string {
  for (const parent of object?.parents ?? []) {
    const [, table] = /^(?:foreign table|table|view|materialized view) (.*)$/s.exec(parent) ?? [];
    if (table !== undefined && (name.startsWith(`${table}.`) || object?.kind === "index")) return table;
  }
  return name;
}

export function texts(value: Attribute): readonly string[] {
  return Array.isArray(value) ? value : value === null ? [] : [String(value)];
}

/** The last part of a name, without its quotes. */
export function bareName(name: string): string {
  const [, quoted, plain] = /(?:"((?:[^"]|"")*)"|([^".]*))$/s.exec(name) ?? [];
  return quoted === undefined ? (plain ?? name) : quoted.replaceAll('""', '"');
}

export function quotedIfNeeded(name: string): string {
  return /^[a-z_][a-z0-9_$]*$/.test(name) ? name : quotedName(name);
}

/** One way to write names: in quotes only where they need them. For comparing, not for the server. */
export function bareStatement(text: string): string {
  return text.replace(/"([a-z_][a-z0-9_]*)"/g, "$1");
}
