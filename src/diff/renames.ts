/** Statements that give a thing another name, and keep it. Pure. */
import type { SchemaObject, SchemaSnapshot } from "../schema/snapshot.ts";
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

/**
 * A constraint that differs only in its name is the same one, with its index and all that refers to it. So is the sequence that
 * belongs to a column: made again, it would give ids that rows have.
 */
export function sameUnderAnotherName(changes: readonly SchemaChange[]): readonly string[] {
  const renames = (kind: string, keyOf: (object: SchemaObject) => string | null) =>
    pairs(
      changes.filter((change) => change.kind === kind),
      keyOf,
    );
  return [
    ...renames(
      "constraint",
      (object) => `${tableOf(object.name, object)}\0${object.attributes.definition}`,
    ).map(([old, fresh]) => {
      const [from, to] = [old, fresh].map(({ name }) => quotedIfNeeded(bareName(name)));
      return `ALTER TABLE ${tableOf(old.name, old)} RENAME CONSTRAINT ${from} TO ${to}`;
    }),
    ...renames("sequence", ({ name, attributes }) => {
      const column = attributes["owned by"];
      return column == null ? null : `${name.slice(0, -lastPart(name).length)}\0${column}`;
    }).map(([old, fresh]) => `ALTER SEQUENCE ${old.name} RENAME TO ${lastPart(fresh.name)}`),
  ];
}

/** The one that is gone and the one that is new, of each key that has just one of both. */
function pairs(
  changes: readonly SchemaChange[],
  keyOf: (object: SchemaObject) => string | null,
): readonly (readonly [old: SchemaObject, fresh: SchemaObject])[] {
  const gone = grouped(changes.filter(({ change }) => change === "removed").map(({ before }) => before));
  const added = grouped(changes.filter(({ change }) => change === "added").map(({ after }) => after));
  return [...gone].flatMap(([key, [old, ...more]]) => {
    const [fresh, ...others] = added.get(key) ?? [];
    const isPair = old !== undefined && fresh !== undefined && more.length === 0 && others.length === 0;
    return isPair ? [[old, fresh] as const] : [];
  });

  function grouped(objects: readonly (SchemaObject | undefined)[]): ReadonlyMap<string, SchemaObject[]> {
    const groups = new Map<string, SchemaObject[]>();
    for (const object of objects) {
      const key = object === undefined ? null : keyOf(object);
      if (object !== undefined && key !== null) groups.set(key, [...(groups.get(key) ?? []), object]);
    }
    return groups;
  }
}

function lastPart(name: string): string {
  return /(?:"(?:[^"]|"")*"|[^".]*)$/s.exec(name)?.[0] ?? name;
}
