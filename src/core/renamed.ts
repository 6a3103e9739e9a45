/** An applied file under another name: to the ledger it is one that is gone and a new one, and it would run a second time. */
import type { Problem } from "../errors.ts";
import type { Graph } from "./graph.ts";
import { aheadOf } from "./heads.ts";
import type { History } from "./history.ts";
import type { Migration } from "./migration.ts";

/** Of the pending ones, those whose text an applied revision without a file has. Elsewhere what is gone is refused already. */
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
    // Several migrations may be in one file: then their names are written in it.
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
