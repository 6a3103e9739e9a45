/**
 * Several targets in one run.
 *
 *   not begun ─► running ─► done | failed | interrupted
 *        └──► left out: the run was interrupted, a target before failed under `stop`, the canary did, or one of
 *             several cannot be reached. All are connected to before the first begins.
 *
 * One target's failure is not another's: each has its own outcome, in the order of the targets. A target may turn out
 * to be several (the schemas of one database), which are found out when its turn has come.
 */
import { Interrupted, type Problem } from "../errors.ts";

export type Member<T> = {
  readonly name: string;
  /** Connects once and changes nothing. Without it the member is not asked. */
  readonly reach?: (() => Promise<void>) | undefined;
} & ({ readonly run: () => Promise<T> } | { readonly expand: () => Promise<Group<T>> });

export interface Group<T> {
  readonly members: readonly Member<T>[];
  /** The one that goes first and alone; if it fails, no other is begun. */
  readonly canary: string | null;
  /** How many of them at a time; `null`: as many as of targets. */
  readonly parallel: number | null;
  readonly warnings?: readonly Problem[];
}

export type TargetOutcome<T> =
  | { readonly name: string; readonly state: "done"; readonly value: T }
  | { readonly name: string; readonly state: "failed" | "interrupted"; readonly error: unknown }
  | { readonly name: string; readonly state: "not begun"; readonly because: string }
  | {
      readonly name: string;
      readonly state: "group";
      readonly members: readonly TargetOutcome<T>[];
      readonly warnings: readonly Problem[];
    };

export interface FleetOptions<T> {
  /** At most so many at a time, schemas included. */
  readonly parallel: number;
  readonly onFailure: "continue" | "stop";
  readonly signal: AbortSignal;
  /** Whether what came out is a failure although nothing was thrown. */
  readonly isFailure?: (value: T) => boolean;
  /** Is called as soon as a target has ended. A group ends after all of its members. */
  readonly onOutcome?: (outcome: TargetOutcome<T>) => void;
}

/** Never throws: whatever happens to a member is its outcome. */
export async function runFleet<T>(
  members: readonly Member<T>[],
  options: FleetOptions<T>,
): Promise<readonly TargetOutcome<T>[]> {
  const slots = createSlots(options.parallel);
  const unreached = await unreachable(members, options, slots);
  if (unreached !== null) return unreached;
  const run = new Fleet(options, slots);
  return run.all(members, { canary: null, parallel: options.parallel });
}

/** Returns `null` if each of several members can be reached. Otherwise none is begun. */
async function unreachable<T>(
  members: readonly Member<T>[],
  { onOutcome }: FleetOptions<T>,
  slots: Slots,
): Promise<readonly TargetOutcome<T>[] | null> {
  if (members.length < 2) return null;
  const reached = await Promise.allSettled(
    members.map(({ reach }) => slots.use(async () => await reach?.())),
  );
  const first = reached.findIndex(({ status }) => status === "rejected");
  if (first === -1) return null;
  const because = `${members[first]?.name} cannot be used`;
  return members.map(({ name }, index) => {
    const one = reached[index];
    const outcome: TargetOutcome<T> =
      one?.status === "rejected"
        ? { name, state: endedState(one.reason), error: one.reason }
        : { name, state: "not begun", because };
    onOutcome?.(outcome);
    return outcome;
  });
}

function endedState(error: unknown): "failed" | "interrupted" {
  return error instanceof Interrupted ? "interrupted" : "failed";
}

/** Whether all of it is done. */
export function isDone<T>(
  outcome: TargetOutcome<T>,
  isFailure: (value: T) => boolean = () => false,
): boolean {
  if (outcome.state === "group") return outcome.members.every((member) => isDone(member, isFailure));
  return outcome.state === "done" && !isFailure(outcome.value);
}

/** Without groups, each by its own name. */
export function flatten<T>(
  outcomes: readonly TargetOutcome<T>[],
): readonly Exclude<TargetOutcome<T>, { readonly state: "group" }>[] {
  return outcomes.flatMap((outcome) => (outcome.state === "group" ? flatten(outcome.members) : [outcome]));
}

class Fleet<T> {
  readonly #options: FleetOptions<T>;
  readonly #slots: Slots;
  /** Why nothing more is begun. */
  #ended: string | null = null;

  constructor(options: FleetOptions<T>, slots: Slots) {
    this.#options = options;
    this.#slots = slots;
  }

  async all(
    members: readonly Member<T>[],
    { canary, parallel }: { canary: string | null; parallel: number },
    slots = this.#slots,
  ): Promise<readonly TargetOutcome<T>[]> {
    const outcomes = new Map<string, TargetOutcome<T>>();
    let ended: string | null = null;
    const one = async (member: Member<T>) => {
      const because = ended ?? this.#ended ?? this.#interruption();
      const outcome: TargetOutcome<T> =
        because === null
          ? await this.#one(member, slots)
          : { name: member.name, state: "not begun", because };
      outcomes.set(member.name, outcome);
      this.#options.onOutcome?.(outcome);
      if (isDone(outcome, this.#options.isFailure)) return;
      if (outcome.state !== "not begun" && this.#options.onFailure === "stop")
        this.#ended ??= `${member.name} failed`;
      if (member.name === canary) ended = `${member.name}, the canary, failed`;
    };
    const first = members.find(({ name }) => name === canary);
    if (first !== undefined) await one(first);
    const others = members.filter((member) => member !== first);
    let next = 0;
    const worker = async () => {
      for (let member = others[next++]; member !== undefined; member = others[next++]) await one(member);
    };
    await Promise.all(Array.from({ length: Math.min(parallel, others.length) }, worker));
    return members.flatMap(({ name }) => outcomes.get(name) ?? []);
  }

  async #one(member: Member<T>, slots: Slots): Promise<TargetOutcome<T>> {
    const { name } = member;
    try {
      if ("expand" in member) {
        const { members, canary, parallel, warnings = [] } = await slots.use(member.expand);
        const own = parallel === null ? this.#slots : createSlots(parallel);
        const several = { canary, parallel: parallel ?? this.#options.parallel };
        return { name, state: "group", members: await this.all(members, several, own), warnings };
      }
      return await slots.use(async (): Promise<TargetOutcome<T>> => {
        // It may have waited for its place.
        const because = this.#ended ?? this.#interruption();
        if (because !== null) return { name, state: "not begun", because };
        return { name, state: "done", value: await member.run() };
      });
    } catch (error) {
      return { name, state: endedState(error), error };
    }
  }

  #interruption(): string | null {
    return this.#options.signal.aborted ? "the run was interrupted" : null;
  }
}

interface Slots {
  use<R>(work: () => Promise<R>): Promise<R>;
}

/** So many at a time, whoever asks; in the order in which they asked. */
function createSlots(count: number): Slots {
  let free = count;
  const waiting: (() => void)[] = [];
  return {
    async use(work) {
      if (free > 0) free--;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      try {
        return await work();
      } finally {
        const next = waiting.shift();
        if (next === undefined) free++;
        else next();
      }
    },
  };
}
