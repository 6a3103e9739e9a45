/** Finds files that a squash has replaced and that came back, for example with a late merge. Running one would be a second time. */
import type { Problem } from "../errors.ts";
import type { History } from "./history.ts";
import type { Migration } from "./migration.ts";

export function comeBack(fresh: readonly Migration[], { replaced }: History): readonly Problem[] {
  if (replaced === undefined || replaced.size === 0) return [];
  return fresh
    .filter(({ id }) => replaced.has(id))
    .map(({ id, file }) => ({
      code: "PLAN_REPLACED",
      message: `${id} is pending, and \`godwit baseline\` has put other files in its place: what it did is in the database already.`,
      hint: `Remove ${file}. If it is to stay: \`godwit repair --mark-done ${id}\`. If it is another migration, give it a name of its own.`,
      place: { file },
      details: { revision: id },
    }));
}
