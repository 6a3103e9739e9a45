/**
 * What another tool has applied and our ledger does not know: before the first run of ours all of it, later what
 * somebody ran with the tool in between. Where its history is kept in step and leaves no question open it is taken over
 * by itself, for running it again would be the worst that could happen; otherwise a person adopts it.
 */

import { ordered } from "../core/heads.ts";
import { restored } from "../core/sql/stored.ts";
import type { Connection } from "../database/connection.ts";
import { ConfigError, PlanRefused, type Problem } from "../errors.ts";
import type { RecordedHistory } from "../ledger/ledger.ts";
import type { Listing } from "../source/source.ts";
import { describeTable, type Match, type Tool, type ToolRow } from "../tools/tool.ts";
import { KEPT_BY_DEFAULT, toolNamed, toolsOf } from "../tools/tools.ts";
import { type Adopted, adoptedOf } from "./adopted.ts";
import {
  type FoundHistory,
  findHistories,
  onlyOne,
  parseKeep,
  refuseFailed,
  sideBySide,
  unlessRefused,
} from "./histories.ts";
import type { Keeper } from "./keep.ts";
import { refuseRerun, refuseUnnoticed, rerunByTool } from "./reruns.ts";
import type { Target } from "./target.ts";
import { type Advisory, advisoryOf } from "./tool-lock.ts";

export interface Adoption {
  readonly found: FoundHistory | null;
  readonly keeper: Keeper | null;
  /** Applied by the tool, and not in our ledger. */
  readonly entries: readonly Adopted[];
  /** Applied by us, and not in the tool's history, in the order in which that happened; only where it is kept in step. */
  readonly untold: readonly string[];
  /** A history that is not kept in step, and the revisions that have a row in it. */
  readonly theirs: { readonly found: FoundHistory; readonly revisions: ReadonlySet<string> } | null;
  readonly warnings: readonly Problem[];
}

const NOTHING: Adoption = { found: null, keeper: null, entries: [], untold: [], theirs: null, warnings: [] };

/** Changes nothing, and holds the tool's lock if `hold` does. Throws `PlanRefused` (`ADOPT_NEEDED`, `ADOPT_AMBIGUOUS`, `ADOPT_FAILED_HISTORY`, `ADOPT_CONFLICT`). */
export async function lookAtTool(
  target: Target,
  connection: Connection,
  { files, history }: { readonly files: Listing; readonly history: RecordedHistory },
  hold: (advisory: Advisory) => Promise<void> = async () => {},
): Promise<Adoption> {
  const { tools, kept, table } = concerned(target);
  if (tools.length === 0) {
    const asks = parseKeep(target.settings.keep) !== "none" && (await isFresh(target, connection, history));
    if (asks) await refuseUnnoticed(target, connection, files);
    return NOTHING;
  }
  const { schema = null, keep } = target.settings;
  const names = tools.map(({ name }) => name);
  const fresh = await isFresh(target, connection, history);
  const before = table ?? (await tableBefore(target, connection, names, history));
  const all = async () => {
    const wanted = { tools: names, table, schema };
    const [one, ...others] =
      before === undefined ? [] : await findHistories(connection, { ...wanted, table: before });
    return one === undefined ? findHistories(connection, wanted) : [one, ...others];
  };
  // What is not kept in step was adopted, or never was there: then another one beside it is none of our business.
  const find = () =>
    fresh || kept !== undefined ? all().then(onlyOne) : all().then(onlyOne).catch(unlessRefused);
  let found = await find();
  // Of many schemas one by itself has a history only where the tool has made one there.
  if (schema !== null && found === undefined && keep == null) return NOTHING;
  const advisory = advisoryOf(found?.tool ?? tools[0], found?.table, connection);
  if (advisory !== null) {
    await hold(advisory);
    // What was read before may be what it left half-done at that moment.
    found = await find();
  }
  const keeper = kept === undefined ? null : keeperOf(kept, found, { files, table, target });
  const untold = (match: Match | null) => (keeper === null ? [] : untoldOf(match, files, history));
  if (found === undefined) return { ...NOTHING, keeper, untold: untold(null) };
  const match = sideBySide(found, files.migrations);
  if (!fresh && keeper === null) {
    await refuseRerun(target, connection, { found, match, files, history });
    const own = match.applied.filter(({ row }) => row !== null).map(({ id }) => id);
    return { ...NOTHING, theirs: { found, revisions: new Set(own) } };
  }
  if (fresh && found.history.rows.length + found.history.problems.length > 0)
    refuseQuestions(found, match, keeper);
  refuseFailed(found);
  const known = new Set(history.entries.map((entry) => entry.revision));
  const again = rerunByTool(match, files, history);
  const unknown = match.applied.filter(({ id }) => !known.has(id) || again.has(id));
  const entries = await adoptedOf(target, found, unknown, files.migrations);
  return {
    ...{ found, keeper, entries, untold: untold(match), theirs: null },
    warnings: warningsOf(found, match, known),
  };
}

/** From a time when the tool's history was not kept in step: it would run them again. */
function untoldOf(match: Match | null, files: Listing, history: RecordedHistory): readonly string[] {
  const told = new Set(match?.applied.map(({ id }) => id));
  const its = new Set(files.migrations.flatMap(({ id, tool }) => (tool === undefined ? [] : [id])));
  return history.entries
    .filter(({ kind, state, revision }) => kind !== "repeatable" && state === "applied" && its.has(revision))
    .map(({ revision }) => revision)
    .filter((revision) => !told.has(revision));
}

/** Tools that come into question, and the one of them whose history is kept in step. */
function concerned(target: Target): {
  tools: readonly Tool[];
  kept: Tool | undefined;
  table: string | undefined;
} {
  const keep = parseKeep(target.settings.keep);
  const own = toolsOf(target.source.layout);
  if (keep === "none") return { tools: own, kept: undefined, table: undefined };
  const configured = keep === null ? undefined : toolNamed(keep.tool);
  if (configured !== undefined && own.length > 0 && !own.includes(configured))
    throw new ConfigError({
      code: "CONFIG_INVALID",
      message: `The history of ${configured.title} cannot be kept in step with a folder of ${target.source.layout}.`,
      hint: `Keep that of its own tool (--keep ${own.map(({ name }) => name).join(" or --keep ")}), or none.`,
    });
  return {
    tools: configured === undefined ? own : [configured],
    kept: configured ?? own.find(({ name }) => KEPT_BY_DEFAULT.has(name)),
    table: keep?.table,
  };
}

/** Whether what is applied here is written into its history; `null`: it cannot be, or its files are not run here. */
export function isKept(target: Target, tool: Tool): boolean | null {
  if (tool.keep === undefined || !tool.layouts.includes(target.source.layout)) return null;
  return concerned(target).kept?.name === tool.name;
}

/** For scripts that are written without a database: the table as the tool makes it. */
export function keeperWithoutLooking(target: Target, files: Listing): Keeper | null {
  const { kept, table } = concerned(target);
  if (kept === undefined || (target.settings.schema != null && target.settings.keep == null)) return null;
  return keeperOf(kept, undefined, { files, table, target });
}

function keeperOf(
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
  const line = ordered(files.migrations, settings.order).map((migration) => migration.tool?.version ?? null);
  const keys = new Map(files.migrations.map((one) => [one.id, one.tool?.version ?? null]));
  const previous = (id: string) => line[line.indexOf(keys.get(id) ?? null) - 1] ?? null;
  if (found !== undefined) return { tool, keep, table: found.table, create: null, previous };
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
  return { tool, keep, table: made.table, create: made.sql, previous };
}

function notItsFiles(tool: Tool, { source: { layout } }: Target): Problem {
  return {
    code: "ADOPT_CONFLICT",
    message: `The history of ${tool.title} cannot be kept in step with files of ${layout}: its rows speak of its own files.`,
    hint: `Without: --keep none. If they are its files after all: --layout ${tool.layouts[0]}.`,
  };
}

/** No run of ours has done anything here. */
async function isFresh(target: Target, connection: Connection, history: RecordedHistory): Promise<boolean> {
  if (!history.created) return true;
  if (history.entries.length > 0) return false;
  const { rows } = await connection.query<{ empty: boolean }>(target.ledger.sql.isEmpty());
  return rows[0]?.empty === true;
}

/** The table that was adopted, where it was one of these tools'. */
async function tableBefore(
  target: Target,
  connection: Connection,
  tools: readonly string[],
  history: RecordedHistory,
): Promise<string | undefined> {
  if (!history.created) return undefined;
  const { rows } = await connection.query<{ table: string }>(target.ledger.sql.adoptedFrom(tools));
  return restored(rows[0]?.table);
}

function refuseQuestions(found: FoundHistory, match: Match, keeper: Keeper | null): void {
  const questions = questionsOf(match);
  if (keeper !== null && questions.length === 0 && found.history.problems.length === 0) return;
  const { tool, table, history } = found;
  const count = history.rows.length === 1 ? "1 migration" : `${history.rows.length} migrations`;
  throw new PlanRefused([
    {
      code: "ADOPT_NEEDED",
      message: `${tool.title} has applied ${count} to this database (${describeTable(table)}), of which our ledger knows nothing${questions.length === 0 ? "" : `; ${questions.join("; ")}`}.`,
      hint: "With the same options: look with `godwit adopt --dry-run`, take them over with `godwit adopt`, then run again. Nothing was changed.",
      details: { tool: tool.name, table: describeTable(table), rows: history.rows.length },
    },
  ]);
}

function questionsOf({ applied, skipped, missing, warnings }: Match): readonly string[] {
  const edited = applied.filter((one) => one.edited);
  const list = (ids: readonly string[]) => `${ids.slice(0, 3).join(", ")}${ids.length > 3 ? ", …" : ""}`;
  return [
    ...(edited.length === 0 ? [] : [`edited since: ${list(edited.map(({ id }) => id))}`]),
    ...(skipped.length === 0 ? [] : [`passed over by it: ${list(skipped)}`]),
    ...(missing.length === 0 ? [] : [`without a file: ${list(missing.map(({ name }) => name))}`]),
    ...warnings.map(({ message }) => message),
  ];
}

function warningsOf(
  { tool, history }: FoundHistory,
  { applied, missing, warnings }: Match,
  known: ReadonlySet<string>,
): readonly Problem[] {
  const edited = applied.filter(({ id, edited }) => edited && !known.has(id));
  return [
    ...history.warnings,
    ...warnings,
    ...edited.map(({ id }): Problem => editedWarning(tool, id)),
    ...(missing.length === 0 ? [] : [missingWarning(tool, missing)]),
  ];
}

export function editedWarning(tool: Tool, id: string): Problem {
  return {
    code: "PLAN_EDITED",
    message: `${id} is not the text that ${tool.title} applied: the checksum in its history is another.`,
    hint: "The database has what it said before. Restore the file, or put the change into a new migration.",
    details: { revision: id },
  };
}

export function missingWarning(tool: Tool, missing: readonly ToolRow[]): Problem {
  return {
    code: "PLAN_VANISHED",
    message: `${tool.title} has applied what has no file here: ${missing.map(({ name }) => name).join(", ")}.`,
    hint: "Normal for an older release on a newer database; else restore the files from version control.",
    details: { rows: missing.map(({ name }) => name) },
  };
}
