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
  /** Says how that answer is given. */
  onGiveUp(answer: (error: Interrupted) => void): void;
  /** The error of a process that a second signal ends. */
  cut(by: string): Interrupted;
}

export function createUnderWay(): UnderWay {
  const running = new Set<string>();
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
        const name = target === undefined ? event.step.revision : `${event.step.revision} of ${target}`;
        if (event.kind === "step-started") running.add(name);
        else running.delete(name);
      }
      observe(event);
    },
    claim,
    giveUp(error) {
      if (claim()) answer(error);
    },
    onGiveUp(given) {
      answer = given;
    },
    cut: (by) => cutError(by, [...running]),
  };
}

/** More names would hide what is said. */
const MOST_NAMED = 3;

function cutError(by: string, running: readonly string[]): Interrupted {
  const named = running.slice(0, MOST_NAMED).join(", ");
  const more = running.length > MOST_NAMED ? ` and ${running.length - MOST_NAMED} more` : "";
  const what =
    running.length === 0
      ? "What was under way was not waited for."
      : `${named}${more} ${running.length === 1 ? "was" : "were"} running, and what was kept of ${running.length === 1 ? "it" : "them"} is not known.`;
  return new Interrupted(
    {
      code: "INTERRUPTED",
      message: `A second signal (${by}) ended the process at once. ${what}`,
      hint: "godwit status shows what is applied, and what must be decided first.",
    },
    by,
  );
}
