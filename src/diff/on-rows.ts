/** What succeeds on an empty table, and fails on one that has rows. The scratch server has none, so it shows no such failure. Pure. */
import { columnRules } from "./on-rows-columns.ts";
import { constraintRules } from "./on-rows-constraints.ts";
import { type RowRule, rowSceneOf, type Sides } from "./row-scene.ts";
import type { DiffStatement } from "./statement.ts";

/** The rules by the kind of the object. */
const RULES: Readonly<Record<string, readonly RowRule[]>> = { ...columnRules, ...constraintRules };

/** One line each, such as `column public.users.name becomes NOT NULL: …`. Where the table is new, there are no rows. */
export function failuresOnRows(statements: readonly DiffStatement[], sides: Sides): readonly string[] {
  const scene = rowSceneOf(statements, sides);
  return sides.to.objects.flatMap((object) =>
    (RULES[object.kind] ?? []).flatMap((rule) => rule(object, scene)),
  );
}
