/**
 * Judges a look at another tool's history. A table of decisions says what becomes of each event since the last look
 * (`tools/compare.ts`): adopt it, tell the tool, warn, ask, or refuse. Nothing is written here.
 */
import { hasHadFile } from "../../core/history.ts";
import type { PassedOver } from "../../core/step.ts";
import type { Connection } from "../../database/connection.ts";
import { PlanRefused, type Problem } from "../../errors.ts";
import type { RecordedHistory } from "../../ledger/ledger.ts";
import type { Listing } from "../../source/source.ts";
import { groupBy } from "../../std/group.ts";
import { compare, rowsOfOthers, type ToolEvent } from "../../tools/compare.ts";
import { type Decision, decisionOf, type Situation } from "../../tools/decisions.ts";
import type { Sets } from "../../tools/sets.ts";
import { describeTable, type Tool } from "../../tools/tool.ts";
import { toolsOf } from "../../tools/tools.ts";
import { type FoundHistory, refuseFailed } from "../mirror/histories.ts";
import type { Mirror } from "../mirror/mirror.ts";
import { isGivenUp } from "../mirror/mirror-setting.ts";
import type { HistoryThere } from "../mirror/reruns.ts";
import type { Advisory } from "../mirror/tool-lock.ts";
import { isThatTable, type LookAt, lookAt, type ToolView } from "../mirror/tool-look.ts";
import { rememberSql, type ToolMemory, tableOf } from "../mirror/tool-memory.ts";
import { unplacedProblem } from "../mirror/unplaced.ts";
import type { Target } from "../session/target.ts";
import { type Adopted, adoptedOf } from "./adopted.ts";
import { idOf, ofKind } from "./events.ts";
import { laterTime } from "./later-time.ts";
import {
  asked,
  bothWarning,
  editedWarning,
  historyGone,
  missingWarning,
  movedWarning,
  nothingInCommon,
  renamedThere,
  takenBackThere,
  uncertainNumber,
  unremembered,
} from "./problems.ts";
import { twinProblems } from "./twins.ts";
import { type UnmirroredTool, unmirroredIn } from "./unmirrored.ts";

export interface Adoption {
  readonly found: FoundHistory | null;
  readonly mirror: Mirror | null;
  /** What the tool has applied and our ledger does not have. */
  readonly entries: readonly Adopted[];
  /** What we have applied and a mirrored history lacks, in the order of application. */
  readonly missingThere: readonly string[];
  readonly there: HistoryThere | null;
  readonly unmirrored: UnmirroredTool | null;
  readonly warnings: readonly Problem[];
  /** Pending revisions that the tool counts as applied although nothing says that they ran. */
  readonly passedOver: ReadonlyMap<string, PassedOver>;
  /** SQL that remembers this look. Empty if nothing has changed since the last one. */
  readonly remember: string;
}

const NOTHING: Adoption = {
  ...{ found: null, mirror: null, entries: [], missingThere: [], there: null, unmirrored: null },
  ...{ warnings: [], remember: "", passedOver: new Map() },
};

/** Looks and judges. Changes nothing. `hold` may take the tool's lock. Throws `PlanRefused` (`ADOPT_…`). */
export async function lookAtTool(
  target: Target,
  connection: Connection,
  at: LookAt,
  hold: (advisory: Advisory) => Promise<void> = async () => {},
): Promise<Adoption> {
  return judge(target, await lookAt(target, connection, at, hold), at);
}

/** Throws `PlanRefused` for what a person has to decide. */
export async function judge(
  target: Target,
  look: ToolView | null,
  {
    files,
    history,
    settled = new Set(),
    replacing = false,
  }: LookAt & {
    /** Revisions that a person answers for. Events about them are ignored. */
    readonly settled?: ReadonlySet<string>;
    /** The user says that these files replace all old ones, so rows without a file are fine. */
    readonly replacing?: boolean;
  },
): Promise<Adoption> {
  if (look === null) return NOTHING;
  const { found, mirror, sets, memory, tool } = look;
  const situation = replacing ? { ...look.situation, first: false } : look.situation;
  if (found === undefined || sets === null) {
    const gone = goneWith(target, look, { files, history });
    if (gone !== null && mirror !== null && settled.size === 0) throw new PlanRefused([gone]);
    const missingThere = mirror === null ? [] : inOrder(history, files.migrations.flatMap(hasKey));
    const kept = mirror === null ? memory.seen.get(tool.name)?.subjects : undefined;
    const remember = rememberSql(target, memory, { tool, table: null, sets: null, kept });
    const unmirrored = unmirroredIn(target, look);
    return { ...NOTHING, mirror, missingThere, unmirrored, remember, warnings: gone === null ? [] : [gone] };
  }
  refuseFailed(found);
  // Who speaks of some migrations is not asked about the others: they stay pending, and the next run asks.
  const isOfOthers = ({ kind }: ToolEvent) =>
    kind === "unplaced" || (kind === "without-file" && sets.match.isSame === true);
  const isSettled = (event: ToolEvent) =>
    settled.size > 0 && (isOfOthers(event) || ("id" in event && settled.has(event.id)));
  const events = compare(sets).filter((event) => !isSettled(event));
  const decided = groupBy(events, (event) => decisionOf(event, situation));
  const refused = decided.get("refuse") ?? [];
  const forgotten = ofKind(refused, "unremembered").map(idOf);
  const [first, ...others] = [
    ...refusalsOf(found, refused, history),
    ...(forgotten.length === 0 ? [] : [unremembered(found, forgotten)]),
  ];
  if (first !== undefined) throw new PlanRefused([first, ...others]);
  if (!replacing) refuseOtherFiles(target, found, sets);
  refuseQuestions(found, { events: decided.get("ask") ?? [], all: events, sets, situation });
  const taken = (decided.get("take") ?? []).flatMap((event) => ("one" in event ? [event.one] : []));
  const told = new Set((decided.get("tell") ?? []).flatMap((event) => ("id" in event ? [event.id] : [])));
  const { known } = sets.ours;
  const entries = await adoptedOf(target, found, taken, { migrations: files.migrations, known });
  const after = { ...sets, ours: { ...sets.ours, known: new Set([...sets.ours.known, ...taken.map(idOf)]) } };
  return {
    ...{ found, mirror, entries },
    missingThere: inOrder(history, [...told]),
    there: thereIn(look, { found, sets }),
    unmirrored: unmirroredIn(target, look),
    passedOver: new Map(
      ofKind(events, "passed-over").map(({ id, ours }) => [
        id,
        { title: found.tool.title, mayHaveRun: !(ours && mirror !== null) },
      ]),
    ),
    warnings: [...moved(found, memory), ...warningsOf(found, { decided, sets, situation })],
    remember: rememberSql(target, memory, { tool, table: found.table, sets: after }),
  };
}

function moved(found: FoundHistory, memory: ToolMemory): readonly Problem[] {
  const before = tableOf(memory, found.tool.name);
  const isElsewhere = before !== undefined && before !== describeTable(found.table);
  return isElsewhere && isThatTable(found, memory) ? [movedWarning(found, before)] : [];
}

function thereIn({ mirror }: ToolView, { found, sets }: { found: FoundHistory; sets: Sets }): HistoryThere {
  const { applied, open = [], isSame = false } = sets.match;
  return {
    ...{ found, isSame },
    isMirrored: mirror !== null,
    revisions: new Set(applied.flatMap(({ id, row }) => (row === null ? [] : [id]))),
    above: isSame ? (open[0] ?? null) : null,
  };
}

/** A history whose table is gone: a warning once, a refusal if it is mirrored. */
function goneWith(
  target: Target,
  { tool, memory, mirror }: ToolView,
  { files, history: { entries } }: LookAt,
): Problem | null {
  const before = memory.seen.get(tool.name);
  const table = tableOf(memory, tool.name);
  if (table === undefined || isGivenUp(table, target.settings.mirror)) return null;
  const from = new Set(memory.adopted.flatMap((one) => (one.tool === tool.name ? [one.revision] : [])));
  const rows = entries.filter(({ revision }) =>
    (before === undefined ? from : before.subjects).has(revision),
  );
  if (rows.length === 0) return null;
  const how = mirror !== null ? "mirrored" : couldMirror(target, tool, files) ? "could be mirrored" : "never";
  return historyGone(tool, table, { revisions: rows.map(({ revision }) => revision), how });
}

/** Whether `--mirror` with this tool's name would be accepted. */
function couldMirror({ source: { layout } }: Target, { writer, layouts }: Tool, files: Listing): boolean {
  if (writer === undefined) return false;
  const fits = layouts.includes(layout) || (writer.ownFiles !== true && toolsOf(layout).length === 0);
  return fits && (writer.check?.(files.migrations) ?? null) === null;
}

function hasKey({ id, tool }: Listing["migrations"][number]): readonly string[] {
  return tool === undefined ? [] : [id];
}

/** Those of `ids` that are applied here, in the order of application. */
function inOrder({ entries }: RecordedHistory, ids: readonly string[]): readonly string[] {
  const wanted = new Set(ids);
  return entries.flatMap(({ kind, state, revision }) =>
    kind !== "repeatable" && state === "applied" && wanted.has(revision) ? [revision] : [],
  );
}

interface Decided {
  readonly decided: ReadonlyMap<Decision, readonly ToolEvent[]>;
  readonly sets: Sets;
  readonly situation: Situation;
}

/** Rows that are gone, and names that two migrations share. Only a person who looks at the database can decide. */
export function refusalsOf(
  found: FoundHistory,
  events: readonly ToolEvent[],
  history: RecordedHistory,
): readonly Problem[] {
  // The hint's commands follow the plan's order: a number in a tool's history says that all below it are applied.
  const gone = ofKind(events, "taken-back-there").map(({ id }) => id);
  const applied = new Set(inOrder(history, gone));
  const back = gone.filter((id) => applied.has(id));
  const withoutFile = new Set(history.entries.flatMap((one) => (hasHadFile(one) ? [] : [one.revision])));
  const twins = twinProblems(found, ofKind(events, "same-name"));
  const renamed = ofKind(events, "renamed").map(({ id, was }) => {
    const entry = history.entries.find(({ revision }) => revision === was);
    return renamedThere(found, id, { was, hadFile: entry === undefined || hasHadFile(entry) });
  });
  const uncertain = ofKind(events, "uncertain").map(({ id, later }) => uncertainNumber(found, id, later));
  const later = ofKind(events, "later-time").map((event) => laterTime(found, event, true));
  const unplaced = unplacedProblem(found, ofKind(events, "unplaced"));
  return [
    ...(back.length === 0 ? [] : [takenBackThere(found, back, withoutFile)]),
    ...(unplaced === null ? [] : [unplaced]),
    ...later,
    ...renamed,
    ...uncertain,
    ...twins,
  ];
}

/** Throws `PlanRefused` if the tool has applied migrations without a file and none of the files. */
export function refuseOtherFiles({ source }: Target, found: FoundHistory, sets: Sets): void {
  const rows = found.tool.layouts.includes(source.layout) ? rowsOfOthers(sets) : [];
  if (rows.length > 0) throw new PlanRefused([nothingInCommon(found, rows, sets.files)]);
}

function refuseQuestions(
  found: FoundHistory,
  {
    events,
    all,
    sets,
    situation,
  }: { events: readonly ToolEvent[]; all: readonly ToolEvent[] } & Pick<Decided, "sets" | "situation">,
): void {
  const { match } = sets;
  const open = events.length > 0 || (situation.first && match.warnings.length > 0);
  if (!open) return;
  const there = [...ofKind(all, "applied-there"), ...ofKind(all, "implied-there"), ...ofKind(all, "edited")];
  const ids = there.map(idOf);
  const questions = [
    ...listed(
      "edited since",
      ofKind(all, "edited").map(({ id }) => id),
    ),
    ...(situation.first
      ? listed(
          "passed over by it",
          ofKind(all, "passed-over").map(({ id }) => id),
        )
      : []),
    ...(situation.first
      ? listed(
          "without a file",
          ofKind(all, "without-file").map(({ row }) => row.name),
        )
      : []),
    ...(situation.first ? match.warnings.map(({ message }) => message) : []),
  ];
  throw new PlanRefused([asked(found, { ids: situation.first ? null : ids, questions })]);
}

function listed(what: string, names: readonly string[]): readonly string[] {
  if (names.length === 0) return [];
  return [`${what}: ${names.slice(0, 3).join(", ")}${names.length > 3 ? ", …" : ""}`];
}

/** Whether rows without a file wait for their files, which may come with the next merge. */
function waitsForFile({ tool }: Pick<FoundHistory, "tool">, { match }: Pick<Sets, "match">): boolean {
  return match.isSame ?? tool.layouts.length > 0;
}

function warningsOf(found: FoundHistory, { decided, sets, situation }: Decided): readonly Problem[] {
  const { tool, history } = found;
  const edited = ofKind(decided.get("take") ?? [], "edited");
  const warned = decided.get("warn") ?? [];
  // In a history that is not mirrored, each such row is warned about only once.
  const missing = ofKind(warned, "without-file")
    .filter(({ isNew }) => isNew || situation.mirrored)
    .map(({ row }) => row);
  const both = ofKind(warned, "applied-by-both").map(({ id }) => id);
  return [
    ...(situation.mirrored ? [...history.warnings, ...sets.match.warnings] : []),
    ...edited.map(({ id }): Problem => editedWarning(tool, id)),
    ...(missing.length === 0 ? [] : [missingWarning(tool, missing, waitsForFile(found, sets))]),
    ...(both.length === 0 ? [] : [bothWarning(found, both)]),
    ...ofKind(warned, "later-time").map((event) => laterTime(found, event, false)),
  ];
}
