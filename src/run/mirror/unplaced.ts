/** Refuses pending migrations that the tool may have applied already, because a head implies what is below it. */
import type { Problem } from "../../errors.ts";
import { describeTable, type Unplaced } from "../../tools/tool.ts";
import type { FoundHistory } from "./histories.ts";

/** `null`: there are none. */
export function unplacedProblem(
  found: Pick<FoundHistory, "tool" | "table">,
  unplaced: readonly Unplaced[],
): Problem | null {
  const [first] = unplaced;
  if (first === undefined) return null;
  const ids = unplaced.filter(({ isUnknown }) => isUnknown === first.isUnknown).map(({ id }) => id);
  return first.isUnknown === true
    ? belowUnknown(found, ids, first.above)
    : belowSilent(found, ids, first.above);
}

/** The head has no file here. The tool is ahead of these files, or these files are another line. */
function belowUnknown(
  { tool, table }: Pick<FoundHistory, "tool" | "table">,
  ids: readonly string[],
  above: string,
): Problem {
  const [is, it, they] = ids.length === 1 ? ["is", "it", "it is"] : ["are", "they", "they are"];
  const name = describeTable(table);
  const there =
    ids.length === 1
      ? `\`godwit repair --mark-done ${ids[0]}\``
      : `\`godwit baseline ${ids.at(-1)}\` for all up to it, or \`godwit repair --mark-done ${ids[0]}\` for one`;
  return {
    code: "ADOPT_CONFLICT",
    message: `${namesOf(ids)} ${is} pending, and ${tool.title} is at ${above} (${name}), which has no file here: nobody knows whether ${they} below it, and so applied already.`,
    hint: `Restore the file of ${above} and of what is below it, or deploy the release that has them. Without them: if ${it} ${is} there, ${there}; if ${it} ${ids.length === 1 ? "comes" : "come"} after ${above}, write \`-- godwit: revises=${above}\` into ${ids.length === 1 ? "it" : "the first"} and take ${above} over with \`godwit adopt\`; if ${tool.title} has nothing to do with these files, --mirror none. Nothing was changed.`,
    details: { tool: tool.name, table: name, revisions: ids, above },
  };
}

/** The head's file does not say what it stands on, so anything pending may be applied already. */
function belowSilent(
  { tool, table }: Pick<FoundHistory, "tool" | "table">,
  ids: readonly string[],
  above: string,
): Problem {
  const [is, it] = ids.length === 1 ? ["is", "it is"] : ["are", "they are"];
  return {
    code: "ADOPT_CONFLICT",
    message: `${namesOf(ids)} ${is} pending, and ${tool.title} has applied ${above} with all below it (${describeTable(table)}): ${above} does not say what it revises, so nobody knows whether ${it} below it.`,
    hint: `Write \`-- godwit: revises=<revision>\` into ${above} and the other files, or \`revises=none\` for a base, as its file in ${tool.title} says. Then take over what is applied with \`godwit adopt\`. Nothing was changed.`,
    details: { tool: tool.name, table: describeTable(table), revisions: ids, above },
  };
}

function namesOf(ids: readonly string[]): string {
  return `${ids.slice(0, 3).join(", ")}${ids.length > 3 ? ", …" : ""}`;
}
