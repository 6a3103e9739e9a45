/**
 * Finds an applied file that was renamed. The ledger sees one revision gone and a new one, and would run it a second
 * time.
 */
import type { Problem } from "../errors.ts";
import type { Graph } from "./graph.ts";
import { aheadOf } from "./heads.ts";
import type { History } from "./history.ts";
import type { Migration } from "./migration.ts";

/**
 * Finds pending migrations whose text equals that of an applied revision without a file. Only databases that are ahead
 * of the files need this: elsewhere, a revision without a file is refused already.
 */
export function renamed(fresh: readonly Migration[], graph: Graph, history: History): readonly Problem[] {
  const ahead = aheadOf(graph, history);
  const gone = history.entries.filter(
    ({ revision, kind, state, checksum, baseline }) =>
      kind !== "repeatable" &&
      state === "applied" &&
      checksum !== "" &&
      !graph.byId.has(revision) &&
      (baseline || ahead.has(revision)),
  );
  if (gone.length === 0) return [];
  return fresh.flatMap(({ id, file, checksum }): Problem[] => {
    const entry = gone.find((one) => one.checksum === checksum);
    if (entry === undefined) return [];
    const { revision } = entry;
    // If one file holds several migrations, their names are written inside it.
    const isInside = entry.file === file;
    const what = isInside ? id : file;
    const back = isInside ? `Call it ${revision} again in ${file}` : `Rename it back to ${entry.file}`;
    return [
      {
        code: "PLAN_VANISHED",
        message: `${what} is pending, and its text is that of ${revision}, which is applied and has no file any more: it was renamed, or copied.`,
        hint: `${back}; or let the ledger follow with \`godwit repair --mark-done ${id}\`, then \`godwit repair --forget ${revision}\`. If it is to run a second time, change a comment in it.`,
        place: { file },
        details: { revision: id, applied: revision },
      },
    ];
  });
}
