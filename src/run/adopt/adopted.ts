/** Turns the rows of another tool into rows of our ledger. They are baselines: no run of ours applied them. */
import { ordered } from "../../core/heads.ts";
import type { Migration } from "../../core/migration.ts";
import type { Recorded, RecordedHistory } from "../../ledger/ledger.ts";
import type { Author, Entry } from "../../ledger/rows.ts";
import type { LedgerSql } from "../../ledger/sql.ts";
import { type Applied, describeTable, type Relation, type Tool, type ToolRow } from "../../tools/tool.ts";
import type { FoundHistory } from "../mirror/histories.ts";
import type { Target } from "../session/target.ts";
import { entryFor } from "./declared-row.ts";

/** A row of our ledger that is about to be written. */
export interface Adopted {
  readonly entry: Entry;
  /** What the tool recorded about it, for the log. */
  readonly details: Readonly<Record<string, unknown>>;
  readonly at: string | null;
  /** Our ledger has its row, which gets the text that the tool has run since. */
  readonly isNewText?: boolean;
}

/** The rows for applied migrations that have a file, in the order of the files. */
export async function adoptedOf(
  target: Target,
  { tool, table }: Pick<FoundHistory, "tool" | "table">,
  applied: readonly Applied[],
  { migrations, known }: { readonly migrations: readonly Migration[]; readonly known: ReadonlySet<string> },
): Promise<readonly Adopted[]> {
  const byId = new Map(applied.map((one) => [one.id, one]));
  const taken: Adopted[] = [];
  for (const migration of ordered(migrations, target.settings.order)) {
    const one = byId.get(migration.id);
    if (one === undefined) continue;
    const again = migration.kind === "repeatable" || migration.rerun === true;
    const entry = { ...(await entryFor(target, migration)), ...(again ? { again } : {}) };
    taken.push({
      isNewText: !again && known.has(migration.id),
      // A repeatable that the tool ran with another text has to run again, so no checksum is recorded.
      entry: again && one.edited ? { ...entry, checksum: "", fingerprint: null } : entry,
      at: one.row?.at ?? null,
      details: detailsOf(tool, table, { row: one.row, edited: one.edited }),
    });
  }
  return taken;
}

/** The rows of migrations whose files do not run here. */
export function adoptedWithoutFile(
  { tool, table }: Pick<FoundHistory, "tool" | "table">,
  rows: readonly ToolRow[],
): readonly Adopted[] {
  return rows.map((row) => ({
    entry: {
      revision: row.name,
      kind: "sql",
      phase: "startup",
      number: null,
      parents: [],
      file: `(${tool.title})`,
      checksum: row.checksum ?? "",
      fingerprint: null,
      revertScript: null,
      minimumRevision: null,
    },
    at: row.at,
    details: detailsOf(tool, table, { row, edited: false }),
  }));
}

function detailsOf(tool: Tool, table: Relation, { row, edited }: { row: ToolRow | null; edited: boolean }) {
  const { checksum = null, at = null, name = null } = row ?? {};
  return {
    tool: tool.name,
    table: describeTable(table),
    ...(row === null ? { assumed: true } : { name, checksum, at }),
    ...(edited ? { edited } : {}),
  };
}

export function adoptedSql(sql: LedgerSql, author: Author, taken: readonly Adopted[]): readonly string[] {
  return taken.flatMap(({ entry, details, at, isNewText }) => [
    // A repeatable that the tool ran again has a row already.
    ...(entry.again === true ? [sql.remove(entry.revision)] : []),
    isNewText === true
      ? sql.accept(entry.revision, entry.checksum, entry.fingerprint, entry.revertScript)
      : sql.baseline(entry, author, at),
    sql.log(author, {
      event: "baseline",
      revision: entry.revision,
      direction: null,
      durationMs: null,
      details,
    }),
  ]);
}

/** SQL that logs a look at a history which has nothing of these files. */
export function lookedAtSql(
  sql: LedgerSql,
  author: Author,
  { tool, table }: Pick<FoundHistory, "tool" | "table">,
): string {
  return sql.log(author, {
    event: "baseline",
    revision: null,
    direction: null,
    durationMs: null,
    details: { tool: tool.name, table: describeTable(table) },
  });
}

/** The ledger as it would be after adopting. Nothing is written. */
export function withAdopted(
  history: RecordedHistory,
  taken: readonly Adopted[],
  author: Author,
): RecordedHistory {
  const last = history.entries.reduce((greatest, { sequence }) => Math.max(greatest, sequence), 0);
  const entries = taken.map(
    ({ entry, at }, index): Recorded => ({
      ...entry,
      sequence: last + 1 + index,
      state: "applied",
      baseline: true,
      executedAt: at === null ? null : new Date(at),
      durationMs: null,
      executedBy: "",
      host: author.host,
      gitCommit: author.gitCommit,
      version: author.version,
      runId: author.runId,
    }),
  );
  const replaced = new Set(entries.map(({ revision }) => revision));
  const others = history.entries.filter(({ revision }) => !replaced.has(revision));
  // A new text keeps its place in the order of application.
  const places = new Map(history.entries.map(({ revision, sequence }) => [revision, sequence]));
  const newTexts = new Set(taken.flatMap(({ entry, isNewText }) => (isNewText ? [entry.revision] : [])));
  const placed = entries.map((entry) =>
    newTexts.has(entry.revision)
      ? { ...entry, sequence: places.get(entry.revision) ?? entry.sequence }
      : entry,
  );
  return { ...history, entries: [...others, ...placed] };
}
