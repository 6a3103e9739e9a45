/** Decides what `up` does, and what prevents it. */
import { ConfigError, type Problem } from "../errors.ts";
import { isBackground } from "./backfill.ts";
import { backgroundLast, targetWaits, withoutRunning } from "./background.ts";
import { brokenFile } from "./checks.ts";
import { gatesOf, requiredProblem } from "./gates.ts";
import type { Graph } from "./graph.ts";
import { aheadOf } from "./heads.ts";
import type { History, HistoryEntry } from "./history.ts";
import { type Migration, PHASES, type Phase } from "./migration.ts";
import { late, sharedNumbers } from "./numbers.ts";
import { compareText, reach } from "./order.ts";
import { isRenamed, renamed } from "./renamed.ts";
import { comeBack, putTogether } from "./replaced.ts";
import { type Expression, walk } from "./revision.ts";
import type { Draft, Held, PlanInput, Step } from "./step.ts";
import { beingTakenBack, wayBackOf } from "./way-back.ts";

/** Throws `ConfigError` if fewer migrations are pending than `+n` asks for. */
export function planUp(input: PlanInput, graph: Graph, expression: Expression): Draft {
  const entries = new Map(input.history.entries.map((entry) => [entry.revision, entry]));
  const all = pendingIn(scopeOf(graph, expression, entries), entries);
  const ahead = aheadOf(graph, input.history);
  // An older release has an older text. Running that text would undo what the newer release did.
  const older = ahead.size === 0 ? [] : all.filter(({ reason }) => reason === "changed");
  const pending = all.filter((one) => !older.includes(one));
  const gates = gatesOf(graph, input.history);
  const sorted = sortByPhase(pending, { graph, phases: input.goal.phases });
  const around = { graph, gates };
  const free = withoutRunning(backgroundLast(sorted.steps, around), input.history, around);
  const limit = expression.kind === "steps" ? expression.count : free.steps.length;
  const taken = free.steps.slice(0, limit);
  const problems = [
    ...sorted.problems,
    ...gated(taken, gates, { graph, history: input.history }),
    ...targetHeld(expression, graph, sorted.held),
    ...(expression.kind === "revision" && input.policy.waits !== true
      ? targetWaits(walk(expression, graph), free, input.history)
      : []),
    ...reverting(graph, input.history),
  ];
  if (limit > free.steps.length && problems.length === 0) throw tooFew(limit, free.steps);

  const names = new Set(taken.map(({ migration }) => migration.id));
  const steps = taken.map(({ migration, reason }): Step => {
    const { id, kind, phase, file, checksum } = migration;
    const before = [...graph.needs(id), ...gates(migration).map((gate) => gate.id)];
    const after = [...new Set(before)].filter((other) => names.has(other)).sort(compareText);
    const { requires = [] } = migration;
    const declared = {
      ...(requires.length === 0 ? {} : { requires }),
      ...(isBackground(migration) ? { background: true } : {}),
    };
    return { revision: id, kind, direction: "up", phase, file, checksum, reason, ...declared, after };
  });

  // A migration that has begun is neither late nor new: the database already has its place in the order.
  const fresh = taken
    .filter(({ migration, reason }) => reason === "pending" && migration.kind !== "repeatable")
    .filter(({ migration }) => input.policy.failed?.has(migration.id) !== true)
    .map(({ migration }) => migration);
  const broken = taken.flatMap(({ migration }) => brokenFile(migration, "up"));
  const stop = input.policy.failure === "stop";
  const renames = renamed(fresh, graph, input.history);
  const known = [
    ...(renames.length > 0 ? renames : putTogether(fresh, input.history)),
    ...comeBack(fresh, input.history),
  ];
  const decided = new Set(known.map(({ details }) => details?.revision));
  if (!input.policy.outOfOrder)
    problems.push(
      // What is known by another name or was replaced must not run, whatever its order is.
      ...late(
        fresh.filter(
          (migration) =>
            input.history.again?.has(migration.id) !== true &&
            !decided.has(migration.id) &&
            !isRenamed(migration, graph, input.history),
        ),
        graph,
        { entries: input.history.entries, passedOver: input.policy.passedOver },
      ),
      ...sharedNumbers(fresh, graph),
    );
  problems.push(...known, ...(stop ? broken : []));
  return {
    steps,
    held: sorted.held,
    waiting: free.waiting,
    problems,
    warnings: [
      ...sorted.warnings,
      ...(input.policy.waits === true ? [] : free.warnings),
      ...taken.flatMap(({ migration }) => migration.note ?? []),
      ...older.map(({ migration }) => olderText(migration, ahead)),
      ...(stop ? [] : broken),
    ],
  };
}

function olderText({ id, file }: Migration, ahead: ReadonlySet<string>): Problem {
  return {
    code: "PLAN_VANISHED",
    message: `${file} differs from what is in the database, and was left alone: the database is ahead of these files (${[...ahead].join(", ")}).`,
    hint: "Run the newer release's files to bring it up to date.",
    details: { revision: id },
  };
}

/** Migrations that are partly reverted. Nothing can be applied on top of them or in their place. */
function reverting(graph: Graph, history: History): readonly Problem[] {
  return history.entries
    .filter((entry) => entry.state === "reverting")
    .map((entry) => ({
      code: "PLAN_PARTIAL",
      ...(beingTakenBack(entry, history) ?? {
        message: `${entry.revision} has been taken back in part only: its way back was begun, and is not finished.`,
        hint: `Finish it with ${wayBackOf(entry.revision, { graph, history })}, then run again.`,
      }),
      place: { file: entry.file },
      details: { revision: entry.revision },
    }));
}

/** Steps whose backfill is not finished, and is not part of this run. They are refused before anything is done. */
function gated(
  taken: readonly Pending[],
  gates: (migration: Migration) => readonly Migration[],
  around: { readonly graph: Graph; readonly history: History },
): readonly Problem[] {
  const states = new Map(around.history.entries.map(({ revision, state }) => [revision, state]));
  const names = new Set(taken.map(({ migration }) => migration.id));
  return taken.flatMap(({ migration }) =>
    gates(migration)
      // One that is being taken back is a finding of its own.
      .filter(({ id }) => !names.has(id) && states.get(id) !== "reverting")
      .map((backfill) => requiredProblem(migration, backfill, around)),
  );
}

/** You named one revision. If the run succeeded without applying it, the result would be wrong. */
function targetHeld(expression: Expression, graph: Graph, held: readonly Held[]): readonly Problem[] {
  if (expression.kind !== "revision") return [];
  const target = held.find(({ revision }) => revision === walk(expression, graph));
  if (target === undefined) return [];
  return [
    {
      code: "PLAN_PHASE_ORDER",
      message: `${target.revision} was asked for, but not its phase: ${target.phase}.`,
      hint: `Ask for both: \`godwit up ${target.revision} --phase ${target.phase}\`.`,
      details: { revision: target.revision, phase: target.phase },
    },
  ];
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

/** The applied revisions form a set. What is not in the set is pending, wherever it is in the order. */
function pendingIn(
  scope: readonly Migration[],
  entries: ReadonlyMap<string, HistoryEntry>,
): readonly Pending[] {
  return scope.flatMap((migration): Pending[] => {
    const entry = entries.get(migration.id);
    if (entry === undefined) return [{ migration, reason: "pending" }];
    if (entry.state === "reverting") return [];
    if (entry.state === "partial") return [{ migration, reason: "resume" }];
    const again = migration.kind === "repeatable" || migration.rerun === true;
    const changed = again && migration.checksum !== entry.checksum;
    return changed ? [{ migration, reason: "changed" }] : [];
  });
}

/**
 * Sorts by phase, and within a phase by the total order. Migrations that cannot run in the requested phases are held
 * back.
 */
function sortByPhase(
  pending: readonly Pending[],
  { graph, phases }: { graph: Graph; phases: readonly Phase[] },
): { steps: readonly Pending[]; held: Held[]; problems: Problem[]; warnings: Problem[] } {
  const byId = new Map(pending.map(({ migration }) => [migration.id, migration]));
  const held = new Map<string, Held>();
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  // The order is total, so everything that a migration needs was judged before it.
  for (const { migration } of pending) {
    const { id, phase, requires = [] } = migration;
    const needed = graph.needs(id).flatMap((other) => byId.get(other) ?? []);
    // A gate that is held back is refused, and never holds back in silence.
    const holder = needed.find((other) => held.has(other.id) && !requires.includes(other.id));
    if (!phases.includes(phase)) {
      held.set(id, { revision: id, phase });
    } else if (holder !== undefined) {
      held.set(id, { revision: id, phase });
      warnings.push(heldByDependency(migration, holder, phases));
    } else {
      const free = needed.filter((other) => !held.has(other.id));
      const later = free.filter((other) => PHASES.indexOf(other.phase) > PHASES.indexOf(phase));
      problems.push(...later.map((other) => phaseOrder(migration, other)));
    }
  }
  const free = pending.filter(({ migration }) => !held.has(migration.id));
  const steps = PHASES.flatMap((phase) => free.filter(({ migration }) => migration.phase === phase));
  return { steps, held: [...held.values()], problems, warnings };
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
