/**
 * What counts as a difference when statements are judged. Pure.
 *
 * The order of columns does not: PostgreSQL adds a column at the end and moves none, so no statement could make it. Nor does a
 * name that PostgreSQL 18 has made for a NOT NULL, which stays what it was when its table is renamed. Older versions have none.
 */
import { compareSchemas, IN_ORDER, type SchemaDifference } from "../schema/compare.ts";
import type { Attribute, SchemaSnapshot } from "../schema/snapshot.ts";

export interface Judged {
  readonly differences: readonly SchemaDifference[];
  /** The tables whose columns are in another order. */
  readonly moved: readonly string[];
}

export function differencesBetween(from: SchemaSnapshot, to: SchemaSnapshot): Judged {
  const differences: SchemaDifference[] = [];
  const moved: string[] = [];
  for (const { change, kind, name, attributes } of compareSchemas(from, to)) {
    if (attributes.some(({ attribute }) => attribute === IN_ORDER)) moved.push(name);
    const others = attributes.filter(
      ({ attribute, from: before, to: after }) =>
        attribute !== IN_ORDER && !isMadeName(attribute, before, after),
    );
    if (change !== "changed" || others.length > 0)
      differences.push({ change, kind, name, attributes: others });
  }
  return { differences, moved };
}

export function isMadeName(attribute: string, from: Attribute, to: Attribute): boolean {
  return attribute === "not null constraint" && withoutMadeName(from) === withoutMadeName(to);
}

function withoutMadeName(value: Attribute): string {
  return (typeof value === "string" ? value : "").replace(
    /^named (?:"[^",]*_not_null[0-9]*"|[^",]*_not_null[0-9]*)(?:, |$)/,
    "",
  );
}
