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
  if (gone.length === 0) return [];
  return fresh.flatMap((migration): Problem[] => {
    const sameText = gone.find((entry) => hasTextOf(entry, migration));
    if (sameText !== undefined) return [problemOf(migration, sameText, "text")];
    if (graph.shape === "graph" || migration.settings.outOfOrder === true) return [];
    const sameNumber = gone.find((entry) => sharesNumber(migration, entry));
    return sameNumber === undefined ? [] : [problemOf(migration, sameNumber, "number")];
  });
}

/** Applied revisions whose file is gone, and which a missing file alone does not stop. */
export function withoutFile(graph: Graph, history: History): readonly HistoryEntry[] {
  const ahead = aheadOf(graph, history);
  return history.entries.filter(
    ({ revision, kind, state, baseline }) =>
      kind !== "repeatable" &&
      state === "applied" &&
      !graph.byId.has(revision) &&
      (baseline || ahead.has(revision)),
  );
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
