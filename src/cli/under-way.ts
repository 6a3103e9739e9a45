/** What a command is doing, for the moment at which a second signal ends the process without waiting for it. */
import { Interrupted } from "../errors.ts";
import type { Observe } from "../run/report/events.ts";

export interface UnderWay {
  /** Passes events on, and remembers which migrations are running; `target`: of several. */
  watch(observe: Observe, target?: string): Observe;
  /** The command has one answer. The first who asks may give it. */
  claim(): boolean;
  /** Gives the answer that ends the command at once. Nothing, as long as no command has begun. */
  giveUp(error: Interrupted): void;
  /** Says how that answer is given, and whether anything that the command does stays. */
  onGiveUp(answer: (error: Interrupted) => void, options: { readonly keeps: boolean }): void;
  /** The error of a process that a second signal ends. */
  cut(by: string): Interrupted;
}

export function createUnderWay(): UnderWay {
  /** By target. Each carries out one step at a time. */
  const running = new Map<string | undefined, string>();
  let keeps = true;
  let claimed = false;
  let answer: (error: Interrupted) => void = () => {};
  const claim = () => {
    const first = !claimed;
    claimed = true;
    return first;
  };
  return {
    watch: (observe, target) => (event) => {
      if (event.kind === "step-started" || event.kind === "step-done" || event.kind === "step-failed") {
        const { revision } = event.step;
        if (event.kind !== "step-started") running.delete(target);
        else running.set(target, target === undefined ? revision : `${revision} of ${target}`);
      }
      observe(event);
    },
    claim,
    giveUp(error) {
      if (claim()) answer(error);
    },
    onGiveUp(given, options) {
      answer = given;
      keeps = options.keeps;
    },
    cut: (by) => cutError(by, [...running.values()], keeps),
  };
}

/** More names would hide what is said. */
const MOST_NAMED = 3;

function cutError(by: string, running: readonly string[], keeps: boolean): Interrupted {
  const named = running.slice(0, MOST_NAMED).join(", ");
  const more = running.length > MOST_NAMED ? ` and ${running.length - MOST_NAMED} more` : "";
  const [was, it] = running.length === 1 ? ["was", "it"] : ["were", "them"];
  const kept = keeps ? `, and what was kept of ${it} is not known` : "; a dry run keeps nothing";
  const what =
    running.length === 0
      ? "What was under way was not waited for."
      : `${named}${more} ${was} running${kept}.`;
  return new Interrupted(
    {
      code: "INTERRUPTED",
      message: `A second signal (${by}) ended the process at once. ${what}`,
      hint: "godwit status shows what is applied, and what must be decided first.",
    },
    by,
  );
}
