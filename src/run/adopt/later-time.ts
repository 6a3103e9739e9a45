/** Drizzle goes by the time of its newest row: what the journal calls later runs, whatever the rows say of it. */
import type { Problem } from "../../errors.ts";
import type { ToolEvent } from "../../tools/compare.ts";
import { describeTable } from "../../tools/tool.ts";
import type { FoundHistory } from "../mirror/histories.ts";

/** The tool goes by the time of the newest row, and the files give an applied migration a later one. */
export function laterTime(
  { tool, table }: FoundHistory,
  { id, row, rewritten }: Extract<ToolEvent, { kind: "later-time" }>,
  mirrored: boolean,
): Problem {
  const name = describeTable(table);
  const restore = `Restore \`when\` in the journal: ${row.columns?.created_at ?? row.name}.`;
  const hint = rewritten
    ? `Restore the file and its entry in the journal. If the former one was taken back: \`godwit repair --forget ${id}\`, and \`godwit up\` runs the present one. If the present one is what is in the database: \`godwit repair --accept ${id}\`, then \`godwit repair --mark-done ${id}\`, which writes its row.`
    : !mirrored
      ? restore
      : `${restore} If the new time is to stay: \`godwit repair --mark-done ${id}\` writes a row with it, so that ${tool.title} does not run it.`;
  return {
    code: "ADOPT_CONFLICT",
    message: rewritten
      ? `${id} was generated anew: ${tool.title} has applied its former text (${name}, ${row.name}), and would run the present one, because its time is later than that of every row.`
      : `${tool.title} would run ${id} again: the journal gives it a later time than its row has (${name}, ${row.name}), and than every other row.`,
    hint: `${hint} Nothing was changed.`,
    details: { tool: tool.name, table: name, revisions: [id], row: row.name },
  };
}
