/**
 * What a look at another tool's history comes to: what happened there since the last look (`tools/compare.ts`) is taken over,
 * told, or refused, by its table of decisions. Nothing is written here.
 */
import { ordered } from "../core/heads.ts";
import type { Connection } from "../database/connection.ts";
import { ConfigError, PlanRefused, type Problem } from "../errors.ts";
import type { RecordedHistory } from "../ledger/ledger.ts";
import type { Listing } from "../source/source.ts";
import {
  compare,
  type Decision,
  decisionOf,
  type Sets,
  type Situation,
  type ToolEvent,
  type ToolEventKind,
} from "../tools/compare.ts";
import { type Applied, describeTable, type Tool } from "../tools/tool.ts";
import { KEPT_BY_DEFAULT, TOOLS, toolNamed, toolsOf } from "../tools/tools.ts";
import {
  asked,
  bothWarning,
  editedWarning,
  historyGone,
  missingWarning,
  movedWarning,
  passedOverWarning,
  sameName,
  takenBackThere,
  uncertainNumber,
} from "./adopt-problems.ts";
import { type Adopted, adoptedOf } from "./adopted.ts";
import {
  type FoundHistory,
  findHistories,
  onlyOne,
  parseKeep,
  refuseFailed,
  sideBySide,
  tableOfOthers,
} from "./histories.ts";
import type { Keeper } from "./keep.ts";
import { refuseUnnoticed } from "./reruns.ts";
import type { Target } from "./target.ts";
import { type Advisory, advisoryOf } from "./tool-lock.ts";
import { oursIn, recallTools, rememberSql, type ToolMemory, tableOf } from "./tool-memory.ts";
import { placeFor, placeWithoutLooking, refuseUnfilled, whoseOf } from "./whose.ts";

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
  /** SQL that remembers this look; empty where nothing has changed since the last. */
  readonly remember: string;
}

const NOTHING: Adoption = {
  ...{ found: null, keeper: null, entries: [], untold: [], theirs: null, warnings: [], remember: "" },
};

export interface LookAt {
  readonly files: Listing;
  readonly history: RecordedHistory;
}

/** Changes nothing, and holds the tool's lock if `hold` does. Throws `PlanRefused` (`ADOPT_…`). */
export async function lookAtTool(
  target: Target,
  connection: Connection,
  at: LookAt,
  hold: (advisory: Advisory) => Promise<void> = async () => {},
): Promise<Adoption> {
  return judge(target, await lookAt(target, connection, at, hold), at);
}

/** Throws `PlanRefused` for what is not settled. */
export async function judge(
  target: Target,
  look: Look | null,
  {
    files,
    history,
    settled = new Set(),
  }: LookAt & {
    /** A person speaks for these: what happened to them there is not asked again. */
    readonly settled?: ReadonlySet<string>;
  },
): Promise<Adoption> {
  if (look === null) return NOTHING;
  const { found, keeper, sets, memory, tool, situation } = look;
  if (found === undefined || sets === null) {
    const gone = goneWith(look, history);
    if (gone !== null && keeper !== null && settled.size === 0) throw new PlanRefused([gone]);
    const untold = keeper === null ? [] : inOrder(history, files.migrations.flatMap(hasKey));
    const remember = rememberSql(target, memory, { tool, table: null, sets: null });
    return { ...NOTHING, keeper, untold, remember, warnings: gone === null ? [] : [gone] };
  }
  refuseFailed(found);
  const events = compare(sets).filter((event) => !("id" in event && settled.has(event.id)));
  const decided = groupBy(events, (event) => decisionOf(event, situation));
  const [first, ...others] = refusalsOf(found, decided.get("refuse") ?? []);
  if (first !== undefined) throw new PlanRefused([first, ...others]);
  refuseQuestions(found, { events: decided.get("ask") ?? [], all: events, sets, situation });
  const taken = (decided.get("take") ?? []).flatMap((event) => ("one" in event ? [event.one] : []));
  const told = new Set((decided.get("tell") ?? []).flatMap((event) => ("id" in event ? [event.id] : [])));
  const rows = sets.match.applied.flatMap(({ id, row }) => (row === null ? [] : [id]));
  const entries = await adoptedOf(target, found, taken, files.migrations);
  const after = { ...sets, ours: { ...sets.ours, known: new Set([...sets.ours.known, ...taken.map(idOf)]) } };
  return {
    ...{ found, keeper, entries },
    untold: inOrder(history, [...told]),
    theirs: keeper === null ? { found, revisions: new Set(rows) } : null,
    warnings: [...moved(found, memory), ...warningsOf(found, { decided, sets, situation })],
    remember: rememberSql(target, memory, { tool, table: found.table, sets: after }),
  };
}

const idOf = ({ id }: Applied) => id;

/** A tool whose history may be here, and what is known of it. */
export interface Look {
  readonly tool: Tool;
  readonly found: FoundHistory | undefined;
  readonly keeper: Keeper | null;
  readonly sets: Sets | null;
  readonly situation: Situation;
  readonly memory: ToolMemory;
}

/** The three sets, without judging them. `null`: no tool comes into question. */
export async function lookAt(
  target: Target,
  connection: Connection,
  { files, history }: LookAt,
  hold: (advisory: Advisory) => Promise<void> = async () => {},
): Promise<Look | null> {
  const memory = await recallTools(target, connection, history);
  const { tools, kept, table } = concerned(target, memory);
  const first = await isFresh(target, connection, history);
  const [only] = tools;
  if (only === undefined) {
    if (first && parseKeep(target.settings.keep) !== "none") await refuseUnnoticed(target, connection, files);
    return null;
  }
  const { schema = null, keep } = target.settings;
  const names = tools.map(({ name }) => name);
  const before = table ?? names.flatMap((name) => tableOf(memory, name) ?? [])[0];
  const whose = {
    ...whoseOf(target, files.migrations, first),
    remembered: names.flatMap((name) => [...(memory.seen.get(name)?.subjects ?? [])]),
  };
  const find = async () => {
    const wanted = { tools: names, table, schema, notTable: tableOfOthers(keep), whose };
    const [one, ...others] =
      before === undefined ? [] : await findHistories(connection, { ...wanted, table: before });
    return onlyOne(one === undefined ? await findHistories(connection, wanted) : [one, ...others]);
  };
  let found = await find();
  // Of many schemas one by itself has a history only where the tool has made one there.
  if (schema !== null && found === undefined && keep == null) return null;
  const advisory = advisoryOf(found?.tool ?? only, found?.table, connection);
  if (advisory !== null) {
    await hold(advisory);
    // What was read before may be what it left half-done at that moment.
    found = await find();
  }
  const place =
    kept === undefined || found !== undefined ? table : await placeFor(connection, kept, { whose, table });
  const keeper = kept === undefined ? null : keeperOf(kept, found, { files, table: place, target });
  const tool = found?.tool ?? kept ?? only;
  return {
    ...{ tool, found, keeper, memory },
    sets: found === undefined ? null : setsOf(found, { files, history, memory }),
    situation: { first, kept: keeper !== null },
  };
}

/** The three sets that are compared. */
export function setsOf(
  found: FoundHistory,
  { files, history, memory }: { files: Listing; history: RecordedHistory; memory: ToolMemory },
): Sets {
  const { name } = found.tool;
  return {
    files: files.migrations,
    history: found.history,
    match: sideBySide(found, files.migrations),
    seen: isThatTable(found, memory) ? (memory.seen.get(name)?.subjects ?? null) : null,
    ours: { ...oursIn(history, memory, name), older: olderIn(history, files) },
  };
}

/** What was taken over with another text than its file has now. */
function olderIn({ entries }: RecordedHistory, { migrations }: Listing): ReadonlySet<string> {
  const texts = new Map(migrations.map(({ id, checksum }) => [id, checksum]));
  const older = entries.filter(
    ({ revision, baseline, state, checksum }) =>
      baseline && state === "applied" && texts.has(revision) && texts.get(revision) !== checksum,
  );
  return new Set(older.map(({ revision }) => revision));
}

/** Whether this is the table that was looked at before, perhaps in a new place; another one beside it is another history. */
function isThatTable({ tool, table, all }: FoundHistory, { seen }: ToolMemory): boolean {
  const before = seen.get(tool.name)?.table;
  if (before === undefined || before === "" || before === describeTable(table)) return true;
  return !all.some((one) => describeTable(one) === before);
}

/** What is applied for us, was in the tool's history, and is not any more. */
export function lostIn({ sets, memory, tool }: Look): ReadonlySet<string> {
  if (sets === null) return memory.seen.get(tool.name)?.subjects ?? new Set();
  return new Set(ofKind(compare(sets), "taken-back-there").map(({ id }) => id));
}

function moved(found: FoundHistory, memory: ToolMemory): readonly Problem[] {
  const before = tableOf(memory, found.tool.name);
  const isElsewhere = before !== undefined && before !== describeTable(found.table);
  return isElsewhere && isThatTable(found, memory) ? [movedWarning(found, before)] : [];
}

/** A history that was there, and whose table is not. Told once; refused where it is kept in step. */
function goneWith({ tool, memory }: Look, { entries }: RecordedHistory): Problem | null {
  const before = memory.seen.get(tool.name);
  if (before === undefined || before.table === "") return null;
  const rows = entries.filter(({ revision }) => before.subjects.has(revision));
  return rows.length === 0 ? null : historyGone(tool, before.table, rows.at(-1)?.revision ?? "");
}

function hasKey({ id, tool }: Listing["migrations"][number]): readonly string[] {
  return tool === undefined ? [] : [id];
}

/** Applied, and one of these; in the order in which they were applied. */
function inOrder({ entries }: RecordedHistory, ids: readonly string[]): readonly string[] {
  const wanted = new Set(ids);
  return entries.flatMap(({ kind, state, revision }) =>
    kind !== "repeatable" && state === "applied" && wanted.has(revision) ? [revision] : [],
  );
}

function groupBy<K, T>(values: readonly T[], keyOf: (value: T) => K): ReadonlyMap<K, readonly T[]> {
  const groups = new Map<K, T[]>();
  for (const value of values) {
    const group = groups.get(keyOf(value));
    if (group === undefined) groups.set(keyOf(value), [value]);
    else group.push(value);
  }
  return groups;
}

/** Tools that come into question, and the one of them whose history is kept in step. */
function concerned(
  target: Target,
  { seen, adopted }: Pick<ToolMemory, "seen" | "adopted"> = { seen: new Map(), adopted: [] },
): {
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
  // A folder of our own may carry on from programs that were adopted, and that somebody still runs.
  const programs = TOOLS.filter(
    ({ layouts, name }) =>
      layouts.length === 0 && (seen.has(name) || adopted.some(({ tool }) => tool === name)),
  );
  return {
    tools: configured === undefined ? (own.length > 0 ? own : programs) : [configured],
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
  return keeperOf(kept, undefined, { files, table: table ?? placeWithoutLooking(target, kept), target });
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
  if (found !== undefined) {
    refuseUnfilled(found, keep);
    return { tool, keep, table: found.table, create: null, previous };
  }
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
export async function isFresh(
  target: Target,
  connection: Connection,
  history: RecordedHistory,
): Promise<boolean> {
  if (!history.created) return true;
  if (history.entries.length > 0) return false;
  const { rows } = await connection.query<{ empty: boolean }>(target.ledger.sql.isEmpty());
  return rows[0]?.empty === true;
}

interface Decided {
  readonly decided: ReadonlyMap<Decision, readonly ToolEvent[]>;
  readonly sets: Sets;
  readonly situation: Situation;
}

/** Rows that have gone, and names that two migrations would share: nobody decides that but a person who looks. */
export function refusalsOf(found: FoundHistory, events: readonly ToolEvent[]): readonly Problem[] {
  const back = ofKind(events, "taken-back-there").map(({ id }) => id);
  const twins = ofKind(events, "same-name").map(({ id, row }) => sameName(found, id, row));
  const uncertain = ofKind(events, "uncertain").map(({ id }) => uncertainNumber(found, id));
  return [...(back.length === 0 ? [] : [takenBackThere(found, back)]), ...uncertain, ...twins];
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
  const ids = [...ofKind(all, "applied-there"), ...ofKind(all, "edited")].map(({ id }) => id);
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

function ofKind<K extends ToolEventKind>(
  events: readonly ToolEvent[],
  kind: K,
): readonly Extract<ToolEvent, { kind: K }>[] {
  return events.filter((event): event is Extract<ToolEvent, { kind: K }> => event.kind === kind);
}

function listed(what: string, names: readonly string[]): readonly string[] {
  if (names.length === 0) return [];
  return [`${what}: ${names.slice(0, 3).join(", ")}${names.length > 3 ? ", …" : ""}`];
}

function warningsOf(found: FoundHistory, { decided, sets, situation }: Decided): readonly Problem[] {
  const { tool, history } = found;
  const edited = ofKind(decided.get("take") ?? [], "edited");
  const warned = decided.get("warn") ?? [];
  // Where we do not write to it, what was seen once is told once.
  const missing = ofKind(warned, "without-file")
    .filter(({ isNew }) => isNew || situation.kept)
    .map(({ row }) => row);
  const passed = ofKind(warned, "passed-over").map(({ id }) => id);
  const both = ofKind(warned, "applied-by-both").map(({ id }) => id);
  return [
    ...(situation.kept ? [...history.warnings, ...sets.match.warnings] : []),
    ...edited.map(({ id }): Problem => editedWarning(tool, id)),
    ...(missing.length === 0 ? [] : [missingWarning(tool, missing)]),
    ...(passed.length === 0 ? [] : [passedOverWarning(tool, passed)]),
    ...(both.length === 0 ? [] : [bothWarning(found, both)]),
  ];
}
