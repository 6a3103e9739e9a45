/**
 * Finds what a squash leaves behind. Files that it has replaced may come back, for example with a late merge. The file
 * in their place may be there while nobody has declared it. Running either would be a second time.
 */
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

/** Pending files whose text holds that of applied revisions without a file. */
export function putTogether(
  fresh: readonly Migration[],
  { putTogether: found }: History,
): readonly Problem[] {
  return fresh.flatMap(({ id, file }): Problem[] => {
    const parts = found?.get(id) ?? [];
    if (parts.length === 0) return [];
    const [one, have] = parts.length === 1 ? ["it", "has"] : ["them", "have"];
    const forget = parts.map((part) => `\`godwit repair --forget ${part}\``).join(", ");
    return [
      {
        code: "PLAN_VANISHED",
        message: `${id} is pending, and its text holds that of ${parts.join(", ")}, which ${parts.length === 1 ? "is" : "are"} applied and ${have} no file any more: it may stand for ${one}.`,
        hint: `If all that it does is in the database: \`godwit repair --mark-done ${id}\`, then ${forget}. If it is to run all the same: ${forget} first.`,
        place: { file },
        details: { revision: id, applied: parts },
      },
    ];
  });
}
