/**
 * `godwit adopt`: what another tool has applied becomes known to our ledger, in one transaction and under the locks of
 * both. Nothing is run, and nothing of the other tool's is changed: going back to it costs nothing.
 *
 * Where its files are run here (a layout), a row counts for the file that it speaks of. What it has passed over for good
 * (a watermark) is left pending unless a person says that it is there. Where its files are programs, each row becomes
 * a revision of its own without a file, for a new folder to carry on from.
 */
import type { Connection } from "../database/connection.ts";
import { PlanRefused, type Problem, SourceError } from "../errors.ts";
import type { RecordedHistory } from "../ledger/ledger.ts";
import type { Lock } from "../lock/lock.ts";
import type { Listing } from "../source/source.ts";
import { compare, isSettled } from "../tools/compare.ts";
import { describeTable, type Match, type ToolRow } from "../tools/tool.ts";
import { toolNamed, toolsOf } from "../tools/tools.ts";
import { type Adopted, adoptedOf, adoptedSql, adoptedWithoutFile, lookedAtSql } from "./adopt/adopted.ts";
import { refusalsOf } from "./adopt/adoption.ts";
import { begun, editedWarning, missingWarning, nothing, otherLayout, unknownTool } from "./adopt/problems.ts";
import {
  type FoundHistory,
  findHistories,
  onlyOne,
  parseMirror,
  readHistory,
  refuseFailed,
  tableOfOthers,
  type Wanted,
} from "./mirror/histories.ts";
import { refuseOthers } from "./mirror/other-ledgers.ts";
import { holdTool } from "./mirror/tool-lock.ts";
import { isFresh, isMirrored, setsOf } from "./mirror/tool-look.ts";
import { recallTools, rememberSql, type ToolMemory } from "./mirror/tool-memory.ts";
import { whoseOf } from "./mirror/whose.ts";
import { withWarnings } from "./session/local-commits.ts";
import { withLock } from "./session/locked.ts";
import { refuseForeign } from "./session/owner.ts";
import type { RunContext, Target } from "./session/target.ts";
import { rollback } from "./session/transaction.ts";

export interface AdoptOptions {
  /** Where several tools have a history. */
  readonly tool?: string | undefined;
  /** `schema.table`, where one tool has several. */
  readonly table?: string | undefined;
  /** In the database all the same: what the tool has passed over, and what was taken out of our ledger on purpose. */
  readonly assume: boolean;
  readonly dryRun: boolean;
}

export interface AdoptReport {
  readonly target: string;
  readonly database: string;
  readonly tool: string;
  readonly table: string;
  /** Nothing was written. */
  readonly dryRun: boolean;
  readonly applied: readonly AdoptedRow[];
  /** Files that will run next. */
  readonly pending: readonly string[];
  /** Of the pending, those that the tool has passed over. */
  readonly skipped: readonly string[];
  /** Applied, from a text that is not the file's. */
  readonly edited: readonly string[];
  /** Rows that speak of no file. */
  readonly missing: readonly string[];
  readonly warnings: readonly Problem[];
  /** Whether its history is kept in step from now on; `null`: it cannot be, or its files are not run here. */
  readonly mirrored: boolean | null;
}

export interface AdoptedRow {
  readonly revision: string;
  /** When, as far as the tool kept that. */
  readonly at: string | null;
  /** Has a file here. */
  readonly file: boolean;
  /** No row says so, only a later one. */
  readonly assumed: boolean;
  /** Was in our ledger already. */
  readonly already: boolean;
}

/** Throws `PlanRefused` (`ADOPT_…`), `ConfigError` for a tool that is not known. */
export async function adopt(target: Target, options: AdoptOptions, given: RunContext): Promise<AdoptReport> {
  const { context, warnings } = withWarnings(given);
  if (options.tool !== undefined && toolNamed(options.tool) === undefined) throw unknownTool(options.tool);
  const report = await withLock(target, context, async (connection, lock) => {
    const found = await choose(target, connection, options);
    // Told later: what is wrong with the history comes first.
    const listing = await filesFor(target, found).catch((error: unknown) => ({ error }));
    const history = await target.ledger.read(connection);
    const memory = await recallTools(target, connection, history);
    const mirror = parseMirror(target.settings.mirror);
    const isNamed =
      options.table !== undefined || (mirror !== null && mirror !== "none" && mirror.table !== undefined);
    if (!isNamed) await refuseOthers(target, connection, found, memory);
    await connection.execute(
      `begin isolation level read committed; ${lock.fence} set local lock_timeout = ${Number(target.settings.lockTimeoutMs)};`,
    );
    try {
      await holdTool(connection, found);
      const current = { ...found, history: await readHistory(connection, found) };
      refuseFailed(current);
      if ("error" in listing) throw listing.error;
      const files = listing;
      refuseForeign(target, files, history);
      const decided = await decide(target, current, { files, history, memory, assume: options.assume });
      if (!options.dryRun)
        await write({ target, connection, lock, context }, history, { ...decided, found: current });
      return {
        target: target.name,
        database: connection.server.database,
        tool: found.tool.name,
        table: describeTable(found.table),
        dryRun: options.dryRun,
        mirrored: isMirrored(target, found.tool),
        ...decided.report,
      };
    } finally {
      await rollback(connection);
    }
  });
  return { ...report, warnings: [...report.warnings, ...warnings()] };
}

async function choose(
  target: Target,
  connection: Connection,
  { tool, table }: AdoptOptions,
): Promise<FoundHistory> {
  // What is wrong with the files is said later; until then none of them proves anything.
  const files = await target.source.list().catch(() => ({ migrations: [] }));
  const wanted = {
    tools: tool === undefined ? undefined : [tool],
    table,
    schema: target.settings.schema,
    notTable: tableOfOthers(target.settings.mirror),
    whose: whoseOf(target, files.migrations, true),
  };
  // The one that is kept in step was named already.
  const mirror = parseMirror(target.settings.mirror);
  const said = mirror === null || mirror === "none" || (tool ?? mirror.tool) !== mirror.tool ? null : mirror;
  const named =
    said?.table === undefined || table !== undefined
      ? undefined
      : await theOnly(target, connection, { ...wanted, tools: [said.tool], table: said.table });
  const found = named ?? (await theOnly(target, connection, wanted));
  if (found === undefined || found.history.rows.length + found.history.problems.length === 0)
    throw nothing(connection, found, tool);
  const layout = target.source.layout;
  if (found.tool.layouts.length > 0 && !found.tool.layouts.includes(layout) && toolsOf(layout).length > 0)
    throw otherLayout(found, layout);
  return found;
}

/** Where its files are programs, none of them is run here: whose its history is does not matter, a person names it by adopting. */
async function theOnly(
  target: Target,
  connection: Connection,
  wanted: Wanted,
): Promise<FoundHistory | undefined> {
  const own = toolsOf(target.source.layout).map(({ name }) => name);
  const found = await findHistories(connection, wanted);
  const maybe =
    found.length > 0 || wanted.tools !== undefined || wanted.table !== undefined || own.length === 0
      ? found
      : await findHistories(connection, { ...wanted, tools: own });
  return onlyOne(maybe.map((one) => (one.tool.layouts.length === 0 ? { ...one, ours: true } : one)));
}

/** With a tool whose files are not run, the folder to carry on in may not be there yet, or be the tool's own. */
async function filesFor(target: Target, { tool }: FoundHistory): Promise<Listing> {
  try {
    return await target.source.list();
  } catch (error) {
    const absent = ["SOURCE_FOLDER_MISSING", "SOURCE_FOLDER_EMPTY", "LAYOUT_REFUSED"];
    const own = tool.layouts.includes(target.source.layout);
    if (!(error instanceof SourceError) || own || tool.layouts.length > 0 || !absent.includes(error.code))
      throw error;
    return { migrations: [], problems: [] };
  }
}

interface Known {
  readonly files: Listing;
  readonly history: RecordedHistory;
  readonly memory: ToolMemory;
  readonly assume: boolean;
}

async function decide(
  target: Target,
  found: FoundHistory,
  { files, history, memory, assume }: Known,
): Promise<{
  taken: readonly Adopted[];
  remember: string;
  report: Omit<AdoptReport, "target" | "database" | "tool" | "table" | "dryRun" | "mirrored">;
}> {
  const { tool } = found;
  const sets = setsOf(found, { target, files, history, memory });
  const { match } = sets;
  const events = compare(sets);
  const [first, ...others] = refusalsOf(found, events, history);
  if (first !== undefined) throw new PlanRefused([first, ...others]);
  const skipped = events.flatMap((event) => (event.kind === "passed-over" ? [event.id] : []));
  const left = new Set([
    ...skipped,
    ...events.flatMap((event) => (event.kind === "taken-out-here" ? [event.id] : [])),
  ]);
  const own = tool.layouts.includes(target.source.layout);
  const assumed = assume ? match.skipped.map((id) => ({ id, row: null, edited: false })) : [];
  const matched = [...match.applied.filter(({ id }) => assume || !left.has(id)), ...assumed];
  // Rows of a layout whose file is not here wait for it: it may come with the next merge.
  const withoutFile: readonly ToolRow[] = own
    ? []
    : eachOnce([...match.missing, ...found.history.rows.filter((row) => row.withoutFile === true)]);
  const known = new Set(history.entries.map((entry) => entry.revision));
  // Known, and run there again with a text that we do not have.
  const again = new Set(
    events.flatMap((event) => (event.kind === "applied-there" && known.has(event.id) ? [event.id] : [])),
  );
  const partial = history.entries.filter(
    ({ revision, state }) => state !== "applied" && matched.some(({ id }) => id === revision),
  );
  if (partial[0] !== undefined) throw begun(partial[0], tool.title);
  const taken = [
    ...adoptedWithoutFile(
      found,
      withoutFile.filter(({ name }) => !known.has(name)),
    ),
    ...(await adoptedOf(
      target,
      found,
      matched.filter(({ id }) => !known.has(id) || again.has(id)),
      files.migrations,
    )),
  ];
  const ids = new Set(matched.map(({ id }) => id));
  const pending = files.migrations.filter(({ id }) => !ids.has(id) && !known.has(id)).map(({ id }) => id);
  const edited = match.applied.filter((one) => one.edited).map(({ id }) => id);
  const missing = own ? match.missing.filter((row) => !isSettled(row, sets.seen)) : [];
  const after = {
    ...sets,
    ours: { ...sets.ours, known: new Set([...known, ...taken.map(({ entry }) => entry.revision)]) },
  };
  return {
    taken,
    remember: rememberSql(target, memory, { tool, table: found.table, sets: after }),
    report: {
      applied: [
        ...withoutFile.map(
          ({ name, at }): AdoptedRow => ({
            revision: name,
            at,
            file: false,
            assumed: false,
            already: known.has(name),
          }),
        ),
        ...inOrder(files, matched, new Set([...known].filter((id) => !again.has(id)))),
      ],
      pending,
      skipped: assume ? [] : skipped.filter((id) => pending.includes(id)),
      edited,
      missing: missing.map(({ name }) => name),
      warnings: [
        ...found.history.warnings,
        ...match.warnings,
        ...edited.map((id) => editedWarning(tool, id)),
        ...(missing.length === 0 ? [] : [missingWarning(tool, missing)]),
      ],
    },
  };
}

/** Where nothing keeps a tool's table from it, one name is there twice, or a row has none. */
function eachOnce(rows: readonly ToolRow[]): readonly ToolRow[] {
  return [...new Map(rows.filter(({ name }) => name !== "").map((row) => [row.name, row])).values()];
}

function inOrder(
  files: Listing,
  matched: Match["applied"],
  known: ReadonlySet<string>,
): readonly AdoptedRow[] {
  const byId = new Map(matched.map((one) => [one.id, one]));
  return files.migrations.flatMap(({ id }): AdoptedRow[] => {
    const one = byId.get(id);
    if (one === undefined) return [];
    return [
      {
        revision: id,
        at: one.row?.at ?? null,
        file: true,
        assumed: one.row === null,
        already: known.has(id),
      },
    ];
  });
}

interface Writer {
  readonly target: Target;
  readonly connection: Connection;
  readonly lock: Lock;
  readonly context: RunContext;
}

/** Where its rows speak of none of these files, that somebody looked is what is kept: nobody has to be asked again. */
async function write(
  { target, connection, lock, context }: Writer,
  history: RecordedHistory,
  {
    taken,
    remember,
    found,
  }: { readonly taken: readonly Adopted[]; readonly remember: string; readonly found: FoundHistory },
): Promise<void> {
  const looked = taken.length === 0 && (await isFresh(target, connection, history));
  if (taken.length === 0 && !looked && (remember === "" || !history.created)) return;
  const { sql } = target.ledger;
  if (!history.created) await target.ledger.create(connection, target.settings.project);
  const rows = looked ? [lookedAtSql(sql, context, found)] : adoptedSql(sql, context, taken);
  await connection.execute(`${lock.fence} ${rows.map((row) => `${row};`).join(" ")} ${remember} commit`);
}
