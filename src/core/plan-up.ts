/** What `up` will do, and what stands in its way. */
import { ConfigError, type Problem } from "../errors.ts";
import type { Graph } from "./graph.ts";
import type { HistoryEntry } from "./history.ts";
import { type Migration, PHASES, type Phase } from "./migration.ts";
import { compareNumbers, compareText, reach } from "./order.ts";
import { type Expression, walk } from "./revision.ts";
import type { Held, PlanInput, Step } from "./step.ts";

export interface Draft {
  readonly steps: readonly Step[];
  readonly held: readonly Held[];
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

/** Throws `ConfigError` when fewer migrations are pending than `+n` asks for. */
export function planUp(input: PlanInput, graph: Graph, expression: Expression): Draft {
  const entries = new Map(input.history.entries.map((entry) => [entry.revision, entry]));
  const pending = pendingIn(scopeOf(graph, expression, entries), entries);
  const sorted = sortByPhase(pending, { graph, phases: input.goal.phases });
  const limit = expression.kind === "steps" ? expression.count : sorted.steps.length;
  const problems = [...sorted.problems];
  if (limit > sorted.steps.length && problems.length === 0) throw tooFew(limit, sorted.steps);

  const taken = sorted.steps.slice(0, limit);
  const names = new Set(taken.map(({ migration }) => migration.id));
  const steps = taken.map(({ migration, reason }): Step => {
    const { id, kind, phase, file, checksum } = migration;
    const after = graph.needs(id).filter((other) => names.has(other));
    return { revision: id, kind, direction: "up", phase, file, checksum, reason, after };
  });

  const fresh = taken.filter(({ reason }) => reason === "pending").map(({ migration }) => migration);
  const broken = taken.flatMap(({ migration }) => brokenFile(migration));
  const stop = input.policy.failure === "stop";
  if (!input.policy.outOfOrder)
    problems.push(...late(fresh, graph, input.history.entries), ...sharedNumbers(fresh, graph));
  problems.push(...(stop ? broken : []));
  return { steps, held: sorted.held, problems, warnings: [...sorted.warnings, ...(stop ? [] : broken)] };
}

interface Pending {
  readonly migration: Migration;
  readonly reason: "pending" | "changed" | "resume";
}

function scopeOf(
  graph: Graph,
  expression: Expression,
  entries: ReadonlyMap<string, HistoryEntry>,
): readonly Migration[] {
  if (expression.kind === "head" || expression.kind === "heads") return graph.order;
  if (expression.kind !== "revision") return graph.order.filter(({ kind }) => kind !== "repeatable");
  const target = walk(expression, graph);
  if (entries.get(target)?.state === "applied") return [];
  const wanted = reach([target], graph.below);
  return graph.order.filter(({ id }) => wanted.has(id));
}

/** Applied is a set: what is not in it is pending, wherever it stands in the order. */
function pendingIn(
  scope: readonly Migration[],
  entries: ReadonlyMap<string, HistoryEntry>,
): readonly Pending[] {
  return scope.flatMap((migration): Pending[] => {
    const entry = entries.get(migration.id);
    if (entry === undefined) return [{ migration, reason: "pending" }];
    if (entry.state === "partial") return [{ migration, reason: "resume" }];
    const changed = migration.kind === "repeatable" && migration.checksum !== entry.checksum;
    return changed ? [{ migration, reason: "changed" }] : [];
  });
}

/** Phase by phase, in each the total order; what cannot run in the phases asked for is held back. */
function sortByPhase(
  pending: readonly Pending[],
  { graph, phases }: { graph: Graph; phases: readonly Phase[] },
): { steps: readonly Pending[]; held: Held[]; problems: Problem[]; warnings: Problem[] } {
  const byId = new Map(pending.map(({ migration }) => [migration.id, migration]));
  const held = new Map<string, Held>();
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  // In the total order: whatever a migration needs was judged before it.
  for (const { migration } of pending) {
    const { id, phase } = migration;
    const needed = graph.needs(id).flatMap((other) => byId.get(other) ?? []);
    const holder = needed.find((other) => held.has(other.id));
    if (!phases.includes(phase)) {
      held.set(id, { revision: id, phase });
    } else if (holder !== undefined) {
      held.set(id, { revision: id, phase });
      warnings.push(heldByDependency(migration, holder, phases));
    } else {
      const later = needed.filter((other) => PHASES.indexOf(other.phase) > PHASES.indexOf(phase));
      problems.push(...later.map((other) => phaseOrder(migration, other)));
    }
  }
  const free = pending.filter(({ migration }) => !held.has(migration.id));
  const steps = PHASES.flatMap((phase) => free.filter(({ migration }) => migration.phase === phase));
  return { steps, held: [...held.values()], problems, warnings };
}

function late(fresh: readonly Migration[], graph: Graph, entries: readonly HistoryEntry[]): Problem[] {
  if (graph.shape === "graph") return [];
  const place = new Map(graph.order.map((migration, index) => [migration.id, index]));
  const overtaking = ({ id, number, phase }: Migration) =>
    entries.find(
      (entry) =>
        entry.state === "applied" &&
        entry.phase === phase &&
        entry.number !== null &&
        number !== null &&
        compareNumbers(entry.number, number) > 0 &&
        // A dependency may put a greater number in front: that is the order then, not an overtaking.
        (place.get(entry.revision) ?? Number.POSITIVE_INFINITY) > (place.get(id) ?? 0),
    );
  const found = fresh
    .filter((migration) => migration.settings.outOfOrder !== true)
    .flatMap((migration) => {
      const entry = overtaking(migration);
      return entry === undefined ? [] : [{ migration, entry }];
    });
  const [first] = found;
  if (first === undefined) return [];
  const names = found.map(({ migration, entry }) => `${migration.id} (before ${entry.revision})`).join(", ");
  return [
    {
      code: "PLAN_LATE",
      message: `Pending with a smaller number than what is applied already: ${names}.`,
      hint: `Rename with a new number, or allow it ${allowance(first.migration)}, or for this run with \`godwit up --out-of-order\`.`,
      place: { file: first.migration.file },
      details: { revisions: found.map(({ migration }) => migration.id) },
    },
  ];
}

function sharedNumbers(fresh: readonly Migration[], graph: Graph): Problem[] {
  const inLine = ({ kind, revises, number }: Migration) =>
    kind !== "repeatable" && revises === null && number !== null;
  const sharing = new Map<string, Migration[]>();
  for (const migration of graph.order.filter(inLine)) {
    const number = (migration.number ?? "").replace(/^0+(?=\d)/, "");
    sharing.set(number, [...(sharing.get(number) ?? []), migration]);
  }
  const offending = new Set(fresh.filter(({ settings }) => settings.outOfOrder !== true));
  return [...sharing].flatMap(([number, group]): Problem[] => {
    const newest = group.findLast((migration) => offending.has(migration));
    if (group.length < 2 || newest === undefined) return [];
    return [
      {
        code: "PLAN_DUPLICATE_NUMBER",
        message: `${group.length} migrations have the number ${number}: ${group.map(({ id }) => id).join(", ")}.`,
        hint: `Rename ${newest.id} with a new number, or allow it ${allowance(newest)}, then look again with \`godwit plan\`.`,
        place: { file: newest.file },
        details: { number, revisions: group.map(({ id }) => id).sort(compareText) },
      },
    ];
  });
}

function allowance({ kind, file }: Migration): string {
  const line = kind === "module" ? "`outOfOrder: true`" : "`-- godwit: out-of-order=allow`";
  return `with ${line} in ${file}`;
}

function brokenFile({ id, file, problem }: Migration): Problem[] {
  if (problem === undefined) return [];
  const {
    message,
    hint = `Correct ${file}, then run \`godwit up\` again.`,
    place = { file },
    code,
  } = problem;
  return [
    { code: "PLAN_BROKEN_FILE", message, hint, place, details: { ...problem.details, revision: id, code } },
  ];
}

function phaseOrder(migration: Migration, needed: Migration): Problem {
  const directive =
    migration.kind === "module" ? `phase: "${needed.phase}"` : `-- godwit: phase=${needed.phase}`;
  return {
    code: "PLAN_PHASE_ORDER",
    message: `${migration.id} runs in phase ${migration.phase}, but stands on ${needed.id}, which runs later, in ${needed.phase}.`,
    hint: `Write \`${directive}\` in ${migration.file}, or give ${needed.file} the phase ${migration.phase}; look again with \`godwit plan\`.`,
    place: { file: migration.file },
    details: { revision: migration.id, phase: migration.phase, needs: needed.id, needsPhase: needed.phase },
  };
}

function heldByDependency(migration: Migration, holder: Migration, phases: readonly Phase[]): Problem {
  const why = phases.includes(holder.phase) ? "is held back itself" : `waits for phase ${holder.phase}`;
  return {
    code: "PLAN_PHASE_ORDER",
    message: `${migration.id} is held back: it stands on ${holder.id}, which ${why}.`,
    hint: `Release it with \`godwit up --phase ${holder.phase}\`, or change the phase of one of them.`,
    place: { file: migration.file },
    details: { revision: migration.id, needs: holder.id },
  };
}

function tooFew(asked: number, steps: readonly Pending[]): ConfigError {
  return new ConfigError({
    code: "REVISION_UNKNOWN",
    message: `\`+${asked}\` was asked for, but only ${steps.length} ${steps.length === 1 ? "migration is" : "migrations are"} pending.`,
    hint:
      steps.length === 0 ? "There is nothing to do." : `Use \`godwit up +${steps.length}\` or \`godwit up\`.`,
  });
}
