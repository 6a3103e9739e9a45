/** What would be run a second time, because another tool or an earlier run has done it: refused, with the way out. */
import type { Connection } from "../database/connection.ts";
import { PlanRefused } from "../errors.ts";
import type { Listing } from "../source/source.ts";
import { withoutZeros } from "../tools/match.ts";
import { describeTable } from "../tools/tool.ts";
import { allHistories, type FoundHistory } from "./histories.ts";
import type { Target } from "./target.ts";
import { whoseOf } from "./whose.ts";

/**
 * A folder that by its files is nobody's, in a database where another tool has applied files of these names or texts: running
 * them would be a second time.
 */
export async function refuseUnnoticed(target: Target, connection: Connection, files: Listing): Promise<void> {
  const { schema = null } = target.settings;
  const whose = whoseOf(target, files.migrations, true);
  for (const { tool, table, history: its } of await allHistories(connection, { schema, whose })) {
    const keys = new Set(its.rows.flatMap(({ keys }) => keys.map(withoutZeros)));
    const texts = new Set(its.rows.map(({ checksum }) => `sha256:${checksum}`));
    const applied = files.migrations.filter(
      ({ id, checksum }) => texts.has(checksum) || keys.has(id) || keys.has(withoutZeros(digitsOf(id))),
    );
    const [layout] = tool.layouts;
    if (applied.length === 0) continue;
    const take =
      layout === undefined
        ? "If it is the same, take it over with `godwit adopt`"
        : `If this is its folder, say so (--layout ${layout}), and take over with \`godwit adopt\``;
    throw new PlanRefused([
      {
        code: "ADOPT_NEEDED",
        message: `${tool.title} has applied ${namesOf(applied.map(({ id }) => id))} to this database (${describeTable(table)}), of which our ledger knows nothing.`,
        hint: `${take}; if it has nothing to do with it: --keep none. Nothing was changed.`,
        details: { tool: tool.name, table: describeTable(table), revisions: applied.map(({ id }) => id) },
      },
    ]);
  }
}

/**
 * The way back of what the other tool's history has too, and would have after it: the tool would take it for applied, and so
 * would we, as soon as its history is kept in step again.
 */
export function refuseUntoldDown(
  { tool, table }: FoundHistory,
  { steps, theirs }: { steps: readonly { readonly revision: string }[]; theirs: ReadonlySet<string> },
): void {
  const both = steps.map(({ revision }) => revision).filter((revision) => theirs.has(revision));
  if (both.length === 0) return;
  const how = tool.keep === undefined ? "Say" : `Either tell ${tool.title} (--keep ${tool.name}), or say`;
  throw new PlanRefused([
    {
      code: "ADOPT_CONFLICT",
      message: `${namesOf(both)} would be taken back here, and stay in the history of ${tool.title} (${describeTable(table)}).`,
      hint: `${how} that its history does not matter any more: --keep none. Nothing was changed.`,
      details: { tool: tool.name, table: describeTable(table), revisions: both },
    },
  ]);
}

/** In front of the name; some write a time with dashes. */
function digitsOf(id: string): string {
  return (/^\d[\d-]*/.exec(id)?.[0] ?? "").replaceAll("-", "");
}

function namesOf(ids: readonly string[]): string {
  return `${ids.slice(0, 3).join(", ")}${ids.length > 3 ? ", …" : ""}`;
}
