/** What differs between two schemas. Pure. */
import { isSameHidden } from "./hidden.ts";
import { asReadAgain } from "./lists.ts";
import { type Attribute, identity, type SchemaObject, type SchemaSnapshot } from "./snapshot.ts";

export interface AttributeChange {
  readonly attribute: string;
  /** `null`: the default. */
  readonly from: Attribute;
  readonly to: Attribute;
}

export interface SchemaDifference {
  readonly change: "added" | "removed" | "changed";
  readonly kind: string;
  readonly name: string;
  /** Of an object that is in both. */
  readonly attributes: readonly AttributeChange[];
}

/**
 * From the first schema to the second, ordered by name. What comes or goes with a table, such as its columns, is not named
 * beside it; nor is a change that a partition or a child has inherited.
 */
export function compareSchemas(from: SchemaSnapshot, to: SchemaSnapshot): readonly SchemaDifference[] {
  const [before, after] = [byIdentity(from), byIdentity(to)];
  const same = sameAttribute(from, to);
  const changes = new Map<string, readonly AttributeChange[]>();
  for (const [name, object] of before) {
    const other = after.get(name);
    const found = other === undefined ? [] : changesOf(object, other, same);
    if (found.length > 0) changes.set(name, found);
  }
  const found: SchemaDifference[] = [];
  const add = (change: SchemaDifference["change"], { kind, name }: SchemaObject) =>
    found.push({ change, kind, name, attributes: changes.get(`${kind} ${name}`) ?? [] });
  for (const [name, object] of before) {
    if (!after.has(name)) {
      if (!object.parents.some((parent) => before.has(parent) && !after.has(parent))) add("removed", object);
    } else if (!isInherited(changes.get(name) ?? [], object, changes)) add("changed", object);
  }
  for (const [name, object] of after)
    if (!before.has(name) && !object.parents.some((parent) => after.has(parent) && !before.has(parent)))
      add("added", object);
  return found.sort((a, b) => order(identity(a), identity(b)));
}

/** `column public.users.email: type was integer, is bigint`. Of a value at most so many characters are shown. */
export function describeDifference(
  { change, kind, name, attributes }: SchemaDifference,
  most = Number.POSITIVE_INFINITY,
): string {
  if (change !== "changed") return `${kind} ${name}: ${change}`;
  const each = attributes.map(
    ({ attribute, from, to }) => `${attribute} was ${shown(from, most)}, is ${shown(to, most)}`,
  );
  return `${kind} ${name}: ${each.join("; ")}`;
}

function shown(value: Attribute, most: number): string {
  if (value === null) return "not set";
  if (value === true) return "set";
  const text = typeof value === "object" ? `[${value.join(", ")}]` : String(value);
  return text.length <= most ? text : `${text.slice(0, most - 1).replace(/[\ud800-\udbff]$/, "")}…`;
}

/** Of a snapshot that is compared several times its names are written once. */
export function byIdentity(snapshot: SchemaSnapshot): ReadonlyMap<string, SchemaObject> {
  const known = INDEXES.get(snapshot);
  if (known !== undefined) return known;
  const index = new Map(snapshot.objects.map((object) => [identity(object), object]));
  INDEXES.set(snapshot, index);
  return index;
}

const INDEXES = new WeakMap<SchemaSnapshot, ReadonlyMap<string, SchemaObject>>();

type Same = (attribute: string, from: Attribute, to: Attribute) => boolean;

function changesOf(from: SchemaObject, to: SchemaObject, same: Same): readonly AttributeChange[] {
  const found: AttributeChange[] = [];
  const look = (attribute: string) => {
    const [before, after] = [from.attributes[attribute] ?? null, to.attributes[attribute] ?? null];
    if (!same(attribute, before, after)) found.push({ attribute, from: before, to: after });
  };
  for (const attribute of Object.keys(from.attributes)) look(attribute);
  for (const attribute of Object.keys(to.attributes))
    if (!Object.hasOwn(from.attributes, attribute)) look(attribute);
  return found.sort((a, b) => order(a.attribute, b.attribute));
}

/** Nothing has changed, or what has changed is what has changed in a parent of the same kind. */
function isInherited(
  own: readonly AttributeChange[],
  { kind, parents }: SchemaObject,
  changes: ReadonlyMap<string, readonly AttributeChange[]>,
): boolean {
  if (own.length === 0) return true;
  const text = JSON.stringify(own);
  return parents.some(
    (parent) => parent.startsWith(`${kind} `) && JSON.stringify(changes.get(parent) ?? []) === text,
  );
}

/** Whether an attribute says the same in both of them, which may be of two majors. */
export function sameAttribute(from: SchemaSnapshot, to: SchemaSnapshot): Same {
  const isOneMajor = Math.floor(from.server / 10_000) === Math.floor(to.server / 10_000);
  return (attribute, before, after) => {
    // Most are texts that are the same.
    if (before === after) return true;
    if (attribute === IN_ORDER && Array.isArray(before) && Array.isArray(after))
      return isSameOrder(before, after);
    // Who may not see the options of a user mapping reads none.
    if (attribute === OF_MAPPING && (before === null || after === null)) return true;
    if (isSameHidden(before, after)) return true;
    const [a, b] = [JSON.stringify(before), JSON.stringify(after)];
    return (
      a === b || asReadAgain(a) === asReadAgain(b) || (!isOneMajor && betweenMajors(a) === betweenMajors(b))
    );
  };
}

export const IN_ORDER = "columns in order";
const OF_MAPPING = "mapping options";

/** A column that is only in one of them is a difference of its own. */
function isSameOrder(before: readonly string[], after: readonly string[]): boolean {
  const [there, here] = [new Set(before), new Set(after)];
  const [a, b] = [before.filter((name) => here.has(name)), after.filter((name) => there.has(name))];
  return a.join("\0") === b.join("\0");
}

/** Majors write one expression in several ways: with or without the table before a column, and with or without parentheses. */
function betweenMajors(text: string): string {
  return text.replace(/(?:\\"[^"\\]*\\"|[\w$]+)\.(?=[\w$\\])/g, "").replace(/[()\s]|\\n/g, "");
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
