/** What comes of each kind of change. One that is not named is made and taken back. */
import type { SchemaDiff } from "../../src/diff/diff.ts";
import { describeDifference } from "../../src/schema/compare.ts";

export const NOT_EQUAL: Readonly<Record<string, readonly string[]>> = {
  "a column dropped and added again": ["order of the columns of s.t"],
  "a dropped column": ["back: order of the columns of s.t"],
  "a foreign key that nothing enforces": ["constraint s.u.f: triggers enabled was not set, is [disabled]"],
  "an invalid index": ["index s.i: valid was not set, is invalid"],
};

export function outcomeOf(diff: SchemaDiff | string): readonly string[] {
  if (typeof diff === "string") return [diff];
  return [
    ...(diff.refused === null ? [] : [`${diff.refused.statement}: ${(diff.refused.error as Error).message}`]),
    ...diff.left.map(describeDifference),
    ...diff.otherOrder.map((table) => `order of the columns of ${table}`),
  ];
}
