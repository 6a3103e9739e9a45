/** What is said of a schema that does not come back equal. Pure. */
import type { Migration } from "../core/migration.ts";
import { differencesBetween } from "../diff/judge.ts";
import type { Problem } from "../errors.ts";
import { describeDifference } from "../schema/compare.ts";
import type { SchemaSnapshot } from "../schema/snapshot.ts";

/** Of a value of an attribute, so many characters are shown. JSON has all of it. */
const LONGEST = 120;

/** `moved`: tables whose columns are in another order, which is no difference. */
export function schemaProblem(
  before: SchemaSnapshot,
  after: SchemaSnapshot,
  { what, migration: { id, file } }: { readonly what: string; readonly migration: Migration },
): { readonly problem: Problem | null; readonly moved: readonly string[] } {
  const { differences, moved } = differencesBetween(before, after);
  const [first, ...more] = differences.map((one) => describeDifference(one, LONGEST));
  if (first === undefined) return { problem: null, moved };
  const others = more.length === 0 ? "" : ` (and ${more.length} more)`;
  const problem: Problem = {
    code: "TEST_DIFFERS",
    message: `${what}: ${first}${others}`,
    hint: `Correct ${file}. \`godwit test ${id} --json\` lists every difference.`,
    place: { file },
    details: { revision: id, differences },
  };
  return { problem, moved };
}
