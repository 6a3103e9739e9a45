/**
 * Looks at another tool's history: chooses the tool, finds and reads its table, and collects the three sets that
 * `tools/compare.ts` compares. `run/adopt/adoption.ts` judges the result.
 */
import { ordered } from "../../core/heads.ts";
import { hasHadFile } from "../../core/history.ts";
import type { Connection } from "../../database/connection.ts";
import { ConfigError } from "../../errors.ts";
import type { RecordedHistory } from "../../ledger/ledger.ts";
import type { Listing } from "../../source/source.ts";
import type { Situation } from "../../tools/decisions.ts";
import type { Sets } from "../../tools/sets.ts";
import { describeTable, type Parents, type Tool } from "../../tools/tool.ts";
import { isOwnLayout, MIRRORED_BY_DEFAULT, TOOLS, toolNamed, toolsOf } from "../../tools/tools.ts";
import type { Target } from "../session/target.ts";
import { refuseElsewhere } from "./elsewhere.ts";
import { toolsAtHeads } from "./heads.ts";
import { type FoundHistory, findHistories, onlyOne, sideBySide } from "./histories.ts";
import type { Mirror } from "./mirror.ts";
import { mirrorOf } from "./mirror-of.ts";
import { isGivenUp, parseMirror, tableOfOthers } from "./mirror-setting.ts";
import { refuseOthers } from "./other-ledgers.ts";
import { refuseUnnoticed } from "./reruns.ts";
import { withTexts } from "./row-texts.ts";
import { type Advisory, advisoryOf } from "./tool-lock.ts";
import { LOOKED, oursIn, recallTools, type ToolMemory, tableOf } from "./tool-memory.ts";
import { placeFor, placeWithoutLooking, readableOnly, refuseView, whoseOf } from "./whose.ts";

export interface LookAt {
  readonly files: Listing;
  readonly history: RecordedHistory;
  /** A person says what became of one revision, and nothing runs. Histories that nobody has adopted are not asked. */
  readonly runsNothing?: true;
}

/** A tool that may have a history here, and what is known about that history. */
export interface ToolView {
  readonly tool: Tool;
  readonly found: FoundHistory | undefined;
  readonly mirror: Mirror | null;
  readonly sets: Sets | null;
  readonly situation: Situation;
  readonly memory: ToolMemory;
}

/** Collects the three sets and does not judge them. `null`: no tool has to be looked at. */
export async function lookAt(
  target: Target,
  connection: Connection,
  { files, history, runsNothing }: LookAt,
  hold: (advisory: Advisory) => Promise<void> = async () => {},
): Promise<ToolView | null> {
  const memory = await recallTools(target, connection, history);
  const { tools: usual, mirrored, table } = concerned(target, memory);
  const first = await isFresh(target, connection, history);
  const known = new Set(history.entries.map(({ revision }) => revision));
  const pending = files.migrations.filter(({ id }) => !known.has(id));
  const heads = await toolsAtHeads(target, connection, { files, history, pending, except: usual });
  const tools = [...usual, ...heads];
  const [only] = tools;
  const isAsked = isOwnLayout(target.source.layout) && parseMirror(target.settings.mirror) !== "none";
  if (isAsked && runsNothing !== true) {
    const untouched = first || isOnlyDeclared(history, memory);
    await refuseUnnoticed(target, connection, {
      ...{ files: files.migrations, pending, except: tools },
      first: untouched,
    });
  }
  if (only === undefined) return null;
  const { schema = null, mirror: setting } = target.settings;
  const names = tools.map(({ name }) => name);
  const before = table ?? names.flatMap((name) => tableOf(memory, name) ?? [])[0];
  const whose = {
    ...whoseOf(target, files.migrations, first),
    remembered: names.flatMap((name) => [...(memory.seen.get(name)?.subjects ?? [])]),
  };
  const find = async () => {
    const wanted = { tools: names, table, schema, notTable: tableOfOthers(setting), whose };
    const [one, ...others] =
      before === undefined ? [] : await findHistories(connection, { ...wanted, table: before });
    return onlyOne(one === undefined ? await findHistories(connection, wanted) : [one, ...others]);
  };
  let found = await find();
  const isElsewhere = found === undefined || describeTable(found.table) !== before;
  if (table === undefined && before !== undefined && isElsewhere && !isGivenUp(before, setting))
    await refuseView(
      connection,
      toolNamed(names.find((name) => tableOf(memory, name) === before) ?? "") ?? only,
      before,
    );
  if (found === undefined && table !== undefined && mirrored !== undefined) {
    const place = await placeFor(connection, mirrored, { whose, table });
    await refuseElsewhere(target, connection, { tool: mirrored, place, schema, whose, pending });
  }
  // One of many schemas has a history of its own only if the tool has created one there.
  if (schema !== null && found === undefined && setting == null) return null;
  if (found !== undefined && table === undefined)
    await refuseOthers(target, connection, found, { memory, mirrored: mirrored !== undefined });
  const advisory = advisoryOf(found?.tool ?? only, found?.table, connection);
  if (advisory !== null) {
    await hold(advisory);
    // Without the lock, the tool may have been at work while its table was read. So it is read again.
    found = await find();
  }
  const asked = mirrored !== undefined || parseMirror(setting) !== "none";
  // Later, a configuration that cannot be read as text says nothing about a table that nobody mirrors to.
  const place = mirrored !== undefined || first ? whose : readableOnly(whose);
  const made =
    found === undefined && asked
      ? await placeFor(connection, mirrored ?? only, { whose: place, table })
      : null;
  if (made !== null) await refuseView(connection, mirrored ?? only, made);
  const at = mirrored === undefined ? table : (made ?? table);
  const mirror =
    mirrored === undefined
      ? null
      : mirrorOf(mirrored, found, { files, table: at, target, parents: parentsIn(history) });
  const tool = found?.tool ?? mirrored ?? only;
  return {
    ...{ tool, found, mirror, memory },
    sets:
      found === undefined
        ? null
        : setsOf(await withTexts(connection, found, { files, history }), { target, files, history, memory }),
    situation: { first, mirrored: mirror !== null },
  };
}

/** The three sets that `compare` takes: the files, the tool's history now, and what our ledger knows and remembers. */
export function setsOf(
  found: FoundHistory,
  {
    target,
    files,
    history,
    memory,
  }: { target: Target; files: Listing; history: RecordedHistory; memory: ToolMemory },
): Sets {
  const { name } = found.tool;
  const seen = isThatTable(found, memory) ? (memory.seen.get(name)?.subjects ?? null) : null;
  return {
    files: ordered(files.migrations, target.settings.order),
    history: found.history,
    match: sideBySide(found, files.migrations, parentsIn(history)),
    seen,
    looked: seen?.has(LOOKED) === true,
    ours: {
      ...oursIn(history, memory, name),
      older: olderIn(history, files, ({ checksum }) => checksum),
      rewritten: olderIn(history, files, ({ checksum, fingerprint }) => fingerprint ?? checksum),
      checksums: new Map(history.entries.map(({ revision, checksum }) => [revision, checksum])),
    },
  };
}

/** What our ledger knows of revisions that had a file. */
function parentsIn({ entries }: RecordedHistory): Parents {
  return new Map(entries.filter(hasHadFile).map(({ revision, parents }) => [revision, parents]));
}

/** Adopted revisions whose text was not that of the present file. */
function olderIn(
  { entries }: RecordedHistory,
  { migrations }: Listing,
  textOf: (one: { readonly checksum: string; readonly fingerprint: string | null }) => string,
): ReadonlySet<string> {
  const texts = new Map(migrations.map((migration) => [migration.id, textOf(migration)]));
  const older = entries.filter(
    (entry) =>
      entry.baseline &&
      entry.state === "applied" &&
      texts.has(entry.revision) &&
      texts.get(entry.revision) !== textOf(entry),
  );
  return new Set(older.map(({ revision }) => revision));
}

/**
 * Whether this is the table of the last look, possibly in a new place. If the former table still exists, this is
 * another history.
 */
export function isThatTable({ tool, table, all }: FoundHistory, { seen }: ToolMemory): boolean {
  const before = seen.get(tool.name)?.table;
  if (before === undefined || before === "" || before === describeTable(table)) return true;
  return !all.some((one) => describeTable(one) === before);
}

/**
 * The tools that may have a history here, and the one whose history is mirrored. Throws `ConfigError` if the
 * configured tool does not fit the layout.
 */
function concerned(
  target: Target,
  { seen, adopted }: Pick<ToolMemory, "seen" | "adopted"> = { seen: new Map(), adopted: [] },
): {
  tools: readonly Tool[];
  mirrored: Tool | undefined;
  table: string | undefined;
} {
  const mirror = parseMirror(target.settings.mirror);
  const own = toolsOf(target.source.layout);
  if (mirror === "none") return { tools: own, mirrored: undefined, table: undefined };
  const configured = mirror === null ? undefined : toolNamed(mirror.tool);
  if (configured !== undefined && own.length > 0 && !own.includes(configured))
    throw new ConfigError({
      code: "CONFIG_INVALID",
      message: `The history of ${configured.title} cannot be mirrored from a folder of ${target.source.layout}.`,
      hint: `Mirror that of its own tool (--mirror ${own.map(({ name }) => name).join(" or --mirror ")}), or none.`,
    });
  // A folder in our own layout may continue a history that was adopted or looked at, and somebody may still run that
  // tool.
  const others = !isOwnLayout(target.source.layout)
    ? []
    : TOOLS.filter(
        (tool) =>
          !own.includes(tool) && (seen.has(tool.name) || adopted.some((one) => one.tool === tool.name)),
      );
  return {
    tools: configured === undefined ? [...others, ...own] : [configured],
    mirrored: configured ?? own.find(({ name }) => MIRRORED_BY_DEFAULT.has(name)),
    table: mirror?.table,
  };
}

/**
 * Whether the steps that we apply are mirrored into the tool's history. `null`: they cannot be, or its files do not
 * run here.
 */
export function isMirrored(target: Target, tool: Tool): boolean | null {
  if (tool.writer === undefined || !tool.layouts.includes(target.source.layout)) return null;
  return concerned(target).mirrored?.name === tool.name;
}

/** The mirror for a script that is written without a database: it assumes that the table is as the tool creates it. */
export function mirrorWithoutLooking(target: Target, files: Listing): Mirror | null {
  const { mirrored, table } = concerned(target);
  if (mirrored === undefined || (target.settings.schema != null && target.settings.mirror == null))
    return null;
  return mirrorOf(mirrored, undefined, {
    files,
    table: table ?? placeWithoutLooking(target, mirrored),
    target,
  });
}

/** Whether all that the ledger has is a person's word: nothing has run here, and no history was adopted. */
function isOnlyDeclared({ entries }: RecordedHistory, { adopted }: ToolMemory): boolean {
  return adopted.length === 0 && entries.every(({ baseline }) => baseline);
}

/** Whether no run of ours has done anything here. */
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
