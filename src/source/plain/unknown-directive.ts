/** What is said of a directive that does not exist. Pure. */
import type { Problem } from "../../errors.ts";
import { nearest } from "../../std/nearest.ts";

/** What Alembic calls it, by what it is called here. */
const ALEMBIC: Readonly<Record<string, string>> = { "down-revision": "revises", "depends-on": "depends" };

export function unknownDirective(
  name: string,
  place: NonNullable<Problem["place"]>,
  known: readonly string[],
): Problem {
  const meant = ALEMBIC[name.replaceAll("_", "-")] ?? nearest(name, known);
  return {
    code: "SOURCE_DIRECTIVE_UNKNOWN",
    message: `${place.file} has the directive \`${name}\`, which does not exist.`,
    hint: meant === undefined ? `Known: ${known.join(", ")}.` : `Did you mean \`${meant}\`?`,
    place,
  };
}
