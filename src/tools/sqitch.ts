/**
 * Sqitch: `sqitch.changes`, with a row for every deployed change. A change's id covers all of it and what came before
 * it, so an edited plan has other ids. One registry may hold several projects. Sqitch locks the table, and from 1.1 on
 * also takes an advisory lock.
 */
import type { Migration } from "../core/migration.ts";
import { literal } from "../core/sql/quote.ts";
import { groupBy } from "../std/group.ts";
import { history, nameOf, selectText, type Tool, type ToolRow } from "./tool.ts";

export const sqitch: Tool = {
  name: "sqitch",
  title: "Sqitch",
  table: "changes",
  layouts: ["sqitch"],
  shape: {
    columns: { change_id: null, script_hash: null, change: null, project: null, committed_at: null },
    not: ["event"],
    telling: true,
    schema: "sqitch",
  },
  select: (table) =>
    selectText(
      table,
      ["change_id", "change", "project", "script_hash", "committed_at"],
      "order by t.committed_at",
    ),
  read(rows) {
    const several = new Set(rows.map(({ project }) => project)).size > 1;
    const last = new Map(rows.map((row) => [`${row.project}:${row.change}`, row]));
    return history(
      rows.map((row) => {
        const name = several ? `${row.project}:${row.change}` : (row.change ?? "");
        // A reworked change appears twice, and only the last one has the name to itself.
        const isLast = last.get(`${row.project}:${row.change}`) === row;
        return {
          keys: isLast ? [row.change ?? "", name, row.change_id ?? ""] : [row.change_id ?? ""],
          name: isLast ? name : `${name}:${(row.change_id ?? "").slice(0, 8)}`,
          checksum: row.script_hash ?? null,
          at: row.committed_at ?? null,
          columns: row,
        };
      }),
    );
  },
  own(history, migrations) {
    const projects = new Set(migrations.flatMap(({ tool }) => tool?.columns?.project ?? []));
    if (projects.size === 0) return history;
    const own = history.rows.filter(({ columns }) => projects.has(columns?.project ?? ""));
    return { ...history, rows: own.length > 0 ? own : underAnotherName(history.rows, migrations) };
  },
  // Also matches by name: an edited plan gives a change another id, and the change is still deployed.
  has(table, { key }) {
    if (key === null) return null;
    const { change, project, script_hash } = key.columns ?? {};
    const text = (value: unknown) => literal(value == null ? null : String(value));
    const isOther = `script_hash = ${text(script_hash)} and change = ${text(change)} and not exists (select from ${nameOf(table)} p where p.project = ${text(project)})`;
    return `select from ${nameOf(table)} where change_id = ${literal(key.version)} or (${isOther}) or (project = ${text(project)} and (script_hash = ${text(script_hash)} or (change = ${text(change)} and not exists (select from ${nameOf(table)} o where o.change_id = ${literal(key.version)}))))`;
  },
  advisoryKeys: () => [75_474_063n],
};

/** The rows of a project that may have got another `%project` in the plan: each has the name of a change, and one its script. */
function underAnotherName(rows: readonly ToolRow[], migrations: readonly Migration[]): readonly ToolRow[] {
  const changes = new Map(migrations.map(({ tool }) => [String(tool?.columns?.change), tool]));
  const projects = [...groupBy(rows, ({ columns }) => columns?.project ?? "").values()];
  const isHere = ({ columns }: ToolRow) => changes.has(columns?.change ?? "");
  const hasScript = ({ columns, checksum }: ToolRow) =>
    checksum !== null && changes.get(columns?.change ?? "")?.checksums.includes(checksum) === true;
  return projects.find((each) => each.every(isHere) && each.some(hasScript)) ?? [];
}
