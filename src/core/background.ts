/**
 * Backfills for which others need not wait (`background`). They come last in a plan, and what waits for them behind them.
 * What another run is carrying out is no step of this one. Pure.
 */
import type { Problem } from "../errors.ts";
import { isBackground } from "./backfill.ts";
import { gatesOf, howFar } from "./gates.ts";
import type { Graph } from "./graph.ts";
import { EMPTY_HISTORY, type History } from "./history.ts";
import type { Migration } from "./migration.ts";

interface Around {
  readonly graph: Graph;
  readonly gates: (migration: Migration) => readonly Migration[];
}

type Item = { readonly migration: Migration };

/** Those that `starts` names, and all that waits for one of them. The steps are in the order in which they run. */
function waitingFor(
  steps: readonly Item[],
  starts: (migration: Migration) => boolean,
  { graph, gates }: Around,
): ReadonlySet<string> {
  const waiting = new Set<string>();
  for (const { migration } of steps) {
    const below = [...graph.needs(migration.id), ...gates(migration).map(({ id }) => id)];
    if (starts(migration) || below.some((id) => waiting.has(id))) waiting.add(migration.id);
  }
  return waiting;
}

/** What others need not wait for, and what waits for that. It is never late. */
export function mayComeLater(graph: Graph): ReadonlySet<string> {
  if (!graph.order.some(isBackground)) return new Set();
  const all = graph.order.map((migration) => ({ migration }));
  return waitingFor(all, isBackground, { graph, gates: gatesOf(graph, EMPTY_HISTORY) });
}

/** The same steps, with backfills in the background and what waits for them at the end. */
export function backgroundLast<One extends Item>(steps: readonly One[], around: Around): readonly One[] {
  const last = waitingFor(steps, isBackground, around);
  if (last.size === 0) return steps;
  const isLast = ({ migration }: One) => last.has(migration.id);
  return [...steps.filter((one) => !isLast(one)), ...steps.filter(isLast)];
}

export interface WithoutRunning<One> {
  readonly steps: readonly One[];
  /** Those that another run carries out, and what waits for them. */
  readonly waiting: readonly string[];
  readonly warnings: readonly Problem[];
}

/** Without backfills that another run is carrying out, and without what waits for them. */
export function withoutRunning<One extends Item>(
  steps: readonly One[],
  history: History,
  around: Around,
): WithoutRunning<One> {
  const running = history.running ?? new Map<string, string>();
  if (running.size === 0) return { steps, waiting: [], warnings: [] };
  const out = waitingFor(steps, ({ id }) => running.has(id), around);
  const warnings = steps.flatMap(({ migration }): Problem[] => {
    const who = running.get(migration.id);
    if (who === undefined) return [];
    const behind = [...waitingFor(steps, ({ id }) => id === migration.id, around)].slice(1);
    return [runningWarning(migration, { who, behind, history })];
  });
  return {
    steps: steps.filter(({ migration }) => !out.has(migration.id)),
    waiting: [...out],
    warnings,
  };
}

function runningWarning(
  migration: Migration,
  { who, behind, history }: { who: string; behind: readonly string[]; history: History },
): Problem {
  const { id, file } = migration;
  const others =
    behind.length === 0 ? "" : ` ${behind.join(", ")} ${behind.length === 1 ? "waits" : "wait"} for it.`;
  return {
    code: "BACKFILL_RUNNING",
    message: `The backfill ${id} ${howFar(migration, history)}, and ${who} is carrying it out.${others}`,
    hint: `\`godwit backfill status ${id}\` shows how far it is. Run again when it is done, or with --wait-for-backfills.`,
    place: { file },
    details: { revision: id, waiting: behind },
  };
}

/** What another run is carrying out cannot be taken back, and nothing can be said of it. */
export function runningProblem(revision: string, who: string): Problem {
  return {
    code: "BACKFILL_RUNNING",
    message: `The backfill ${revision} is being carried out by ${who}. Nothing was changed.`,
    hint: `\`godwit backfill status ${revision}\` shows how far it is. End that run, or wait for it, then run again.`,
    details: { revision },
  };
}

/** The problem of each of these revisions that another run is carrying out. */
export function runningAmong(revisions: readonly string[], { running }: History): readonly Problem[] {
  return revisions.flatMap((revision) => {
    const who = running?.get(revision);
    return who === undefined ? [] : [runningProblem(revision, who)];
  });
}

/** A revision that was asked for waits for a backfill that another run is carrying out, or is that backfill. */
export function targetWaits(
  target: string,
  { waiting }: Pick<WithoutRunning<unknown>, "waiting">,
  { running }: Pick<History, "running">,
): readonly Problem[] {
  if (!waiting.includes(target)) return [];
  const who = running?.get(target);
  const why =
    who === undefined
      ? "waits for a backfill that another run is carrying out"
      : `${who} is already carrying it out`;
  return [
    {
      code: "BACKFILL_RUNNING",
      message: `${target} was asked for, and ${why}. Nothing was begun.`,
      hint: "`godwit backfill status` shows how far it is. Run again when it is done, or with --wait-for-backfills.",
      details: { revision: target },
    },
  ];
}
