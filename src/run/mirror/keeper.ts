/** Where and how a tool's history is written by us, once it is known which: its table, found or to be made. */
import { PlanRefused, type Problem } from "../../errors.ts";
import type { Listing } from "../../source/source.ts";
import type { Tool } from "../../tools/tool.ts";
import type { Target } from "../session/target.ts";
import type { FoundHistory } from "./histories.ts";
import type { Keeper } from "./keep.ts";
import { refuseUnfilled } from "./whose.ts";

export function keeperOf(
  tool: Tool,
  found: FoundHistory | undefined,
  { files, table, target }: { files: Listing; table: string | undefined; target: Target },
): Keeper {
  const { keep } = tool;
  const { settings } = target;
  if (keep === undefined) throw new Error(`${tool.name} cannot be kept in step.`);
  const strange = keep.ownFiles === true && !tool.layouts.includes(target.source.layout);
  const problem = strange ? notItsFiles(tool, target) : (keep.check?.(files.migrations) ?? null);
  if (problem !== null) throw new PlanRefused([problem]);
  if (found !== undefined) {
    refuseUnfilled(found, keep);
    return { tool, keep, table: found.table, create: null };
  }
  const [name, schema] = (table ?? "").split(".").reverse();
  const only = settings.schema ?? null;
  const at = name
    ? { name, schema: schema ?? only }
    : only === null
      ? null
      : { name: tool.table, schema: only };
  const made = keep.create(
    files.migrations.flatMap((migration) => migration.tool ?? []),
    at,
  );
  return { tool, keep, table: made.table, create: made.sql };
}

function notItsFiles(tool: Tool, { source: { layout } }: Target): Problem {
  return {
    code: "ADOPT_CONFLICT",
    message: `The history of ${tool.title} cannot be kept in step with files of ${layout}: its rows speak of its own files.`,
    hint: `Without: --keep none. If they are its files after all: --layout ${tool.layouts[0]}.`,
  };
}
