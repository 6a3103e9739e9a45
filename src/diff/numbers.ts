/**
 * Numbers that go on where they were. A sequence that is made for a column with rows begins at its start, and the next rows
 * would get numbers that are taken. The scratch server has no rows, so nothing would show it. Pure.
 */
import { quoted } from "../core/sql/quote.ts";
import { byIdentity } from "../schema/compare.ts";
import { identity, type SchemaObject, type SchemaSnapshot } from "../schema/snapshot.ts";
import { bareStatement, columnOf } from "./change.ts";
import { type DiffStatement, harmless } from "./statement.ts";

interface Sides {
  /** With the names that it has after the statements. */
  readonly from: SchemaSnapshot;
  readonly to: SchemaSnapshot;
}

/** What follows the statements: one statement for each sequence that they make for a column that was there before. */
export function numbersGoOn(
  statements: readonly DiffStatement[],
  { from, to }: Sides,
): readonly DiffStatement[] {
  const before = byIdentity(from);
  const texts = statements.map(({ text }) => bareStatement(text));
  return to.objects.flatMap((column) => {
    const earlier = before.get(identity(column));
    if (column.kind !== "column" || earlier === undefined || column.attributes.inherited === "only")
      return [];
    const { table, column: name } = columnOf(column.name, column);
    const start = bareStatement(`ALTER TABLE ${table} `);
    // A column that is made anew gets its numbers from the sequence.
    if (texts.some((text) => text.startsWith(`${start}ADD COLUMN ${name} `))) return [];
    const sequence = sequenceOf(column, to);
    if (sequence === undefined || !isMadeFor({ column, earlier, sequence }, texts)) return [];
    const { increment, minimum, maximum } = sequence.attributes;
    const [last, fits] = String(increment).startsWith("-")
      ? [`min(${name})`, `<= ${maximum}`]
      : [`max(${name})`, `>= ${minimum}`];
    return harmless(
      `SELECT pg_catalog.setval(${quoted(sequence.name)}, ${last}) FROM ${table} HAVING ${last} ${fits}`,
    );
  });
}

/** That of its identity or of its default, where its values are numbers. */
function sequenceOf({ name, attributes }: SchemaObject, { objects }: SchemaSnapshot) {
  if (!/^(?:smallint|integer|bigint)$/.test(String(attributes.type))) return undefined;
  const sequences = objects.filter(({ kind }) => kind === "sequence");
  if (attributes.identity !== undefined) return sequences.find((one) => one.attributes["owned by"] === name);
  const [, quoted] = /^nextval\('((?:[^']|'')+)'::regclass\)$/.exec(String(attributes.default)) ?? [];
  return sequences.find((one) => one.name === quoted?.replaceAll("''", "'"));
}

interface Made {
  readonly column: SchemaObject;
  readonly earlier: SchemaObject;
  readonly sequence: SchemaObject;
}

/** A sequence that was there before has its own number. */
function isMadeFor({ column, earlier, sequence }: Made, texts: readonly string[]): boolean {
  if (column.attributes.identity !== undefined) return earlier.attributes.identity === undefined;
  return texts.some((text) => text.startsWith(`CREATE SEQUENCE ${bareStatement(sequence.name)} `));
}
