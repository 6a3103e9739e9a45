/** Statements that give a thing another name, and keep it. Pure. */

import { quoted } from "../core/sql/quote.ts";
import { byIdentity } from "../schema/compare.ts";
import type { SchemaObject, SchemaSnapshot } from "../schema/snapshot.ts";
import { bareName, quotedIfNeeded, type SchemaChange, tableOf, texts } from "./change.ts";
import type { RenameHint } from "./hints.ts";

/** What may have another name, besides columns and values of enums. */
const NAMED = ["table", "foreign table", "view", "materialized view", "sequence", "type", "domain"];

/** Of schemas. They come first: what is in them has its name by then. */
export function renamedSchemas(hints: readonly RenameHint[], sides: Sides): readonly string[] {
  const { isRename } = namesOf(sides);
  return hints.flatMap(({ table, column, from }) =>
    column === null && lastPart(table) === table && isRename(`schema ${from}`, `schema ${table}`)
      ? [`ALTER SCHEMA ${from} RENAME TO ${table}`]
      : [],
  );
}

/** From the hints, where the old name is there and the new one is wanted. */
export function hintedRenames(hints: readonly RenameHint[], sides: Sides): readonly string[] {
  const { there, wanted, isRename } = namesOf(sides);
  // Columns after tables: their table has its new name by then.
  const tables = hints.filter(({ column }) => column === null);
  const renamed = new Map<string, string>();
  const statements = tables.flatMap((hint) => {
    const [old, fresh] = [oldName(hint), hint.table];
    const kind = NAMED.find((one) => isRename(`${one} ${old}`, `${one} ${fresh}`));
    if (kind === undefined) return [];
    renamed.set(fresh, old);
    const [from, to] = [old, fresh].map((name) => name.slice(0, -lastPart(name).length - 1));
    const moved = `${from}.${lastPart(fresh)}`;
    const alter = `ALTER ${kind.toUpperCase()}`;
    return [
      ...(moved === old ? [] : [`${alter} ${old} RENAME TO ${lastPart(fresh)}`]),
      ...(from === to ? [] : [`${alter} ${moved} SET SCHEMA ${to}`]),
    ];
  });
  for (const { table, column, from: old } of hints) {
    if (column === null) continue;
    const now = renamed.get(table) ?? table;
    const value = renamedValue(sides, { now, table, from: old, to: column });
    if (value !== null) statements.push(value);
    if (
      there.has(`column ${now}.${old}`) &&
      !there.has(`column ${now}.${column}`) &&
      wanted.has(`column ${table}.${column}`) &&
      !wanted.has(`column ${table}.${old}`)
    )
      statements.push(`ALTER TABLE ${table} RENAME COLUMN ${old} TO ${column}`);
  }
  return statements;
}

interface Sides {
  readonly from: SchemaSnapshot;
  readonly to: SchemaSnapshot;
}

function namesOf({ from, to }: Sides) {
  const [there, wanted] = [byIdentity(from), byIdentity(to)];
  const isRename = (old: string, fresh: string) =>
    there.has(old) && !there.has(fresh) && wanted.has(fresh) && !wanted.has(old);
  return { there, wanted, isRename };
}

/** A value of an enum. `null`: the names are no such values. */
function renamedValue(
  { from, to }: Sides,
  names: { readonly now: string; readonly table: string; readonly from: string; readonly to: string },
): string | null {
  const values = ({ objects }: SchemaSnapshot, type: string) =>
    texts(objects.find(({ kind, name }) => kind === "type" && name === type)?.attributes.values ?? null);
  const [before, after] = [values(from, names.now), values(to, names.table)];
  const [old, fresh] = [bareName(names.from), bareName(names.to)];
  const isIt =
    before.includes(old) && !before.includes(fresh) && after.includes(fresh) && !after.includes(old);
  return isIt ? `ALTER TYPE ${names.table} RENAME VALUE ${quoted(old)} TO ${quoted(fresh)}` : null;
}

/** As the hint tells it: in the schema of the new name, unless it names another one. */
function oldName({ table, from }: RenameHint): string {
  return lastPart(from) === from ? `${table.slice(0, -lastPart(table).length)}${from}` : from;
}

/** The same the other way round, for the way back. */
export function turned(hints: readonly RenameHint[]): readonly RenameHint[] {
  const wholes = hints.filter(({ column }) => column === null);
  const tables = new Map(wholes.map((hint) => [hint.table, oldName(hint)]));
  // Schemas come first on the way back too, so what is in them has their old name by then.
  const inSchema = (name: string) => {
    const schema = wholes.find(({ table }) => lastPart(table) === table && name.startsWith(`${table}.`));
    return schema === undefined ? name : `${schema.from}${name.slice(schema.table.length)}`;
  };
  return hints.map(({ table, column, from }) => ({
    table: inSchema(tables.get(table) ?? table),
    column: column === null ? null : from,
    from: column ?? (lastPart(from) === from ? lastPart(table) : inSchema(table)),
  }));
}

/**
 * What differs only in its name is the same one. A constraint keeps its index and all that refers to it. An index made again
 * would lock its table as long as that takes. The sequence of a column, made again, would give ids that rows have.
 */
export function sameUnderAnotherName(changes: readonly SchemaChange[]): readonly string[] {
  const renames = (kind: string, keyOf: (object: SchemaObject) => string | null) =>
    pairs(
      changes.filter((change) => change.kind === kind),
      keyOf,
    );
  const schemaOf = (name: string) => name.slice(0, -lastPart(name).length);
  const byDefinition = ({ kind, name, parents, attributes }: SchemaObject) => {
    const { definition } = attributes;
    // An index of a constraint is renamed with it.
    if (typeof definition !== "string" || parents.some((parent) => parent.startsWith("constraint ")))
      return null;
    return `${kind} ${parents.find((parent) => !parent.startsWith("schema "))}\0${withoutName(definition, name)}`;
  };
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
      return column == null ? null : `${schemaOf(name)}\0${column}`;
    }).map(([old, fresh]) => `ALTER SEQUENCE ${old.name} RENAME TO ${lastPart(fresh.name)}`),
    ...["index", "statistics"].flatMap((kind) =>
      renames(kind, byDefinition).map(
        ([old, fresh]) => `ALTER ${kind.toUpperCase()} ${old.name} RENAME TO ${lastPart(fresh.name)}`,
      ),
    ),
    ...["trigger", "rule", "policy"].flatMap((kind) =>
      renames(kind, kind === "policy" ? policyKey : byDefinition).map(([old, fresh]) => {
        const table = tableOf(old.name, old);
        return `ALTER ${kind.toUpperCase()} ${lastPart(old.name)} ON ${table} RENAME TO ${lastPart(fresh.name)}`;
      }),
    ),
  ];
}

function policyKey(object: SchemaObject): string {
  const { comment: _, ...attributes } = object.attributes;
  return `${tableOf(object.name, object)}\0${JSON.stringify(Object.entries(attributes).sort())}`;
}

/** `CREATE INDEX i ON …` without the `i`. */
function withoutName(definition: string, name: string): string {
  const own = lastPart(name);
  const at = definition.indexOf(` ${own} `);
  const qualifiedAt = definition.indexOf(` ${name} `);
  const [from, length] = qualifiedAt !== -1 ? [qualifiedAt, name.length] : [at, own.length];
  return from === -1 ? definition : definition.slice(0, from + 1) + definition.slice(from + 1 + length);
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
