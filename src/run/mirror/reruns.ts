/** Refuses what would run a second time, because another tool or an earlier run has done it already. */
import type { Migration } from "../../core/migration.ts";
import type { Connection } from "../../database/connection.ts";
import { PlanRefused, type Problem } from "../../errors.ts";
import { isLongNumber, isNameOf, matchRows, numbersOf, speaksOf } from "../../tools/match.ts";
import { isUsualPlace } from "../../tools/recognise.ts";
import { describeTable, type Tool, type ToolHistory, type ToolRow } from "../../tools/tool.ts";
import type { Target } from "../session/target.ts";
import { allHistories, type FoundHistory } from "./histories.ts";
import { parseMirror } from "./mirror-setting.ts";
import { readableOnly, whoseOf } from "./whose.ts";

/**
 * Refuses a folder in one of our own layouts if another tool has applied files with these names or texts. Running
 * them would be the second time. The number that stands for all below it counts for each of them. Short numbers are
 * weaker evidence. Before our first run they count in a table that is known to be a history. They also count in a
 * table whose every row has the number of a file. Later they may be chance.
 */
export async function refuseUnnoticed(
  target: Target,
  connection: Connection,
  { pending, files, first, except }: Unnoticed,
): Promise<void> {
  if (pending.length === 0) return;
  const { schema = null } = target.settings;
  const whose = readableOnly(whoseOf(target, files, first));
  const found: AppliedThere[] = [];
  for (const { tool, table, history: its, ours } of await allHistories(connection, {
    schema,
    whose,
    except,
  })) {
    const below = impliedBy(tool, its, files);
    const short = first && (ours || below.size > 0 || isWhollyOf(its, files));
    const named = new Set(its.rows.filter((row) => files.some((file) => isNameOf(row, file))));
    const says = (row: ToolRow, file: Migration) =>
      speaksOf(named.has(row) && !isNameOf(row, file) ? { ...row, keys: [], aliases: [] } : row, file);
    const applied = pending.filter((file) =>
      [below.get(file.id), ...its.rows.map((row) => says(row, file))].some(
        (one) => one === "surely" || (short && one === "perhaps"),
      ),
    );
    if (applied.length > 0)
      found.push({ tool, table, its, applied, usual: isUsualPlace(tool, table, whose.current) });
  }
  const [problem, ...others] = found.map((one) => unnoticed(target, one, { several: found.length > 1 }));
  if (problem !== undefined) throw new PlanRefused([problem, ...others]);
}

interface AppliedThere extends Pick<FoundHistory, "tool" | "table"> {
  readonly its: ToolHistory;
  readonly applied: readonly Migration[];
  /** Whether the table is where the tool makes it. */
  readonly usual: boolean;
}

/** `several`: other tools have applied these files too, and only a person knows which of them counts. */
function unnoticed(
  { source }: Target,
  { tool, table, its, applied, usual }: AppliedThere,
  { several }: { readonly several: boolean },
): Problem {
  const [layout] = tool.layouts;
  const name = describeTable(table);
  const command = `godwit adopt${several || !usual ? ` --tool ${tool.name}` : ""}${usual ? "" : ` --table ${name}`}`;
  const take =
    layout === undefined || layout === source.layout
      ? `If it is the same, take it over with \`${command}\``
      : `If this is its folder, say so (--layout ${layout}), and take over with \`${command}\``;
  return {
    code: "ADOPT_NEEDED",
    message: `${tool.title} has applied ${namesOf(applied.map((file) => nameThere(file, its)))} to this database (${name}), of which our ledger knows nothing.`,
    hint: `${take}; if it has nothing to do with it: --mirror none. Nothing was changed.`,
    details: { tool: tool.name, table: name, revisions: applied.map(({ id }) => id) },
  };
}

/**
 * The files up to a number that stands for all below it. Two long numbers are times, and those of one project are
 * comparable.
 */
function impliedBy(
  tool: Tool,
  history: ToolHistory,
  files: readonly Migration[],
): ReadonlyMap<string, "surely" | "perhaps"> {
  const { applied } = matchRows(tool, history, files);
  const inLine = new Set(applied.flatMap(({ id, implied }) => (implied?.inLine === true ? [id] : [])));
  const isLong = history.rows.some(({ name }) => isLongNumber(name));
  return new Map(
    files
      .filter(({ id }) => inLine.has(id))
      .map((file) => [file.id, isLong && numbersOf(file).some(isLongNumber) ? "surely" : "perhaps"]),
  );
}

/**
 * Whether every row has the name or the number of a file. Then the table is a history of these files, whatever its
 * name is.
 */
function isWhollyOf({ rows }: ToolHistory, files: readonly Migration[]): boolean {
  return rows.length > 0 && rows.every((row) => files.some((file) => speaksOf(row, file) !== "no"));
}

export interface Unnoticed {
  readonly files: readonly Migration[];
  /** The files that our ledger does not know. */
  readonly pending: readonly Migration[];
  /** Whether no run of ours has done anything here. */
  readonly first: boolean;
  /** Tools whose histories are compared in full elsewhere. */
  readonly except: readonly Tool[];
}

/** The history of another tool, and what it says of our revisions. */
export interface HistoryThere {
  readonly found: FoundHistory;
  readonly isMirrored: boolean;
  /** Our files are the tool's own migrations in another form. */
  readonly isSame: boolean;
  /** The revisions that have a row. */
  readonly revisions: ReadonlySet<string>;
  /** A row without a file, which may stand on any revision that has no row. */
  readonly above: string | null;
}

/**
 * Refuses to revert what would keep its row in the other tool's history, or what the tool has built upon. The tool would
 * go on taking it for applied. So would we, as soon as the history is mirrored again.
 */
export function refuseUnmirroredDown(
  { settings }: Target,
  there: HistoryThere | null,
  { steps }: { readonly steps: readonly { readonly revision: string }[] },
): void {
  if (there === null || parseMirror(settings.mirror) === "none") return;
  const { found, isMirrored, revisions, above } = there;
  const { tool, table } = found;
  const ids = steps.map(({ revision }) => revision);
  const under = above === null ? [] : ids.filter((revision) => !revisions.has(revision));
  if (under.length > 0)
    throw new PlanRefused([
      {
        code: "ADOPT_CONFLICT",
        message: `${namesOf(under)} would be taken back here, and ${tool.title} is at ${above} (${describeTable(table)}), which has no file here and may stand on ${under.length === 1 ? "it" : "them"}.`,
        hint: `Restore the file of ${above} and of what is below it, or take it back with the release that has them. If ${tool.title} has nothing to do with these files: --mirror none. Nothing was changed.`,
        details: { tool: tool.name, table: describeTable(table), revisions: under, above },
      },
    ]);
  const both = isMirrored ? [] : ids.filter((revision) => revisions.has(revision));
  if (both.length === 0) return;
  const how = tool.writer === undefined ? "Say" : `Either tell ${tool.title} (--mirror ${tool.name}), or say`;
  throw new PlanRefused([
    {
      code: "ADOPT_CONFLICT",
      message: `${namesOf(both)} would be taken back here, and stay in the history of ${tool.title} (${describeTable(table)}).`,
      hint: `${how} that its history does not matter any more: --mirror none. Nothing was changed.`,
      details: { tool: tool.name, table: describeTable(table), revisions: both },
    },
  ]);
}

/** With the name in the history, where only the number is the same. */
function nameThere(file: Migration, { rows }: ToolHistory): string {
  const speaks = rows.filter((row) => speaksOf(row, file) !== "no");
  const isNamed = speaks.some(({ name, keys }) => /^\d*$/.test(name) || keys.includes(file.id));
  const [row] = speaks;
  return isNamed || row === undefined ? file.id : `${file.id} (there ${row.name})`;
}

function namesOf(ids: readonly string[]): string {
  return `${ids.slice(0, 3).join(", ")}${ids.length > 3 ? ", …" : ""}`;
}
