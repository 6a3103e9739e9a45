/**
 * Gates: backfills that must be finished before a step begins. A migration names them in `requires`. A step of phase
 * `contract` waits for every backfill before it, because it takes away what the backfill may still read. Pure.
 */
import type { Problem } from "../errors.ts";
import { whole } from "../std/number.ts";
import { isBackground } from "./backfill.ts";
import { type Graph, graphOf } from "./graph.ts";
import { EMPTY_HISTORY, type History } from "./history.ts";
import { type Migration, PHASES, type Phase } from "./migration.ts";
import { reach } from "./order.ts";
import type { PlanInput, Step } from "./step.ts";

/** Whoever requires a backfill depends on it, too. So the order, `down` and the ledger know it as a dependency. */
export function withRequired({
  depends,
  requires,
}: {
  readonly depends: readonly string[];
  readonly requires: readonly string[];
}): Pick<Migration, "depends" | "requires"> {
  if (requires.length === 0) return { depends };
  return { depends: [...new Set([...depends, ...requires])], requires };
}

/** The backfills that a migration waits for and that are not finished, in the total order. */
export function gatesOf(graph: Graph, history: History): (migration: Migration) => readonly Migration[] {
  const applied = new Set(history.entries.flatMap((one) => (one.state === "applied" ? [one.revision] : [])));
  const unfinished = graph.order.filter(
    ({ id, backfill }) => backfill !== undefined && !applied.has(id) && history.replaced?.has(id) !== true,
  );
  if (unfinished.length === 0) return () => [];
  const places = new Map(graph.order.map(({ id }, place) => [id, place]));
  const isBefore = (one: string, other: string) => (places.get(one) ?? 0) < (places.get(other) ?? 0);
  return (migration) => {
    const { id, phase, requires = [], backfill } = migration;
    const before = phase === "contract" ? reach([id], graph.below) : new Set(requires);
    // Two backfills never work on one table, whatever each of them calls it.
    const tableOf = (one: Migration["backfill"]) =>
      one === undefined ? null : (history.backfillTables?.get(one.table) ?? `name ${one.table}`);
    const table = tableOf(backfill);
    const sameTable = (one: Migration) =>
      table !== null && isBackground(one) && tableOf(one.backfill) === table;
    return unfinished.filter(
      (one) => one.id !== id && (before.has(one.id) || (sameTable(one) && isBefore(one.id, id))),
    );
  };
}

interface Around {
  readonly graph: Graph;
  readonly history: History;
}

/** `backfill` is not part of the run that was asked for. */
export function requiredProblem(migration: Migration, backfill: Migration, around: Around): Problem {
  const { id, file, phase, requires = [] } = migration;
  const why = requires.includes(backfill.id) ? "requires" : `runs in phase ${phase}, so it waits for`;
  const phases = phasesFor(backfill, around);
  return {
    code: "BACKFILL_REQUIRED",
    message: `${id} ${why} the backfill ${backfill.id}, which ${howFar(backfill, around.history)}. Nothing was begun.`,
    hint: `Finish it with \`godwit up ${backfill.id} --phase ${phases.join(",")}\`, then run again.`,
    place: { file },
    details: { revision: id, requires: backfill.id, phase: backfill.phase },
  };
}

export interface GatePair {
  readonly revision: string;
  readonly backfill: string;
}

/** Which steps of a plan wait for a backfill that its history says is finished. A script asks again where it runs. */
export function gatePairs({ migrations, order, history }: PlanInput, steps: readonly Step[]): GatePair[] {
  const graph = graphOf(migrations, { order });
  const finished = new Set(history.entries.map(({ revision }) => revision));
  const gates = gatesOf(graph, EMPTY_HISTORY);
  return steps
    .filter(({ direction }) => direction === "up")
    .flatMap(({ revision }) => graph.byId.get(revision) ?? [])
    .flatMap((migration) =>
      gates(migration)
        .filter(({ id }) => finished.has(id))
        .map(({ id }) => ({ revision: migration.id, backfill: id })),
    );
}

/** An applied migration requires the backfill whose old values are to come back. */
export function requiredByApplied(revision: string, { graph, history }: Around): readonly Problem[] {
  const applied = new Set(history.entries.flatMap((one) => (one.state === "applied" ? [one.revision] : [])));
  const above = graph.order.filter(
    ({ id, requires }) => applied.has(id) && requires?.includes(revision) === true,
  );
  const [first] = above;
  if (first === undefined) return [];
  const names = above.map(({ id }) => id).join(", ");
  return [
    {
      code: "BACKFILL_REQUIRED",
      message: `${names} ${above.length === 1 ? "is applied and requires" : "are applied and require"} the backfill ${revision}, so its old values stay away.`,
      hint: `Take that back first: \`godwit down ${revision}\` goes back to ${revision}.`,
      place: { file: first.file },
      details: { revision, requiredBy: above.map(({ id }) => id) },
    },
  ];
}

/** Half a sentence. */
export function howFar({ id, phase }: Migration, { entries, backfills }: History): string {
  const entry = entries.find(({ revision }) => revision === id);
  if (entry === undefined) return `has not begun and runs in phase ${phase}`;
  const { rows, estimatedRows = null } = backfills?.get(id) ?? {};
  if (rows === undefined) return "is not finished";
  const many = estimatedRows === null || estimatedRows < rows ? "" : ` of about ${whole(estimatedRows)}`;
  return `is not finished: ${whole(rows)}${many} ${rows === 1 && many === "" ? "row is" : "rows are"} done`;
}

/** What to ask for so that it is applied with all that is pending below it. `contract` is asked for only if it has to be. */
function phasesFor(backfill: Migration, { graph, history }: Around): readonly Phase[] {
  const applied = new Set(history.entries.flatMap((one) => (one.state === "applied" ? [one.revision] : [])));
  const needed = reach([backfill.id], graph.needs);
  const below = [...reach([backfill.id], graph.below)].filter(
    (id) => !applied.has(id) && (needed.has(id) || graph.byId.get(id)?.phase !== "contract"),
  );
  return PHASES.filter((phase) => below.some((id) => graph.byId.get(id)?.phase === phase));
}
