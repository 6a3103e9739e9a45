/** Checks whether the files and the ledger fit together. A plan is made only afterwards. */
import type { Problem } from "../errors.ts";
import type { Graph } from "./graph.ts";
import { aheadOf, versioned } from "./heads.ts";
import { type History, type HistoryEntry, hasHadFile } from "./history.ts";
import type { Migration } from "./migration.ts";
import { renameOf, sharesText } from "./renamed.ts";

export interface Findings {
  /** Each of these stops the run. */
  readonly problems: readonly Problem[];
  /** Each of these is reported, and the run goes on. */
  readonly warnings: readonly Problem[];
}

/**
 * Reports a ledger that may belong to another project: `LEDGER_FOREIGN`, or `PLAN_VANISHED` where one revision is all
 * that it holds. Every other finding about such a ledger would mislead.
 */
export function checkOwner(graph: Graph, history: History, project: string | null): Problem | undefined {
  const hint =
    "Check --dir and --database-url: one of them belongs to another project. `godwit doctor` shows where each value came from.";
  if (project !== null && history.project !== null && project !== history.project) {
    const message = `The ledger of this database belongs to project "${history.project}", these files to "${project}".`;
    return { code: "LEDGER_FOREIGN", message, hint, details: { ledger: history.project, files: project } };
  }
  if (!isReplaced(graph, history) || sharesText(graph, history)) return undefined;
  const applied = versioned(history);
  const [only, ...others] = applied;
  if (only !== undefined && others.length === 0) return vanishedAlone(only, graph);
  const files = graph.order.filter(({ kind }) => kind !== "repeatable");
  const last = files.length === 1 ? (files[0]?.id ?? "head") : "<revision>";
  const message = `None of the ${applied.length} revisions in this ledger is among these files.`;
  return {
    code: "LEDGER_FOREIGN",
    message,
    hint: `${hint} If these files have replaced all of the old ones: \`godwit baseline ${last} --confirm <database>\` declares ${files.length === 1 ? "it" : "the last one whose effect is there, and all before it,"} as present, and takes the old ones out of the ledger.`,
    details: { ledger: applied.map((entry) => entry.revision) },
  };
}

/**
 * Whether the files share no migration with what has run here. They belong to another project, or they replace all
 * earlier files.
 */
export function isReplaced(graph: Graph, history: History): boolean {
  const entries = history.entries.filter((entry) => entry.kind !== "repeatable");
  if (!entries.some((entry) => entry.state === "applied" && hasHadFile(entry))) return false;
  if (entries.some((entry) => graph.byId.has(entry.revision))) return false;
  return (
    graph.order.some(({ kind }) => kind !== "repeatable") ||
    (graph.byId.size > 0 && !history.entries.some((entry) => graph.byId.has(entry.revision)))
  );
}

/** Finds applied migrations whose files were edited, are broken, or are gone. */
export function checkApplied(graph: Graph, history: History): Findings {
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  const ahead = aheadOf(graph, history);
  const newestKnown = versioned(history).findLast(({ revision }) => graph.byId.has(revision))?.sequence ?? -1;
  const aheadEntries: HistoryEntry[] = [];
  for (const entry of history.entries.toSorted((left, right) => left.sequence - right.sequence)) {
    const migration = graph.byId.get(entry.revision);
    if (migration !== undefined) {
      if (entry.state === "applied") checkFile(migration, entry, { problems, warnings });
    } else if (entry.baseline && !(hasHadFile(entry) && entry.sequence > newestKnown)) {
      // Files below what is still here may be deleted once all databases have them.
    } else if (entry.baseline && ahead.has(entry.revision)) {
      // Nothing here is newer: an older release.
    } else if (entry.state === "partial" && !isOfNewerRelease(entry, { history, ahead })) {
      problems.push(partialAndGone(entry, history));
    } else if (entry.kind === "repeatable") {
      // No file of this release runs this one. What it created stays until a migration drops it.
    } else if (ahead.has(entry.revision)) {
      aheadEntries.push(entry);
    } else {
      problems.push(
        runningAndGone(entry, history) ??
          renameOf(entry, graph, history) ??
          vanished(entry, squashAfter(entry, graph, history)),
      );
    }
  }
  const unmet = aheadEntries.filter(
    ({ minimumRevision }) => minimumRevision !== null && !graph.byId.has(minimumRevision),
  );
  const stays = versioned(history).findLast(({ revision }) => graph.byId.has(revision))?.revision ?? "base";
  problems.push(...unmet.map((entry) => tooOld(entry, stays)));
  if (aheadEntries.length > 0 && unmet.length === 0) warnings.push(databaseAhead(aheadEntries, history));
  return { problems, warnings };
}

/** The reason why a migration's file cannot be carried out in this direction. Empty if it can. */
export function brokenFile({ id, file, problem }: Migration, direction: "up" | "down"): Problem[] {
  if (problem === undefined) return [];
  const {
    message,
    hint = `Correct ${file}, then run \`godwit ${direction}\` again.`,
    place = { file },
    code,
  } = problem;
  return [
    { code: "PLAN_BROKEN_FILE", message, hint, place, details: { ...problem.details, revision: id, code } },
  ];
}

function checkFile(
  migration: Migration,
  entry: HistoryEntry,
  findings: { problems: Problem[]; warnings: Problem[] },
): void {
  const { id, file } = migration;
  const again = migration.kind === "repeatable" || migration.rerun === true;
  // What was adopted without a file has no text to compare with.
  const edited = migration.checksum !== entry.checksum && !again && hasHadFile(entry);
  // If the text is known, an edit is reported first: the edit may be what broke the file.
  if (migration.problem !== undefined && !(edited && migration.fingerprint !== null)) {
    findings.warnings.push({
      code: "PLAN_BROKEN_FILE",
      message: `${id} is applied already, and its file is broken now: ${migration.problem.message}`,
      hint:
        migration.problem.code === "SOURCE_MARKER"
          ? `Look whether what ${file} makes is there. If it is, ${migration.problem.details?.sections === true ? "reword the comment" : "put the line `-- godwit: sections=none` at the top of the file"}.`
          : `Restore ${file} as it was applied.`,
      place: migration.problem.place ?? { file },
    });
    return;
  }
  if (!edited) return;
  // A module is compiled in production and TypeScript during development. The two texts cannot be compared.
  if (areTwins(migration, entry)) return;
  const details = { revision: id, applied: entry.checksum, file: migration.checksum };
  if (migration.fingerprint !== null && migration.fingerprint === entry.fingerprint) {
    findings.warnings.push({
      code: "PLAN_EDITED",
      message: `${id} was edited after it was applied, in comments or white space only.`,
      place: { file },
      details,
    });
    return;
  }
  findings.problems.push({
    code: "PLAN_EDITED",
    message: `${id} was edited after it was applied; the database has what it said before.`,
    hint: `Restore ${file} and put the change into a new migration, or declare the edit harmless with \`godwit repair --accept ${id}\`.`,
    place: { file },
    details,
  });
}

function areTwins(migration: Migration, entry: HistoryEntry): boolean {
  const family = (file: string) => (/\.[cm]?ts$/.test(file) ? "ts" : /\.[cm]?js$/.test(file) ? "js" : null);
  const [now, then] = [family(migration.file), family(entry.file)];
  return (
    migration.kind === "module" && entry.kind === "module" && now !== null && then !== null && now !== then
  );
}

/** A later applied file that was edited. A squash may have put the text of this one into it. */
function squashAfter({ sequence }: HistoryEntry, graph: Graph, history: History): string | undefined {
  return versioned(history).findLast((entry) => {
    const file = graph.byId.get(entry.revision);
    const isEdited = file?.kind === "sql" && file.rerun !== true && file.checksum !== entry.checksum;
    return isEdited && entry.state === "applied" && entry.sequence > sequence && hasHadFile(entry);
  })?.revision;
}

function vanished(entry: HistoryEntry, squash: string | undefined): Problem {
  const into =
    squash === undefined
      ? ""
      : ` If ${squash} holds what it did, as after a squash: \`godwit baseline ${squash} --confirm <database>\`.`;
  return {
    code: "PLAN_VANISHED",
    message: `${entry.revision} is applied, but its file ${entry.file} is gone, and later ones are here.`,
    hint: `Restore the file (\`git log --diff-filter=D -- '*${nameIn(entry.file)}'\` finds it), or let the ledger forget it with \`godwit repair --forget ${entry.revision}\`.${into}`,
    place: { file: entry.file },
    details: { revision: entry.revision },
  };
}

/** A single revision is no evidence of another project: many begin by deleting or rewriting their first file. */
function vanishedAlone({ revision, file }: HistoryEntry, graph: Graph): Problem {
  const files = graph.order.filter(({ kind }) => kind !== "repeatable");
  const last = files.length === 1 ? (files[0]?.id ?? "head") : "<revision>";
  return {
    code: "PLAN_VANISHED",
    message: `${revision} is the one revision that is applied, and its file ${file} is gone.`,
    hint: `Restore the file. If what it did is not wanted, undo it by hand, then \`godwit repair --forget ${revision}\`. If these files contain it: \`godwit baseline ${last} --confirm <database>\`. If this is another project's database, check --dir and --database-url.`,
    place: { file },
    details: { revision },
  };
}

/** A half-done backfill, whether a run works on it or has died. An older release has nothing to do with it. */
function isOfNewerRelease(
  { revision }: HistoryEntry,
  { history, ahead }: { readonly history: History; readonly ahead: ReadonlySet<string> },
): boolean {
  if (history.running?.has(revision) === true) return true;
  return history.backfills?.has(revision) === true && ahead.has(revision);
}

function partialAndGone(entry: HistoryEntry, { backfills }: History): Problem {
  const undo = backfills?.has(entry.revision)
    ? "If its rows that are done may stay as they are, run"
    : "Or undo by hand what it did and run";
  return {
    code: "PLAN_PARTIAL",
    message: `${entry.revision} was applied in part, and its file ${entry.file} is gone.`,
    hint: `Restore the file and run \`godwit up\` to finish it. ${undo} \`godwit repair --forget ${entry.revision}\`.`,
    place: { file: entry.file },
    details: { revision: entry.revision },
  };
}

/** Another run, of a release that has the file, is carrying the backfill out. */
function runningAndGone({ revision, file }: HistoryEntry, { running }: History): Problem | null {
  const who = running?.get(revision);
  if (who === undefined) return null;
  return {
    code: "PLAN_VANISHED",
    message: `The backfill ${revision} is being carried out by ${who}, but its file ${file} is gone here, and later ones are here.`,
    hint: "Restore the file.",
    place: { file },
    details: { revision },
  };
}

/** `stays`: the newest applied revision that these files know. */
function tooOld({ revision, minimumRevision }: HistoryEntry, stays: string): Problem {
  return {
    code: "PLAN_MINIMUM_REVISION",
    message: `${revision} is applied, which needs a release that knows ${minimumRevision}; these files do not.`,
    hint: `Deploy a release with ${minimumRevision}, or let a newer one take it back: \`godwit down ${stays}\`.`,
    details: { revision, minimumRevision },
  };
}

function databaseAhead(entries: readonly HistoryEntry[], { running }: History): Problem {
  const revisions = entries.map((entry) => entry.revision);
  const beside = entries.flatMap(({ revision, state }) => {
    const who = running?.get(revision);
    if (who !== undefined) return [` The backfill ${revision} is being carried out by ${who}.`];
    return state === "partial"
      ? [
          ` The backfill ${revision} is half done, and no run works on it: the release that has its file goes on with it.`,
        ]
      : [];
  });
  return {
    code: "PLAN_VANISHED",
    message: `The database is ahead of these files: ${revisions.join(", ")}.${beside.join("")}`,
    hint: "Normal for an older release on a newer database; nothing to do.",
    details: { revisions },
  };
}

/**
 * The part of the path that identifies the file, even after its folder moved. In layouts where every file has the same
 * name, it includes the folder's name.
 */
function nameIn(file: string): string {
  return /[^/]*\/(?:migration|up)\.sql$/.exec(file)?.[0] ?? file.slice(file.lastIndexOf("/") + 1);
}
