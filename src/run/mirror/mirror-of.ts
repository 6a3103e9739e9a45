/** How the history of a known tool is written: its table, which exists or is to be created. */
import { PlanRefused, type Problem } from "../../errors.ts";
import type { Listing } from "../../source/source.ts";
import type { Tool } from "../../tools/tool.ts";
import type { Target } from "../session/target.ts";
import type { FoundHistory } from "./histories.ts";
import type { Mirror } from "./mirror.ts";
import { refuseUnfilled } from "./whose.ts";

export function mirrorOf(
  tool: Tool,
  found: FoundHistory | undefined,
  { files, table, target }: { files: Listing; table: string | undefined; target: Target },
): Mirror {
  const { writer } = tool;
  const { settings } = target;
  if (writer === undefined) throw new Error(`${tool.name} cannot be mirrored.`);
  const strange = writer.ownFiles === true && !tool.layouts.includes(target.source.layout);
  const problem = strange ? notItsFiles(tool, target) : (writer.check?.(files.migrations) ?? null);
  if (problem !== null) throw new PlanRefused([problem]);
  if (found !== undefined) {
    refuseUnfilled(found, writer);
    return { tool, writer, table: found.table, create: null };
  }
  const [name, schema] = (table ?? "").split(".").reverse();
  const only = settings.schema ?? null;
  const at = name
    ? { name, schema: schema ?? only }
    : only === null
      ? null
      : { name: tool.table, schema: only };
  const made = writer.create(
    files.migrations.flatMap((migration) => migration.tool ?? []),
    at,
  );
  return { tool, writer, table: made.table, create: made.sql };
}

function notItsFiles(tool: Tool, { source: { layout } }: Target): Problem {
  return {
    code: "ADOPT_CONFLICT",
    message: `The history of ${tool.title} cannot be mirrored from files of ${layout}: its rows speak of its own files.`,
    hint: `Without: --mirror none. If they are its files after all: --layout ${tool.layouts[0]}.`,
  };
}
