/** Warns once that a tool does not learn what we apply: at our first steps that are not mirrored to it. */
import type { Step } from "../../core/step.ts";
import type { Problem } from "../../errors.ts";
import type { RecordedHistory } from "../../ledger/ledger.ts";
import { describeTable, type Tool } from "../../tools/tool.ts";
import { toolsOf } from "../../tools/tools.ts";
import type { ToolView } from "../mirror/tool-look.ts";
import { UNMIRRORED } from "../mirror/tool-memory.ts";
import type { Target } from "../session/target.ts";

/** A tool whose migrations our files are, and to which we do not mirror. */
export interface UnmirroredTool {
  readonly tool: Tool;
  /** Its table, `schema.name`. Empty if it has none. */
  readonly history: string;
  /** The warning was given before. */
  readonly isSaid: boolean;
}

/** `null`: the tool is mirrored to, or its migrations are others. */
export function unmirroredIn({ source: { layout } }: Target, look: ToolView): UnmirroredTool | null {
  const { tool, found, mirror, sets, memory } = look;
  if (mirror !== null || !(toolsOf(layout).includes(tool) || sets?.match.isSame === true)) return null;
  const history = found === undefined ? "" : describeTable(found.table);
  return { tool, history, isSaid: memory.seen.get(tool.name)?.subjects.has(UNMIRRORED) === true };
}

export interface UnmirroredRun {
  readonly steps: readonly Step[];
  readonly history: RecordedHistory;
  readonly mirrored: boolean;
  readonly unmirrored: UnmirroredTool | null;
}

/** `null`: no warning is needed, it was given before, or the user has said that it does not matter. */
export function unmirroredWarning(
  { source: { layout }, settings: { mirror } }: Target,
  { steps, history, mirrored, unmirrored }: UnmirroredRun,
): Problem | null {
  const tool = unmirrored?.tool ?? toolsOf(layout)[0];
  if (tool === undefined || mirrored || mirror === "none") return null;
  if (unmirrored?.isSaid ?? history.entries.some(({ baseline }) => !baseline)) return null;
  const revisions = steps
    .filter(({ kind, direction }) => direction === "up" && kind !== "repeatable")
    .map(({ revision }) => revision);
  const [first] = revisions;
  if (first === undefined) return null;
  const more = revisions.length === 1 ? "" : ` and ${revisions.length - 1} more`;
  return {
    code: "ADOPT_UNTOLD",
    message: `The history of ${tool.title} is not told of ${first}${more}: ${tool.title} itself would run ${revisions.length === 1 ? "it" : "them"} again.`,
    hint: `${waysOut(tool)}; or stop using ${tool.title} on this database, and say so with --mirror none (mirror: "none" in the configuration).`,
    details: { tool: tool.name, revisions },
  };
}

function waysOut(tool: Tool): string {
  if (tool.writer !== undefined)
    return `Mirror to it: --mirror ${tool.name} (mirror: "${tool.name}" in the configuration) tells it of these too`;
  const mark = MARK[tool.name];
  return mark === undefined
    ? `Mark them as applied there before ${tool.title} runs again`
    : `Before ${tool.title} runs again, mark them as applied there: ${mark}`;
}

/** The tool's own command that marks migrations as applied, for tools that we do not mirror to. */
const MARK: Readonly<Record<string, string>> = {
  flyway: "flyway migrate -skipExecutingMigrations=true",
  liquibase: "liquibase changelog-sync",
  sqitch: "sqitch deploy --log-only",
};
