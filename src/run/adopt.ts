/**
 * `godwit adopt`: what another tool has applied becomes known to our ledger, in one transaction and under the locks of
 * both. Nothing is run, and nothing of the other tool's is changed: going back to it costs nothing.
 *
 * Where its files are run here (a layout), a row counts for the file that it speaks of. What it has passed over for good
 * (a watermark) is left pending unless a person says that it is there. Where its files are programs, each row becomes
 * a revision of its own without a file, for a new folder to carry on from.
 */
import type { Connection } from "../database/connection.ts";
import type { RecordedHistory } from "../ledger/ledger.ts";
import type { Lock } from "../lock/lock.ts";
import { describeTable } from "../tools/tool.ts";
import { toolNamed } from "../tools/tools.ts";
import type { AdoptReport } from "./adopt/adopt-report.ts";
import { type Adopted, adoptedSql, lookedAtSql } from "./adopt/adopted.ts";
import { chooseHistory, NO_FILES, withoutFiles } from "./adopt/choose-history.ts";
import { decideAdoption } from "./adopt/decide-adoption.ts";
import { unknownTool } from "./adopt/problems.ts";
import { type FoundHistory, parseMirror, readHistory, refuseFailed } from "./mirror/histories.ts";
import { refuseOthers } from "./mirror/other-ledgers.ts";
import { holdTool } from "./mirror/tool-lock.ts";
import { isFresh, isMirrored } from "./mirror/tool-look.ts";
import { recallTools } from "./mirror/tool-memory.ts";
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

/** Throws `PlanRefused` (`ADOPT_…`), `ConfigError` for a tool that is not known. */
export async function adopt(target: Target, options: AdoptOptions, given: RunContext): Promise<AdoptReport> {
  const { context, warnings } = withWarnings(given);
  if (options.tool !== undefined && toolNamed(options.tool) === undefined) throw unknownTool(options.tool);
  const report = await withLock(target, context, async (connection, lock) => {
    const history = await target.ledger.read(connection);
    const listing = await target.source.list().catch((error: unknown) => ({ error }));
    const known = "error" in listing ? NO_FILES : listing;
    // First for every command, so that none of them sends to another that refuses.
    refuseForeign(target, known, history);
    const found = await chooseHistory(target, connection, { ...options, files: known });
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
      // What is wrong with the history comes first.
      const files = "error" in listing ? withoutFiles(target, found, listing.error) : listing;
      const decided = await decideAdoption(target, current, {
        files,
        history,
        memory,
        assume: options.assume,
      });
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
