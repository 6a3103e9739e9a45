/**
 * Where a run is that has been cut before, and whether it stands another cut. Between two cuts of one run lies what a run needs
 * so that it does not give up: something of the step that was under way has been kept.
 */
import type { RunEvent } from "../../src/run/report/events.ts";
import type { Direction, Message } from "./proxy.ts";

/** What makes a message of one run recognisable in another. Only what the client sends says where it is. */
export interface Mark {
  readonly from: Direction;
  readonly kind: string;
  /** Empty where another undisturbed run does not send it. */
  readonly text: string;
  /** The text without any number. `undefined`: it differs from run to run. */
  readonly shape: string | undefined;
}

/** What differs from run to run: ids, and the numbers of objects and sessions. */
const VOLATILE = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b[0-9]{4,}\b/g;

/** `database` has another name in each run. */
export function markOf({ from, type }: Message, bytes: Buffer, database: string): Mark {
  const kind = `${from} ${type}`;
  if (from === "server") return { from, kind, text: "", shape: "" };
  const content = bytes.toString("latin1", type === "startup" ? 4 : 5);
  const text = content.replaceAll(database, "").replace(VOLATILE, "");
  return { from, kind, text, shape: text.replace(/[0-9]+/g, "") };
}

/** The marks of an undisturbed run, without what another one does not have. */
export function commonMarks(one: readonly Mark[], other: readonly Mark[]): Mark[] {
  const texts = new Set(other.map(textOf));
  const shapes = new Set(other.map(shapeOf));
  return one.map((mark) => ({
    ...mark,
    text: texts.has(textOf(mark)) ? mark.text : "",
    shape: shapes.has(shapeOf(mark)) ? mark.shape : undefined,
  }));
}

/**
 * Finds the messages of a run among those of an undisturbed one. A place is known where a text was sent that an undisturbed run
 * sends once, and all messages since then are those that follow it there. Everywhere else it is `undefined`. An answer and the
 * next request may pass each other; between two that did there is no place.
 */
export function follower(calm: readonly Mark[]): (mark: Mark) => number | undefined {
  const once = new Map<string, number>();
  for (const [index, mark] of calm.entries())
    if (mark.text !== "") once.set(textOf(mark), once.has(textOf(mark)) ? -1 : index);
  const after = (at: number, from: Direction) => {
    let next = at + 1;
    while (next < calm.length && calm[next]?.from !== from) next++;
    return next;
  };
  /** The last message of each direction that was found; `undefined`: the place is not known. */
  let found: Record<Direction, number> | undefined;
  return (mark) => {
    const { from } = mark;
    const anchor = once.get(textOf(mark)) ?? -1;
    const next = found && after(found[from], from);
    const follows = next !== undefined && isLike(calm[next], mark);
    if (found && next !== undefined && follows && (anchor === -1 || anchor === next)) found[from] = next;
    else if (anchor === -1) found = undefined;
    else found = { client: anchor, server: anchor };
    if (found === undefined) return undefined;
    const at = found[from];
    const other = from === "client" ? "server" : "client";
    return found[other] <= at && after(found[other], other) > at ? at : undefined;
  };
}

const textOf = ({ kind, text }: Mark) => `${kind} ${text}`;
const shapeOf = ({ kind, shape }: Mark) => `${kind} ${shape}`;

/** A run that was cut has used up other numbers than an undisturbed one. */
const isLike = (calm: Mark | undefined, mark: Mark) =>
  calm?.kind === mark.kind && (calm.shape === undefined || calm.shape === mark.shape);

/** A run gives up when it has lost its connection once more than this, and no step has ended meanwhile. */
const CUTS_IN_A_ROW = 5;

/** Told all that a run reports, and each time that it was cut: may it be cut again? */
export function patience(): {
  readonly observe: (event: RunEvent) => void;
  readonly cut: () => void;
  readonly allows: () => boolean;
} {
  const seen = new Set<string>();
  let kept = 0;
  let underWay = false;
  let first = true;
  let inARow = 0;
  let last: { kept: number; underWay: boolean } | undefined;
  const isNew = (key: string) => !seen.has(key) && seen.add(key) !== undefined;
  const settled = () => {
    kept++;
    inARow = 0;
  };
  return {
    observe(event) {
      // What was still on its way to the run when it was cut may have begun a step, or ended one.
      if (event.kind === "connection-lost") {
        last = { kept, underWay };
        inARow = Math.max(inARow, 1);
      }
      if (!("step" in event)) return;
      const step = `${event.step.direction} ${event.step.revision}`;
      if (event.kind === "step-started") {
        underWay = true;
        first = true;
      } else if (event.kind === "step-done") {
        underWay = false;
        if (isNew(`${step} done`)) settled();
      } else if (event.kind === "backfill-progress" && isNew(`${step} rows ${event.rows}`)) settled();
      // The first one since the step began says nothing: the run has found the ones before it kept.
      else if (event.kind === "statement-started") {
        if (!first) kept++;
        first = false;
      }
    },
    cut() {
      inARow++;
      last = { kept, underWay };
    },
    allows: () => last === undefined || (inARow < CUTS_IN_A_ROW && (!last.underWay || kept > last.kept)),
  };
}
