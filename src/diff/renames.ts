/** Statements that give a thing another name, and keep it. Pure. */
import type { SchemaSnapshot } from "../schema/snapshot.ts";
import { bareName, quotedIfNeeded, type SchemaChange, tableOf } from "./change.ts";
import type { RenameHint } from "./hints.ts";

/** From the hints, where the old name is there and the new one is wanted. */
export function hintedRenames(
  hints: readonly RenameHint[],
  { from, to }: { readonly from: SchemaSnapshot; readonly to: SchemaSnapshot },
): readonly string[] {
  const names = ({ objects }: SchemaSnapshot) => new Set(objects.map(({ kind, name }) => `${kind} ${name}`));
  const [there, wanted] = [names(from), names(to)];
  const isRename = (old: string, fresh: string) =>
    there.has(old) && !there.has(fresh) && wanted.has(fresh) && !wanted.has(old);
  // Columns after tables: their table has its new name by then.
  const tables = hints.filter(({ column }) => column === null);
  const renamed = new Map<string, string>();
  const statements = tables.flatMap(({ table, from: old }) => {
    const schema = table.slice(0, -lastPart(table).length);
    if (!isRename(`table ${schema}${old}`, `table ${table}`)) return [];
    renamed.set(table, `${schema}${old}`);
    return [`ALTER TABLE ${schema}${old} RENAME TO ${lastPart(table)}`];
  });
  for (const { table, column, from: old } of hints) {
    const now = renamed.get(table) ?? table;
    const isIt = there.has(`column ${now}.${old}`) && !there.has(`column ${now}.${column}`);
    if (
      column !== null &&
      isIt &&
      wanted.has(`column ${table}.${column}`) &&
      !wanted.has(`column ${table}.${old}`)
    )
      statements.push(`ALTER TABLE ${table} RENAME COLUMN ${old} TO ${column}`);
  }
  return statements;
}

/** The same the other way round, for the way back. */
export function turned(hints: readonly RenameHint[]): readonly RenameHint[] {
  const old = ({ table, from }: RenameHint) => `${table.slice(0, -lastPart(table).length)}${from}`;
  const tables = new Map(
    hints.filter(({ column }) => column === null).map((hint) => [hint.table, old(hint)]),
  );
  return hints.map((hint) => ({
    table: tables.get(hint.table) ?? hint.table,
    column: hint.column === null ? null : hint.from,
    from: hint.column ?? lastPart(hint.table),
  }));
}

/** A constraint that differs only in its name is the same one, with its index and all that refers to it. */
export function sameUnderAnotherName(changes: readonly SchemaChange[]): readonly string[] {
  const of = (change: SchemaChange["change"]) =>
    changes.filter((one) => one.change === change && one.kind === "constraint");
  const keyOf = (change: SchemaChange) => {
    const object = change.before ?? change.after;
    return `${tableOf(change.name, object)}\0${object?.attributes.definition}`;
  };
  const added = grouped(of("added"), keyOf);
  return [...grouped(of("removed"), keyOf)].flatMap(([key, [old, ...more]]) => {
    const [fresh, ...others] = added.get(key) ?? [];
    if (old === undefined || fresh === undefined || more.length > 0 || others.length > 0) return [];
    const table = tableOf(old.name, old.before);
    return [
      `ALTER TABLE ${table} RENAME CONSTRAINT ${quotedIfNeeded(bareName(old.name))} TO ${quotedIfNeeded(bareName(fresh.name))}`,
    ];
  });
}

function grouped(changes: readonly SchemaChange[], keyOf: (change: SchemaChange) => string) {
  const groups = new Map<string, SchemaChange[]>();
  for (const change of changes) groups.set(keyOf(change), [...(groups.get(keyOf(change)) ?? []), change]);
  return groups;
}

function lastPart(name: string): string {
  return /(?:"(?:[^"]|"")*"|[^".]*)$/s.exec(name)?.[0] ?? name;
}
