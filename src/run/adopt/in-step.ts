/**
 * What a run does about another tool's history before it carries out its own plan. It adopts what the tool has and
 * our ledger lacks. It writes into the tool's history what was applied while that was not mirrored. Both happen under
 * the lock, each in one transaction.
 */
import type { Connection } from "../../database/connection.ts";
import { DUPLICATE_TABLE, UNIQUE_VIOLATION } from "../../database/sqlstate.ts";
import { DatabaseError, type Problem } from "../../errors.ts";
import type { RecordedHistory } from "../../ledger/ledger.ts";
import type { Lock } from "../../lock/lock.ts";
import type { Listing } from "../../source/source.ts";
import { describeTable } from "../../tools/tool.ts";
import { type Mirror, mirroredRow, rememberedRow } from "../mirror/mirror.ts";
import { type Advisory, holdToolLock, refuseLockedRow, toolRunning } from "../mirror/tool-lock.ts";
import { UNMIRRORED } from "../mirror/tool-memory.ts";
import { beforeLook, type ToolWatch, watchTool } from "../mirror/tool-watch.ts";
import type { RunContext, Target } from "../session/target.ts";
import { writeUnderLock } from "../session/transaction.ts";
import { adoptedSql } from "./adopted.ts";
import { type Adoption, lookAtTool } from "./adoption.ts";
import { type UnmirroredRun, unmirroredWarning } from "./unmirrored.ts";

export interface InStep {
  readonly target: Target;
  readonly connection: Connection;
  readonly lock: Lock;
  readonly context: RunContext;
  readonly warn: (problem: Problem) => void;
}

type Beside = Pick<
  Adoption,
  "mirror" | "missingThere" | "there" | "remember" | "passedOver" | "unmirrored"
> & {
  readonly watch: ToolWatch | null;
  readonly advisory: Advisory | null;
};

/** Returns the history after adopting. Throws what `lookAtTool` throws. */
export async function adoptInPassing(
  { target, connection, lock, context, warn }: InStep,
  known: { readonly files: Listing; readonly history: RecordedHistory },
): Promise<{ history: RecordedHistory } & Beside> {
  const before = await beforeLook(target, connection, known.history);
  let advisory: Advisory | null = null;
  const { found, entries, warnings, remember, ...looked } = await lookAtTool(
    target,
    connection,
    known,
    async (tool) => {
      if (connection.capabilities.session) await holdToolLock(target, connection, tool, context);
      else advisory = tool;
    },
  );
  if (found !== null) await refuseLockedRow(connection, found);
  const watch =
    looked.mirror === null
      ? await watchTool(target, connection, { before, found, migrations: known.files.migrations })
      : null;
  const seen = found?.history.rows.map(({ name }) => name) ?? [];
  const mirror = looked.mirror === null ? null : { ...looked.mirror, seen };
  const rest = { ...looked, mirror, watch, advisory };
  for (const warning of warnings) warn(warning);
  if (entries.length === 0 || found === null) {
    // A run that has nothing to do does not create the ledger.
    if (!known.history.created) return { history: known.history, remember, ...rest };
    if (remember !== "") await writeUnderLock(connection, lock, remember);
    return { history: known.history, remember: "", ...rest };
  }
  if (!known.history.created) await target.ledger.create(connection, target.settings.project);
  const rows = adoptedSql(target.ledger.sql, context, entries);
  await writeUnderLock(connection, lock, `${rows.join("; ")}; ${remember}`);
  const { name: tool, title } = found.tool;
  context.observe({
    kind: "adopted",
    ...{ tool, title },
    table: describeTable(found.table),
    revisions: entries.map(({ entry }) => entry.revision),
  });
  return { history: await target.ledger.read(connection), remember: "", ...rest };
}

/** Says that a tool is not told of these steps, and remembers that it was said. */
export async function warnUnmirrored(
  { target, connection, lock, warn }: InStep,
  run: UnmirroredRun,
): Promise<void> {
  const warning = unmirroredWarning(target, run);
  if (warning === null) return;
  warn(warning);
  if (run.unmirrored === null) return;
  const { tool, history } = run.unmirrored;
  const { sql } = target.ledger;
  const kept = sql.rememberToolRow({ tool: tool.name, history }, UNMIRRORED, "up");
  await writeUnderLock(connection, lock, `${sql.createToolRows()}; ${kept};`);
}

export async function tellTool(
  { target, connection, lock, context }: InStep,
  { mirror, files, missingThere }: { mirror: Mirror; files: Listing; missingThere: readonly string[] },
): Promise<void> {
  const rows: string[] = [];
  for (const revision of missingThere)
    rows.push(
      await mirroredRow(target, connection, { mirror, files, revision, direction: "up" }),
      rememberedRow(target, { mirror, revision }),
    );
  const written = rows.filter((row) => row !== "");
  if (written.length === 0) return;
  await writeUnderLock(connection, lock, written.join(" "));
  const { name: tool, title } = mirror.tool;
  context.observe({
    kind: "told",
    ...{ tool, title },
    table: describeTable(mirror.table),
    revisions: missingThere,
  });
}

/**
 * Creates the tool's table. Throws `PlanRefused` (`ADOPT_TOOL_RUNNING`) if the tool is creating it at the same time.
 */
export async function makeTable(connection: Connection, { create, tool }: Mirror): Promise<void> {
  if (create === null) return;
  await connection.execute(create).catch((error: unknown) => {
    // `if not exists` looks before it waits for a session that is creating the same table. So it may still fail.
    const isMade =
      error instanceof DatabaseError && [UNIQUE_VIOLATION, DUPLICATE_TABLE].includes(error.sqlState ?? "");
    throw isMade ? toolRunning(tool.title) : error;
  });
}
