/** For what an earlier `down` reverted in part: finds the command that finishes it, or says that a run is at it. */
import { rowsOf, whole } from "../std/number.ts";
import { keepsOldValues } from "./backfill.ts";
import type { Graph } from "./graph.ts";
import type { History, HistoryEntry } from "./history.ts";
import { appliedIn, askedFor, removedWith } from "./plan-down.ts";
import type { Expression } from "./revision.ts";

const LAST = { kind: "steps", count: -1 } as const;
const MOST_NAMES = 5;

interface Way {
  readonly words: string;
  readonly removed: readonly string[];
}

/**
 * The command, and what else it reverts. Of the commands that reach the revision, it is the one that reverts least.
 * Another branch may have been applied later, so the newest revision is not always the one at which `down` stopped.
 */
export function wayBackOf(
  revision: string,
  { graph, history }: { readonly graph: Graph; readonly history: History },
): string {
  const applied = appliedIn(history, graph);
  const versioned = applied.byId.has(revision);
  const way = (words: string, expression: Expression): readonly Way[] => {
    const asked = askedFor(applied, graph, expression);
    const removed = removedWith(asked, applied).map((entry) => entry.revision);
    // `down -1` is refused if something depends on the last revision.
    const refused = expression.kind === "steps" && removed.length > asked.length;
    return refused || (versioned && !removed.includes(revision)) ? [] : [{ words, removed }];
  };
  const isApplied = (id: string) => applied.byId.get(id)?.state === "applied";
  // If a repeatable stopped, a `down` that reverts nothing else finishes it.
  const ends = [
    ...graph.heads,
    ...graph.order
      .map(({ id }) => id)
      .filter(isApplied)
      .slice(-1),
  ];
  const ids = versioned ? applied.edges.parents(revision) : ends;
  const ways = [
    ...(applied.entries.length === 0 ? [] : way("-1", LAST)),
    ...ids.filter(isApplied).flatMap((id) => way(id, { kind: "revision", from: id, offset: 0 })),
    ...way("base", { kind: "base" }),
  ];
  const best = ways.reduce((least, each) => (each.removed.length < least.removed.length ? each : least));
  const others = best.removed.filter((id) => id !== revision);
  const migration = graph.byId.get(revision);
  // The rows of a backfill come back whatever stands on it.
  if (others.length > 0 && migration !== undefined && keepsOldValues(migration) && !migration.revertible)
    return `\`godwit backfill undo ${revision}\``;
  return `\`godwit down ${best.words}\`${alsoOf(others)}`;
}

function alsoOf(others: readonly string[]): string {
  if (others.length === 0) return "";
  const more = others.length > MOST_NAMES ? ` and ${others.length - MOST_NAMES} more` : "";
  return ` (it also takes back ${others.slice(0, MOST_NAMES).join(", ")}${more})`;
}

/** What is to be said of it while a run is taking it back. `null`: none is. */
export function beingTakenBack(
  { revision }: Pick<HistoryEntry, "revision">,
  { waysBack }: History,
): { readonly message: string; readonly hint: string } | null {
  const { runBy = null, restored = null, rows = null } = waysBack?.get(revision) ?? {};
  if (runBy === null) return null;
  const message = `${revision} is being taken back at the moment, by ${runBy}`;
  const next = "Run again when that is done.";
  if (restored === null) return { message: `${message}.`, hint: next };
  const far = rows === null ? rowsOf(restored) : `${whole(restored)} of ${rowsOf(Math.max(rows, restored))}`;
  return {
    message: `${message}: ${far} ${restored === 1 ? "has its" : "have their"} old values again.`,
    hint: `\`godwit backfill status ${revision}\` shows how far it is. ${next}`,
  };
}
