/**
 * `godwit adopt`: records in our ledger what another tool has applied, in one transaction and under the locks of
 * both. It runs nothing and changes nothing of the other tool's. So going back to that tool costs nothing.
 *
 * If the tool's files run here (they have a layout), each row counts for its file. A file that the tool has passed
 * over for good (a watermark) stays pending, unless the user says that it is present. If the tool's migrations are
 * programs, each row becomes a revision without a file, and a new folder continues from there.
 */
import type { Connection } from "../database/connection.ts";
import type { RecordedHistory } from "../ledger/ledger.ts";
import type { Lock } from "../lock/lock.ts";
import { describeTable } from "../tools/tool.ts";
import { toolNamed } from "../tools/tools.ts";
import type { AdoptReport } from "./adopt/adopt-report.ts";
import { type Adopted, adoptedSql, lookedAtSql } from "./adopt/adopted.ts";
import { chooseHistory, isEmpty, NO_FILES, withoutFiles } from "./adopt/choose-history.ts";
import { decideAdoption } from "./adopt/decide-adoption.ts";
import { nothing, unknownTool } from "./adopt/problems.ts";
import { type FoundHistory, readHistory, refuseFailed } from "./mirror/histories.ts";
import { parseMirror } from "./mirror/mirror-setting.ts";
import { refuseOthers } from "./mirror/other-ledgers.ts";
import { withTexts } from "./mirror/row-texts.ts";
import { holdTool } from "./mirror/tool-lock.ts";
import { isFresh, isMirrored } from "./mirror/tool-look.ts";
import { recallTools } from "./mirror/tool-memory.ts";
import { withWarnings } from "./session/local-commits.ts";
import { withLock } from "./session/locked.ts";
import { refuseForeign } from "./session/owner.ts";
import type { RunContext, Target } from "./session/target.ts";
import { rollback } from "./session/transaction.ts";

export interface AdoptOptions {
  /** The name of the tool, if several have a history. */
  readonly tool?: string | undefined;
  /** `schema.table`, if one tool has several histories. */
  readonly table?: string | undefined;
  /** Counts as present: what the tool has passed over, and what was taken out of our ledger on purpose. */
  readonly assume?: boolean | undefined;
  readonly dryRun?: boolean | undefined;
}

/** Throws `PlanRefused` (`ADOPT_…`), and `ConfigError` for an unknown tool. */
export async function adopt(target: Target, options: AdoptOptions, given: RunContext): Promise<AdoptReport> {
  const { context, warnings } = withWarnings(given);
  if (options.tool !== undefined && toolNamed(options.tool) === undefined) throw unknownTool(options.tool);
  const report = await withLock(target, context, async (connection, lock) => {
    const history = await target.ledger.read(connection);
    const listing = await target.source.list().catch((error: unknown) => ({ error }));
    const known = "error" in listing ? NO_FILES : listing;
    // Every command checks this first, so that no hint leads to a command that refuses.
    refuseForeign(target, known, history);
    const memory = await recallTools(target, connection, history);
    const found = await chooseHistory(target, connection, {
      ...options,
      files: known,
      known: () => history.entries.length > 0,
    });
    const mirror = parseMirror(target.settings.mirror);
    const isNamed =
      options.table !== undefined || (mirror !== null && mirror !== "none" && mirror.table !== undefined);
    if (!isNamed)
      await refuseOthers(target, connection, found, {
        memory,
        mirrored: isMirrored(target, found.tool) === true,
      });
    await connection.execute(
      `begin isolation level read committed; ${lock.fence} set local lock_timeout = ${Number(target.settings.lockTimeoutMs)};`,
    );
    try {
      await holdTool(connection, found);
      const read = { ...found, history: await readHistory(connection, found) };
      refuseFailed(read);
      // Problems of the history are reported before problems of the files.
      const files = "error" in listing ? withoutFiles(target, found, listing.error) : listing;
      const current = await withTexts(connection, read, { files, history });
      const decided = await decideAdoption(target, current, {
        files,
        history,
        memory,
        assume: options.assume ?? false,
      });
      // Nothing of ours is missed in it.
      if (isEmpty(current)) throw nothing(connection, current, options.tool);
      if (!options.dryRun)
        await write({ target, connection, lock, context }, history, { ...decided, found: current });
      return {
        target: target.name,
        database: connection.server.database,
        tool: found.tool.name,
        table: describeTable(found.table),
        dryRun: options.dryRun ?? false,
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

/** Writes the rows. If the history has nothing of these files, it logs the look, so that nobody is asked again. */
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
