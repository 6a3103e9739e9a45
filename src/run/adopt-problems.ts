/** What stands in the way of adopting, for people. */
import type { HistoryEntry } from "../core/history.ts";
import type { Connection } from "../database/connection.ts";
import { ConfigError, PlanRefused } from "../errors.ts";
import { nearest } from "../std/nearest.ts";
import { describeTable } from "../tools/tool.ts";
import { TOOLS, toolNamed } from "../tools/tools.ts";
import type { FoundHistory } from "./histories.ts";

export function unknownTool(name: string): ConfigError {
  const names = TOOLS.map((tool) => tool.name);
  const meant = nearest(name, names);
  return new ConfigError({
    code: "CONFIG_INVALID",
    message: `No tool is called "${name}".`,
    hint: `${meant === undefined ? "" : `Did you mean ${meant}? `}Known: ${names.join(", ")}.`,
  });
}

export function nothing(
  { server }: Connection,
  found: FoundHistory | undefined,
  tool: string | undefined,
): PlanRefused {
  const what = tool === undefined ? "another tool" : (toolNamed(tool)?.title ?? tool);
  return new PlanRefused([
    {
      code: "ADOPT_NOTHING",
      message:
        found === undefined
          ? `Database "${server.database}" has no history of ${what} that role "${server.user}" can see.`
          : `The history of ${found.tool.title}, ${describeTable(found.table)}, is empty: nothing is applied.`,
      hint:
        found === undefined
          ? "Check --database-url. What was made without a tool is declared with `godwit baseline <revision>`."
          : "There is nothing to adopt: `godwit up` applies all of it.",
    },
  ]);
}

export function otherLayout({ tool, table }: FoundHistory, layout: string): PlanRefused {
  return new PlanRefused([
    {
      code: "ADOPT_CONFLICT",
      message: `${describeTable(table)} is the history of ${tool.title}, and the folder is read as one of ${layout}.`,
      hint: `Read it as what it is with --layout ${tool.layouts[0]}, or name the tool that counts with --tool.`,
    },
  ]);
}

/** Of ours, neither applied nor gone, where the other tool calls it applied. */
export function begun(
  { revision, state }: Pick<HistoryEntry, "revision" | "state">,
  title: string,
): PlanRefused {
  const reverting = state === "reverting";
  return new PlanRefused([
    {
      code: "ADOPT_CONFLICT",
      message: reverting
        ? `${revision} has been taken back in part only, and ${title} says that it has applied it.`
        : `${revision} was begun by a run of ours and is not complete, and ${title} says that it has applied it.`,
      hint: reverting
        ? `Look at the database. If it is there whole: godwit repair --retry ${revision}. If it is taken back: godwit repair --forget ${revision}`
        : `Look at the database. If it is complete: godwit repair --mark-done ${revision}`,
    },
  ]);
}
