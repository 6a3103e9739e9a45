/** What would be run a second time, because another tool or an earlier run has done it: refused, with the way out. */
import type { Connection } from "../database/connection.ts";
import { PlanRefused } from "../errors.ts";
import type { RecordedHistory } from "../ledger/ledger.ts";
import type { Listing } from "../source/source.ts";
import { withoutZeros } from "../tools/match.ts";
import { describeTable, type Match } from "../tools/tool.ts";
import { type FoundHistory, findHistories, unlessRefused } from "./histories.ts";
import type { Target } from "./target.ts";

/**
 * A folder that by its files is nobody's, in a database where another tool has applied files of these names or texts: running
 * them would be a second time.
 */
export async function refuseUnnoticed(target: Target, connection: Connection, files: Listing): Promise<void> {
  const { schema = null } = target.settings;
  const found = await findHistories(connection, { schema }).catch(unlessRefused);
  for (const { tool, table, history: its } of found ?? []) {
    const keys = new Set(its.rows.flatMap(({ keys }) => keys.map(withoutZeros)));
    const texts = new Set(its.rows.map(({ checksum }) => `sha256:${checksum}`));
    const applied = files.migrations.filter(
      ({ id, checksum }) => texts.has(checksum) || keys.has(id) || keys.has(withoutZeros(digitsOf(id))),
    );
    const [layout] = tool.layouts;
    if (applied.length === 0 || layout === undefined) continue;
    throw new PlanRefused([
      {
        code: "ADOPT_NEEDED",
        message: `${tool.title} has applied ${namesOf(applied.map(({ id }) => id))} to this database (${describeTable(table)}), of which our ledger knows nothing.`,
        hint: `If this is its folder, say so (--layout ${layout}), and take over with \`godwit adopt\`; if it has nothing to do with it: --keep none. Nothing was changed.`,
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
  const how = tool.keep === undefined ? "" : `tell ${tool.title} (--keep ${tool.name}), or `;
  throw new PlanRefused([
    {
      code: "ADOPT_CONFLICT",
      message: `${namesOf(both)} would be taken back here, and stay in the history of ${tool.title} (${describeTable(table)}).`,
      hint: `Either ${how}say that its history does not matter any more: --keep none. Nothing was changed.`,
      details: { tool: tool.name, table: describeTable(table), revisions: both },
    },
  ]);
}

/** What the tool has gone on to apply after it was adopted is not told to us, and must not be done a second time. */
export async function refuseRerun(
  target: Target,
  connection: Connection,
  {
    found,
    match,
    files,
    history,
  }: { found: FoundHistory; match: Match; files: Listing; history: RecordedHistory },
): Promise<void> {
  const known = new Set(history.entries.map(({ revision }) => revision));
  const again = rerunByTool(match, files, history);
  const strange = match.applied
    .filter(({ id, row }) => row !== null && (!known.has(id) || again.has(id)))
    .map(({ id }) => id);
  if (strange.length === 0) return;
  // What we have taken back, or a person has, it still has in its history.
  const { rows } = await connection.query<{ revision: string }>(target.ledger.sql.takenBack(strange));
  const back = new Set(rows.map(({ revision }) => revision));
  const since = strange.filter((id) => again.has(id) || !back.has(id));
  if (since.length === 0) return;
  const { tool, table } = found;
  throw new PlanRefused([
    {
      code: "ADOPT_NEEDED",
      message: `${tool.title} has applied ${namesOf(since)} to this database (${describeTable(table)}), of which our ledger knows nothing.`,
      hint: "With the same options: look with `godwit adopt --dry-run`, take them over with `godwit adopt`, then run again. Nothing was changed.",
      details: { tool: tool.name, table: describeTable(table), revisions: since },
    },
  ]);
}

/**
 * What runs again whenever its text changed, was taken over from the tool, and has been run by the tool since, as it stands
 * now: our ledger has the older text. What we have run ourselves is not among them, for then the tool's row may be older.
 */
export function rerunByTool(
  { applied }: Match,
  { migrations }: Listing,
  { entries }: RecordedHistory,
): ReadonlySet<string> {
  const files = new Map(migrations.map((migration) => [migration.id, migration]));
  const own = new Map(entries.map((entry) => [entry.revision, entry]));
  const ran = applied.filter(({ id, row, edited }) => {
    const [file, entry] = [files.get(id), own.get(id)];
    if (file === undefined || entry === undefined || edited || row?.checksum == null) return false;
    const again = file.kind === "repeatable" || file.rerun === true;
    return again && entry.baseline && entry.state === "applied" && entry.checksum !== file.checksum;
  });
  return new Set(ran.map(({ id }) => id));
}

/** In front of the name; some write a time with dashes. */
function digitsOf(id: string): string {
  return (/^\d[\d-]*/.exec(id)?.[0] ?? "").replaceAll("-", "");
}

function namesOf(ids: readonly string[]): string {
  return `${ids.slice(0, 3).join(", ")}${ids.length > 3 ? ", …" : ""}`;
}
