/**
 * Finds an applied file that was renamed. The ledger sees one revision gone and a new one, and would run it a second
 * time.
 */
import type { Problem } from "../errors.ts";
import type { Graph } from "./graph.ts";
import { aheadOf } from "./heads.ts";
import { type History, type HistoryEntry, hasHadFile } from "./history.ts";
import type { Migration } from "./migration.ts";
import { sharesTimestamp, sharesVersion } from "./version.ts";

/**
 * Finds pending migrations whose text or number is that of an applied revision without a file. Only revisions that a
 * missing file alone does not stop need this: adopted ones, and those of a newer release.
 */
export function renamed(fresh: readonly Migration[], graph: Graph, history: History): readonly Problem[] {
  const gone = withoutFile(graph, history);
  return fresh.flatMap((migration) => {
    const origin = originOf(migration, gone, graph);
    return origin === undefined ? [] : [problemOf(migration, origin.entry, origin.shared)];
  });
}

/** The problem of one applied revision whose file is gone, if a pending file is the same under another name. */
export function renameOf(entry: HistoryEntry, graph: Graph, history: History): Problem | undefined {
  const applied = new Set(history.entries.map(({ revision }) => revision));
  for (const migration of graph.order) {
    const origin = applied.has(migration.id) ? undefined : originOf(migration, [entry], graph);
    if (origin !== undefined) return problemOf(migration, entry, origin.shared);
  }
  return undefined;
}

/** Whether a pending file has the text or the number of an applied revision whose file is gone. */
export function isRenamed(migration: Migration, graph: Graph, history: History): boolean {
  return originOf(migration, goneOf(graph, history), graph) !== undefined;
}

/** Whether a file has the text of what is applied under another name. Then the ledger belongs to these files. */
export function sharesText(graph: Graph, history: History): boolean {
  const gone = goneOf(graph, history);
  return gone.some((entry) => graph.order.some((migration) => hasTextOf(entry, migration)));
}

/** Applied revisions whose file is gone, and which a missing file alone does not stop. */
export function withoutFile(graph: Graph, history: History): readonly HistoryEntry[] {
  const ahead = aheadOf(graph, history);
  return goneOf(graph, history).filter(({ revision, baseline }) => baseline || ahead.has(revision));
}

function goneOf(graph: Graph, history: History): readonly HistoryEntry[] {
  return history.entries.filter(
    ({ revision, kind, state }) => kind !== "repeatable" && state === "applied" && !graph.byId.has(revision),
  );
}

interface FormerEntry {
  readonly entry: HistoryEntry;
  readonly shared: "text" | "number";
}

function originOf(
  migration: Migration,
  gone: readonly HistoryEntry[],
  graph: Graph,
): FormerEntry | undefined {
  if (migration.kind === "repeatable") return undefined;
  const sameText = gone.find((entry) => hasTextOf(entry, migration));
  if (sameText !== undefined) return { entry: sameText, shared: "text" };
  if (graph.shape === "graph" || migration.settings.outOfOrder === true) return undefined;
  const sameNumber = gone.find((entry) => sharesNumber(migration, entry));
  return sameNumber === undefined ? undefined : { entry: sameNumber, shared: "number" };
}

/** Comments and white space do not count, if the fingerprints are known. */
function hasTextOf({ checksum, fingerprint }: HistoryEntry, migration: Migration): boolean {
  if (checksum !== "" && checksum === migration.checksum) return true;
  return fingerprint !== null && fingerprint === migration.fingerprint;
}

function sharesNumber(migration: Migration, { revision, number }: HistoryEntry): boolean {
  if (number !== null && number === migration.number) return true;
  return sharesVersion(migration, revision) || sharesTimestamp(migration.id, revision);
}

/** No file can be renamed back, because the applied one is a program of another tool. */
function withoutFileOf(
  { id, file }: Pick<Migration, "id" | "file">,
  {
    entry: { revision, file: tool },
    what,
    shared,
  }: { readonly entry: HistoryEntry; readonly what: string; readonly shared: "text" | "number" },
): Problem {
  return {
    code: "PLAN_VANISHED",
    message: `${what} is pending, and its ${shared} is that of ${revision}, which ${tool.slice(1, -1)} has applied and which never had a file here: it may be the same migration.`,
    hint: `If it is the same: \`godwit repair --mark-done ${id}\`, then \`godwit repair --forget ${revision}\`. ${otherwise(shared, revision)}`,
    place: { file },
    details: { revision: id, applied: revision },
  };
}

function otherwise(shared: "text" | "number", revision: string): string {
  return shared === "text"
    ? `If it is to run a second time: \`godwit repair --forget ${revision}\` first.`
    : "If it is another migration, give it a number of its own.";
}

function problemOf({ id, file }: Migration, entry: HistoryEntry, shared: "text" | "number"): Problem {
  const { revision } = entry;
  // If one file holds several migrations, their names are written inside it.
  const isInside = entry.file === file;
  const what = isInside ? id : file;
  const back = isInside ? `Call it ${revision} again in ${file}` : `Rename it back to ${entry.file}`;
  if (!hasHadFile(entry)) return withoutFileOf({ id, file }, { entry, what, shared });
  const follow = `let the ledger follow with \`godwit repair --mark-done ${id}\`, then \`godwit repair --forget ${revision}\``;
  const applied = "which is applied and has no file any more";
  const message = {
    text: `${what} is pending, and its text is that of ${revision}, ${applied}: it was renamed, or copied.`,
    number: `${what} is pending, and its number is that of ${revision}, ${applied}: it was renamed and edited, or another migration took its number.`,
  }[shared];
  return {
    code: "PLAN_VANISHED",
    message,
    hint: `${back}; or ${follow}. ${otherwise(shared, revision)}`,
    place: { file },
    details: { revision: id, applied: revision },
  };
}
