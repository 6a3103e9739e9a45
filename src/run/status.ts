/** Looks, and changes nothing: no lock is taken and no table is made. */
import { currentOf, headsOf } from "../core/heads.ts";
import { type Plan, plan } from "../core/plan.ts";
import type { Adopts, PassedOver } from "../core/step.ts";
import type { Capabilities, Connection } from "../database/connection.ts";
import { GodwitError, PlanRefused, type Problem, problemsOf } from "../errors.ts";
import { problemOf } from "../images/runs.ts";
import type { RecordedHistory } from "../ledger/ledger.ts";
import type { Listing } from "../source/source.ts";
import { orAbort } from "../std/time.ts";
import { describeTable } from "../tools/tool.ts";
import { withAdopted } from "./adopt/adopted.ts";
import { type Adoption, lookAtTool } from "./adopt/adoption.ts";
import { unmirroredWarning } from "./adopt/unmirrored.ts";
import { type InvalidIndex, invalidIndexes } from "./catalog/indexes.ts";
import { waysBackOf } from "./half-done.ts";
import { type Import, importRuns } from "./import.ts";
import { refuseUnmirroredDown } from "./mirror/reruns.ts";
import { beside, forPlanning, includesImports, type MigrateOptions, planInput } from "./plan.ts";
import { type StatusRow, statusRows } from "./report/status-rows.ts";
import { withConnection } from "./session/connect.ts";
import { refuseForeign } from "./session/owner.ts";
import type { RunContext, Target } from "./session/target.ts";
import { backfillOutlooks } from "./step/backfill/outlook.ts";
import { invalidIndex } from "./step/leftover-indexes.ts";
import { refuseSessionNeeds } from "./step/needs-session.ts";
import { lockTimeoutWarnings } from "./step/own-lock-timeout.ts";
import { prepareSteps } from "./step/prepare.ts";
import { findingSchema, refusedResumes } from "./step/resumable.ts";
import { refuseWithoutWayBack } from "./step/way-back.ts";

export interface View {
  readonly target: string;
  readonly database: string;
  readonly version: number;
  /** What the connection can do that was looked over. */
  readonly capabilities: Capabilities;
  readonly files: Listing;
  /** With what another tool has applied and `up` would take over. */
  readonly history: RecordedHistory;
  /** Why `up` would not begin. */
  readonly refused: PlanRefused | null;
  /** Pending ones that another tool takes for applied. */
  readonly passedOver: ReadonlyMap<string, PassedOver>;
  /** What `up` would adopt before it carries out its plan. */
  readonly adopts: Adopts | undefined;
  /** What `up` would say of another tool's history. */
  readonly warnings: readonly Problem[];
  /** Whether that history is mirrored. */
  readonly mirrored: boolean;
  /** One that is not, and the revisions that have a row in it. */
  readonly there: Adoption["there"];
  readonly unmirrored: Adoption["unmirrored"];
  readonly invalid: readonly InvalidIndex[];
}

/** Files and ledger side by side. */
export async function viewOf(target: Target, context: RunContext): Promise<View> {
  const listing = target.source.list();
  listing.catch(() => {});
  return withConnection(target, context, async (connection) => {
    const [read, invalid, files] = await Promise.all([
      target.ledger.read(connection),
      invalidIndexes(connection),
      orAbort(listing, context.signal),
    ]);
    const { database, version } = connection.server;
    const view = await seen(target, connection, { files, history: read, context });
    const { capabilities } = connection;
    return { target: target.name, database, version, capabilities, files, invalid, ...view };
  });
}

/** How far an import that `up` would run is; `skipped`: the environment does not say where its files are. */
export interface ImportState {
  readonly import: string;
  readonly state: "done" | "incomplete" | "never" | "skipped";
  /** Why its last run has failed. */
  readonly problem?: Problem;
}

export interface Status {
  readonly target: string;
  readonly database: string;
  /** Nothing is pending, nothing would stop `up`, its imports have run to their end, and no index is half-built. */
  readonly upToDate: boolean;
  /** What `up` would do; `null`: it would not begin, and `problems` says why. */
  readonly plan: Plan | null;
  readonly current: readonly string[];
  readonly heads: readonly string[];
  readonly migrations: readonly StatusRow[];
  readonly imports: readonly ImportState[];
  readonly warnings: readonly Problem[];
  readonly problems: readonly Problem[];
}

export interface StatusOptions extends MigrateOptions {
  readonly imports: () => Promise<readonly Import[]>;
}

/** What is there and what `up` with these options would do. What would stop it is shown, and stops no look. */
export async function statusOf(target: Target, options: StatusOptions, context: RunContext): Promise<Status> {
  const view = await viewOf(target, context);
  const { files, history } = view;
  const { decided, problems: refusals } = decide(target, options, view);
  const stuck = decided === null ? [] : await refusedResumes(target, { decided, files, history }, context);
  const problems = [...refusals, ...stuck];
  const { order } = target.settings;
  const migrations = statusRows(files.migrations, { history, order, plan: decided });
  const wanted = includesImports(options.goal) ? await options.imports() : [];
  const imports = wanted.length === 0 ? [] : await importStates(target, wanted, context);
  const isDone = ({ state }: StatusRow) => ["applied", "held", "without file"].includes(state);
  return {
    target: view.target,
    database: view.database,
    upToDate:
      problems.length === 0 &&
      migrations.every(isDone) &&
      imports.every(({ state }) => state === "done" || state === "skipped") &&
      !view.invalid.some((index) => isHalfBuilt(index, target.settings.schema)),
    plan: decided,
    current: currentOf(files.migrations, history, order),
    heads: headsOf(files.migrations, order),
    migrations,
    imports,
    warnings: [
      ...(decided === null ? view.warnings : warningsOf(target, view, decided)),
      ...view.invalid.filter(({ builder }) => builder === null).map(invalidIndex),
    ],
    problems,
  };
}

/**
 * One that nobody is building any more. The index on the parent of partitions alone waits for those of its parts, and of a
 * target that is one schema the others are somebody else's.
 */
function isHalfBuilt({ builder, parted, brokenPart, schema }: InvalidIndex, own?: string | null): boolean {
  return builder === null && (parted === null || brokenPart) && (own == null || own === schema);
}

function decide(
  target: Target,
  options: MigrateOptions,
  { files, history, refused, passedOver }: View,
): { decided: Plan | null; problems: readonly Problem[] } {
  if (refused !== null) return { decided: null, problems: problemsOf(refused) };
  try {
    return { decided: plan(beside(planInput(target, options, files, history), passedOver)), problems: [] };
  } catch (error) {
    if (!(error instanceof GodwitError)) throw error;
    return { decided: null, problems: problemsOf(error) };
  }
}

/**
 * Whether there is anything new to import only the origin could say. What can be known here: whether the last run of it
 * came to its end, and what it failed by.
 */
async function importStates(
  target: Target,
  wanted: readonly Import[],
  context: RunContext,
): Promise<readonly ImportState[]> {
  const runs = await importRuns(target, undefined, context);
  return wanted.map((each) => {
    const last = runs.find((run) => run.import === each.name);
    const state = last === undefined ? "never" : last.state === "done" ? "done" : "incomplete";
    if ("skip" in each) return { import: each.name, state: "skipped" };
    const problem = last === undefined ? null : problemOf(last);
    return { import: each.name, state, ...(problem === null ? {} : { problem }) };
  });
}

/** What `migrate` with these options would do now. Throws as it would. */
export async function preview(
  target: Target,
  { sample = false, ...options }: MigrateOptions & { readonly sample?: boolean | undefined },
  context: RunContext,
): Promise<Plan> {
  const view = await viewOf(target, context);
  const { files, history, refused, passedOver, there } = view;
  if (refused !== null) throw refused;
  const decided = plan(beside(planInput(target, options, files, history), passedOver));
  if (decided.direction === "down") refuseUnmirroredDown(target, there, decided);
  const migrations = new Map(files.migrations.map((migration) => [migration.id, migration]));
  const steps = await prepareSteps({
    steps: decided.steps,
    migrations,
    source: target.source,
    history,
    signal: context.signal,
  });
  await refuseSessionNeeds(view, steps);
  if (options.rollback === true) await refuseWithoutWayBack(target, steps, there);
  const [stuck, ...others] = await refusedResumes(target, { decided, files, history }, context);
  if (stuck !== undefined) throw new PlanRefused([stuck, ...others]);
  const waits = await lockTimeoutWarnings(steps, target.settings);
  const { adopts } = view;
  const { checks = [] } = options;
  const finding = findingSchema(decided.steps, migrations);
  const looked = await backfillOutlooks(target, steps, {
    context,
    finding,
    failure: options.failure,
    sample,
  });
  const { backfills } = looked;
  const warnings = [...warningsOf(target, view, decided), ...waits, ...looked.warnings];
  return {
    ...{ ...decided, warnings },
    ...(adopts === undefined ? {} : { adopts }),
    ...(backfills.length === 0 ? {} : { backfills }),
    ...(checks.length === 0 ? {} : { checks: checks.map(({ name, when }) => ({ name, when })) }),
  };
}

/** In the order in which `up` says them. */
function warningsOf(
  target: Target,
  { history, mirrored, unmirrored, warnings }: View,
  { steps, warnings: planned }: Plan,
): readonly Problem[] {
  const warning = unmirroredWarning(target, { steps, history, mirrored, unmirrored });
  return [...warnings, ...planned, ...(warning === null ? [] : [warning])];
}

async function seen(
  target: Target,
  connection: Connection,
  { files, history, context }: { files: Listing; history: RecordedHistory; context: RunContext },
): Promise<Omit<View, "target" | "database" | "version" | "capabilities" | "files" | "invalid">> {
  try {
    refuseForeign(target, files, history);
    const looked = await lookAtTool(target, connection, { files, history });
    const { found, entries, passedOver, warnings, mirror, there, unmirrored } = looked;
    const revisions = entries.map(({ entry }) => entry.revision);
    const adopts =
      found === null || revisions.length === 0
        ? undefined
        : { title: found.tool.title, table: describeTable(found.table), revisions };
    const adopted = withAdopted(history, entries, context);
    const waysBack = await waysBackOf(target, connection, history);
    const seen = { ...(await forPlanning(target, connection, { files, history: adopted })), waysBack };
    const ofTool = { passedOver, warnings, there, unmirrored, mirrored: mirror !== null, adopts };
    return { history: seen, refused: null, ...ofTool };
  } catch (error) {
    if (!(error instanceof PlanRefused)) throw error;
    return {
      history,
      refused: error,
      passedOver: new Map(),
      warnings: [],
      there: null,
      unmirrored: null,
      mirrored: false,
      adopts: undefined,
    };
  }
}
