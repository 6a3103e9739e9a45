/**
 * Which differences each statement is for. Nothing is read out of the statements: the schema after each of them says what it
 * has changed. Pure.
 */
import { compareSchemas, type SchemaDifference } from "../schema/compare.ts";
import { identity, type SchemaSnapshot } from "../schema/snapshot.ts";
import { differencesBetween } from "./judge.ts";

/**
 * `states` has the schema before the first statement, and after each of them. One that only makes way, such as dropping a view
 * that is made again, is for what the later statement is for.
 */
export function attributed(
  states: readonly SchemaSnapshot[],
  differences: readonly SchemaDifference[],
): readonly (readonly string[])[] {
  const known = new Set(differences.map(identity));
  const goal = states.at(-1);
  if (goal === undefined) return [];
  const left = states.map((state) => differencesBetween(state, goal).differences.length);
  const own = states.slice(1).map((after, at) => touched(states[at] as SchemaSnapshot, after, known));
  return own.map((names, at) => {
    if (names.length > 0) return names;
    const before = own.slice(0, at).findLast((some) => some.length > 0);
    const behind = own.slice(at + 1).find((some) => some.length > 0);
    const makesWay = (left[at + 1] as number) > (left[at] as number);
    return (makesWay ? (behind ?? before) : (before ?? behind)) ?? [];
  });
}

/** The known differences whose object, or an object of which, is another one afterwards. */
function touched(
  before: SchemaSnapshot,
  after: SchemaSnapshot,
  known: ReadonlySet<string>,
): readonly string[] {
  const parents = new Map(
    [...before.objects, ...after.objects].map((object) => [identity(object), object.parents]),
  );
  const names = new Set<string>();
  const add = (name: string) => {
    if (known.has(name)) names.add(name);
    else for (const parent of parents.get(name) ?? []) add(parent);
  };
  for (const difference of compareSchemas(before, after)) add(identity(difference));
  return [...names];
}
