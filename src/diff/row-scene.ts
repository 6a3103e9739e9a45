/** What the rules about rows look at: both schemas, and which tables and columns have rows that were there before. Pure. */
import { byIdentity } from "../schema/compare.ts";
import { identity, type SchemaObject, type SchemaSnapshot } from "../schema/snapshot.ts";
import { bareStatement, columnOf } from "./change.ts";
import type { DiffStatement } from "./statement.ts";

export interface Sides {
  readonly from: SchemaSnapshot;
  readonly to: SchemaSnapshot;
}

export interface RowScene extends Sides {
  readonly before: ReadonlyMap<string, SchemaObject>;
  readonly after: ReadonlyMap<string, SchemaObject>;
  /** Whether it was there before, so that it may have rows. */
  readonly hasRows: (table: string) => boolean;
  /** The statement that adds the column. `undefined`: it stays, or its table is made with it. */
  readonly addedBy: (column: SchemaObject) => string | undefined;
}

/** The failures of one object, one line each. */
export type RowRule = (object: SchemaObject, scene: RowScene) => readonly string[];

export function rowSceneOf(statements: readonly DiffStatement[], { from, to }: Sides): RowScene {
  const texts = statements.map(({ text }) => bareStatement(text));
  const before = byIdentity(from);
  return {
    ...{ from, to, before, after: byIdentity(to) },
    hasRows: (table) =>
      before.has(`materialized view ${table}`) ||
      // One that is made again is empty.
      (before.has(`table ${table}`) && !texts.includes(bareStatement(`DROP TABLE ${table}`))),
    addedBy: (column) => {
      const { table, column: name } = columnOf(column.name, column);
      const add = bareStatement(`ALTER TABLE ${table} ADD COLUMN ${name} `);
      return texts.find((text) => text.startsWith(add));
    },
  };
}

/** Whether it is not there before, or is dropped and made again. */
export function isFresh(column: SchemaObject, { before, addedBy }: RowScene): boolean {
  return addedBy(column) !== undefined || !before.has(identity(column));
}

/** Whether the rows that are there get a value when the column is added. */
export function hasValue(column: SchemaObject, { to, addedBy }: RowScene): boolean {
  const { type, generated, identity: numbered, default: own } = column.attributes;
  if (generated !== undefined || numbered !== undefined) return true;
  const adds = addedBy(column);
  // A default that is set later comes too late for them.
  if (own !== undefined) return adds === undefined || /\sDEFAULT\s/i.test(adds);
  return to.objects.some((one) => one.name === type && one.attributes.default !== undefined);
}

/** Its type without an array, and if that is a domain, what it is made of: all of them, the column's own first. */
export function typesOf(
  { attributes }: SchemaObject,
  objects: ReadonlyMap<string, SchemaObject>,
): readonly string[] {
  const found: string[] = [];
  let name = attributes.type;
  while (typeof name === "string") {
    const bare = name.replace(/(?:\[\])+$/, "");
    found.push(bare);
    name = objects.get(`type ${bare}`)?.attributes["base type"] ?? null;
  }
  return found;
}
