/** Decides what `down` reverts, and what prevents it. */
import { ConfigError, type Problem } from "../errors.ts";
import { keepsOldValues } from "./backfill.ts";
import { runningAmong } from "./background.ts";
import { brokenFile } from "./checks.ts";
import type { Graph } from "./graph.ts";
import { versioned } from "./heads.ts";
import type { History, HistoryEntry } from "./history.ts";
import type { Migration } from "./migration.ts";
import { compareText, reach, sortTopologically } from "./order.ts";
import { type Expression, walk } from "./revision.ts";
import type { Draft, PlanInput, Step } from "./step.ts";
import { builtOn } from "./take-back.ts";

/** Throws `ConfigError` if the target is not applied, or if fewer migrations are applied than `-n` asks for. */
export function planDown(input: PlanInput, graph: Graph, expression: Expression): Draft {
  const applied = appliedIn(input.history, graph);
  const { entries } = applied;
  const { only } = input.goal;
  const asked =
    only === undefined
      ? askedFor(applied, graph, expression)
      : entries.map(({ revision }) => revision).filter((revision) => only.includes(revision));
  const removed = removedWith(asked, applied);

  const problems: Problem[] = only === undefined ? [] : builtOn(asked, { removed, entries, graph });
  if (expression.kind === "steps" && removed.length > asked.length) {
    problems.push(stillNeeded(asked, removed, applied.edges.holds));
  }
  const running = runningAmong(
    removed.map(({ revision }) => revision),
    input.history,
  );
  // One that is running is partial too, and needs another answer.
  const still = removed.filter(({ revision }) => input.history.running?.has(revision) !== true);
  problems.push(...running, ...partial(still, graph), ...irreversible(removed, graph, entries));
  const inTheWay = repeatablesWithWayBack(input, graph).filter(({ revision, state }) =>
    only === undefined ? removed.length > 0 || state === "reverting" : only.includes(revision),
  );
  return {
    steps: [...stepsOf(inTheWay, graph, applied.edges), ...stepsOf(removed, graph, applied.edges)],
    held: [],
    problems,
    warnings: fromLedger(removed, graph),
  };
}

/**
 * Views and functions depend on what is reverted. Those that their authors made revertible are reverted first, whatever
 * the target is, and the next `up` applies them again. The others stay, and the server reports an error if they block.
 * If an earlier `down` reverted one in part, every `down` finishes it, even one that reverts nothing else.
 */
function repeatablesWithWayBack({ history }: PlanInput, graph: Graph): readonly HistoryEntry[] {
  return history.entries.filter(
    ({ kind, revision, state, revertScript }) =>
      kind === "repeatable" &&
      state !== "partial" &&
      (revertScript !== null || graph.byId.get(revision)?.revertible === true),
  );
}

export interface Applied {
  /** In the order in which they were applied. */
  readonly entries: readonly HistoryEntry[];
  readonly byId: ReadonlyMap<string, HistoryEntry>;
  readonly edges: Edges;
}

export function appliedIn(history: History, graph: Graph): Applied {
  const entries = versioned(history).filter((entry) => graph.byId.get(entry.revision)?.kind !== "repeatable");
  const byId = new Map(entries.map((entry) => [entry.revision, entry]));
  return { entries, byId, edges: edgesOf(graph, byId) };
}

/** What was asked for, and everything that depends on it. */
export function removedWith(
  asked: readonly string[],
  { entries, byId, edges }: Applied,
): readonly HistoryEntry[] {
  return [...reach(asked, dependentsOf(entries, edges.holds))].flatMap((id) => byId.get(id) ?? []);
}

interface Edges {
  readonly parents: (id: string) => readonly string[];
  readonly needs: (id: string) => readonly string[];
  /** What must stay as long as this one stays. In a graph this includes its parents, in a line only what was declared. */
  readonly holds: (id: string) => readonly string[];
}

/** Takes the edges from the files if they are known, and otherwise from the ledger. */
function edgesOf(graph: Graph, byId: ReadonlyMap<string, HistoryEntry>): Edges {
  const kept = (id: string) => byId.get(id)?.parents ?? [];
  const parents = (id: string) => (graph.byId.has(id) ? graph.parents(id) : kept(id));
  // A file may exist while a migration that it needs has no file. The ledger still knows that migration.
  const needs = (id: string) =>
    graph.byId.has(id) ? [...graph.needs(id), ...goneNeeds(graph, id)] : kept(id);
  const both = (id: string) => [...new Set([...parents(id), ...needs(id)])];
  return { parents, needs, holds: graph.shape === "graph" ? both : needs };
}

function goneNeeds(graph: Graph, id: string): readonly string[] {
  const migration = graph.byId.get(id);
  return [...(migration?.revises ?? []), ...(migration?.depends ?? [])].filter(
    (other) => !graph.byId.has(other),
  );
}

export function askedFor(applied: Applied, graph: Graph, expression: Expression): readonly string[] {
  const { entries } = applied;
  const ids = entries.map((entry) => entry.revision);
  if (expression.kind === "base") return ids;
  if (expression.kind === "steps") {
    const count = -expression.count;
    if (count > ids.length) throw tooFew(count, ids.length);
    return ids.slice(ids.length - count);
  }
  const target = walk(expression.kind === "revision" ? expression : HEAD, graph);
  const own = applied.byId.get(target);
  if (own === undefined) throw notApplied(target);
  const above = dependentsOf(
    graph.order.map(({ id }) => ({ revision: id })).concat(entries),
    applied.edges.parents,
  );
  const later = reach(above(target), above);
  // In a line, a revision without a file gets its place from the time at which it was applied.
  const isLine = graph.shape === "line";
  const byTime = (entry: HistoryEntry) =>
    isLine && entry.sequence > own.sequence && !(graph.byId.has(entry.revision) && graph.byId.has(target));
  return entries.filter((entry) => later.has(entry.revision) || byTime(entry)).map((entry) => entry.revision);
}

const HEAD = { kind: "revision", from: "head", offset: 0 } as const;

/** The edges in the opposite direction. */
function dependentsOf(
  entries: readonly { readonly revision: string }[],
  edges: (id: string) => readonly string[],
): (id: string) => readonly string[] {
  const above = new Map<string, string[]>();
  for (const { revision } of entries) {
    for (const below of edges(revision)) {
      const known = above.get(below);
      if (known === undefined) above.set(below, [revision]);
      else known.push(revision);
    }
  }
  return (id) => above.get(id) ?? [];
}

/** The steps, newest first. Nothing is reverted before what depends on it. */
function stepsOf(removed: readonly HistoryEntry[], graph: Graph, edges: Edges): readonly Step[] {
  const byId = new Map(removed.map((entry) => [entry.revision, entry]));
  const above = dependentsOf(removed, edges.holds);
  const explicit = dependentsOf(removed, edges.needs);
  const sequence = (id: string) => byId.get(id)?.sequence ?? 0;
  const { order } = sortTopologically(byId.keys(), above, (left, right) => sequence(right) - sequence(left));
  return order.flatMap((id): Step[] => {
    const entry = byId.get(id);
    if (entry === undefined) return [];
    const migration = graph.byId.get(id);
    return [
      {
        revision: id,
        kind: entry.kind,
        direction: "down",
        phase: entry.phase,
        file: migration?.file ?? entry.file,
        checksum: migration?.checksum ?? entry.checksum,
        reason: entry.state === "reverting" ? "resume" : "asked",
        after: explicit(id).toSorted(compareText),
      },
    ];
  });
}

function irreversible(
  removed: readonly HistoryEntry[],
  graph: Graph,
  entries: readonly HistoryEntry[],
): readonly Problem[] {
  const names = (list: readonly HistoryEntry[]) => list.map((entry) => entry.revision).join(", ");
  const details = (list: readonly HistoryEntry[]) => ({ revisions: list.map((entry) => entry.revision) });
  const baseline = removed.filter((entry) => entry.baseline);
  const withoutWay = removed.filter(
    (entry) => !entry.baseline && entry.revertScript === null && !goesBack(graph.byId.get(entry.revision)),
  );
  // If the file cannot be read, it is unknown whether the migration can be reverted.
  const broken = withoutWay.flatMap(({ revision }) => {
    const migration = graph.byId.get(revision);
    return migration === undefined ? [] : brokenFile(migration, "down");
  });
  const oneWay = withoutWay.filter(({ revision }) => graph.byId.get(revision)?.problem === undefined);
  const problems: Problem[] = [...broken];
  if (baseline.length > 0) {
    const floor = entries.findLast((entry) => entry.baseline)?.revision;
    problems.push({
      code: "PLAN_IRREVERSIBLE",
      message: `Godwit did not apply what the baseline declared, and does not take it back: ${names(baseline)}.`,
      hint: `\`godwit down ${floor}\` goes as far as the baseline.`,
      details: details(baseline),
    });
  }
  const [first] = oneWay;
  if (first !== undefined) {
    problems.push({
      code: "PLAN_IRREVERSIBLE",
      message: `There is no way back from ${names(oneWay)}; nothing was done.`,
      // The file formats of most other tools have no place for revert SQL.
      hint:
        graph.byId.get(first.revision)?.position === undefined
          ? `Write the way back into ${first.file}, or a new migration that undoes it: \`godwit new <name>\`.`
          : "Write a new migration that undoes it.",
      place: { file: first.file },
      details: details(oneWay),
    });
  }
  return problems;
}

function goesBack(migration: Migration | undefined): boolean {
  return migration !== undefined && (migration.revertible || keepsOldValues(migration));
}

function partial(removed: readonly HistoryEntry[], graph: Graph): readonly Problem[] {
  const keeps = (id: string) => {
    const migration = graph.byId.get(id);
    return migration !== undefined && keepsOldValues(migration);
  };
  return removed
    .filter((entry) => entry.state === "partial")
    .map((entry) => ({
      code: "PLAN_PARTIAL",
      message: `${entry.revision} is applied in part only, so its way back does not fit.`,
      hint: keeps(entry.revision)
        ? `\`godwit backfill undo ${entry.revision}\` gives the rows that are done their old values again. Then run again.`
        : `\`godwit status\` says what of it must be decided first, if anything. Then finish it with \`godwit up ${entry.revision}\`, and take it back.`,
      place: { file: entry.file },
      details: { revision: entry.revision },
    }));
}

function stillNeeded(
  asked: readonly string[],
  removed: readonly HistoryEntry[],
  needs: (id: string) => readonly string[],
): Problem {
  const staying = removed.map((entry) => entry.revision).filter((id) => !asked.includes(id));
  const gone = new Set(removed.map((entry) => entry.revision));
  const pairs = staying.map(
    (id) =>
      `${id} (on ${needs(id)
        .filter((other) => gone.has(other))
        .join(", ")})`,
  );
  return {
    code: "PLAN_IRREVERSIBLE",
    message: `What would stay stands on what would be taken back: ${pairs.join("; ")}.`,
    hint: `Take that back too: \`godwit down <revision>\` with the last one that shall stay.`,
    details: { revisions: staying },
  };
}

function fromLedger(removed: readonly HistoryEntry[], graph: Graph): readonly Problem[] {
  return removed
    .filter((entry) => !graph.byId.has(entry.revision) && entry.revertScript !== null)
    .map((entry) => ({
      code: "PLAN_VANISHED",
      message: `The file of ${entry.revision} is gone; the way back that the ledger kept is used.`,
      details: { revision: entry.revision },
    }));
}

function tooFew(asked: number, applied: number): ConfigError {
  return new ConfigError({
    code: "REVISION_UNKNOWN",
    message: `\`-${asked}\` was asked for, but only ${applied} ${applied === 1 ? "migration is" : "migrations are"} applied.`,
    hint:
      applied === 0 ? "There is nothing to take back." : "Use `godwit down base` to take everything back.",
  });
}

function notApplied(target: string): ConfigError {
  return new ConfigError({
    code: "REVISION_UNKNOWN",
    message: `${target} is not applied to this database, so nothing can be taken back to it.`,
    hint: "`godwit current` shows where the database is.",
    details: { revision: target },
  });
}
