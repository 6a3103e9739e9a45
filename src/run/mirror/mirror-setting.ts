/** What is said of other tools' histories: `--mirror`, and its words in the environment and in the file. */
import { PlanRefused, type Problem } from "../../errors.ts";
import { TOOLS, toolNamed } from "../../tools/tools.ts";

/** What `--mirror` names: a tool, and optionally the table of its history. */
export interface MirrorSetting {
  readonly tool: string;
  readonly table: string | undefined;
}

/**
 * Reads `drizzle`, `drizzle:schema.table`, `none` or `none:schema.table`. `null`: nothing was set. Throws `PlanRefused` for a
 * tool that cannot be mirrored.
 */
export function parseMirror(text: string | null | undefined): MirrorSetting | "none" | null {
  if (text == null || text === "") return null;
  const [name = "", table] = text.split(":", 2);
  if (name === "none") return "none";
  const problem = unknownMirror(name);
  if (problem !== null) throw new PlanRefused([problem]);
  return { tool: name, table };
}

/** The table of `none:schema.table`, which belongs to another project. */
export function tableOfOthers(text: string | null | undefined): string | null {
  return text?.startsWith("none:") ? text.slice("none:".length) : null;
}

/** Whether a person has said that this table does not count, or that another one does. */
export function isGivenUp(table: string, said: string | null | undefined): boolean {
  const mirror = parseMirror(said);
  if (mirror === null) return false;
  if (mirror === "none") return (tableOfOthers(said) ?? table) === table;
  return mirror.table !== undefined && mirror.table !== table && mirror.table !== table.replace(/^.*?\./, "");
}

function unknownMirror(name: string): Problem | null {
  const mirrorable = TOOLS.filter(({ writer }) => writer !== undefined).map((tool) => tool.name);
  if (toolNamed(name)?.writer !== undefined) return null;
  return {
    code: "ADOPT_CONFLICT",
    message: `The history of ${toolNamed(name)?.title ?? `"${name}"`} cannot be mirrored.`,
    hint: `These can: ${mirrorable.join(", ")}. Without: --mirror none.`,
  };
}
