/** What stands in the way of adopting, for people. */
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

export function begun(revision: string, title: string): PlanRefused {
  return new PlanRefused([
    {
      code: "ADOPT_CONFLICT",
      message: `${revision} was begun by a run of ours and is not complete, and ${title} says that it has applied it.`,
      hint: `Look at the database. If it is complete: godwit repair --mark-done ${revision}`,
    },
  ]);
}
