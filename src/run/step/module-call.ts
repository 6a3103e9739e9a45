/**
 * Calls the function of a module and watches it until it settles. The function's context is closed then, so a
 * statement that it did not wait for fails loudly.
 */
import type { RowsWindow } from "../../core/backfill.ts";
import { type DatabaseError, type GodwitError, type Place, StepFailed } from "../../errors.ts";
import type { LeftBehind, Returned } from "../../host/protocol.ts";
import type { Content } from "../../source/source.ts";
import { type StepContext, whereIs } from "./context.ts";
import { type Activity, createActivity, supervised } from "./module-activity.ts";
import type { Prepared } from "./prepared.ts";
import { placeOfTrace } from "./trace.ts";

/**
 * Calls the function and waits for it. Returns the server's first error that the function swallowed, if any.
 * `onStart` receives the activity of the function before it runs.
 */
export async function callModule(
  context: StepContext,
  prepared: Prepared,
  onStart: (activity: Activity) => void = () => {},
): Promise<DatabaseError | undefined> {
  const body = await prepared.load();
  if (body.kind !== "module") throw new Error("Only a module has a function to call.");
  const { swallowed } = await callFunction(context, prepared, body, { onStart });
  return swallowed;
}

/** The same for a module that is known. With `window`, its `rows` is called; `changed` says how many it has written. */
export async function callFunction(
  context: StepContext,
  prepared: Prepared,
  body: Content & { readonly kind: "module" },
  {
    onStart = () => {},
    window,
  }: {
    readonly onStart?: (activity: Activity) => void;
    readonly window?: RowsWindow | undefined;
  },
): Promise<{ readonly swallowed: DatabaseError | undefined; readonly changed: number }> {
  const activity = createActivity(prepared.step.file);
  onStart(activity);
  const idle = new AbortController();
  let changed = 0;
  const timer = watchIdle(activity, context.target.settings.idleTimeoutMs, () =>
    idle.abort(neverSettled(context, prepared)),
  );
  try {
    const returned = await body.call({
      window,
      ...supervised(context, { activity, prepared, secret: body.namesSecret }),
      begun: () => {
        activity.lastMs = performance.now();
      },
      log: (level, message) => context.observe({ kind: "log", step: prepared.step, level, message }),
      late: (how, place) => context.late?.(leftBehind(prepared, how, place)),
      signal: AbortSignal.any([context.stop, context.connection.lost]),
      abandoned: idle.signal,
    });
    await refuseUnfinished(prepared, returned, whereIs(context, prepared.step));
    changed = returned.changed ?? 0;
  } finally {
    clearInterval(timer);
  }
  if (activity.refused !== undefined) throw activity.refused;
  return { swallowed: activity.firstError, changed };
}

/**
 * Throws where a function left something undone: a statement that it did not await, or a query that it never
 * executed.
 */
export async function refuseUnfinished(
  prepared: Prepared,
  { unbegun, left }: Returned,
  where: ReturnType<typeof whereIs>,
): Promise<void> {
  if (unbegun !== null) throw notBegun(prepared, unbegun);
  if (left === null) return;
  throw unfinished(prepared, left, await placeOfTrace(left, where));
}

function notBegun({ step }: Prepared, unbegun: "generator" | "query"): StepFailed {
  const isQuery = unbegun === "query";
  return new StepFailed({
    code: "STEP_FAILED",
    message: `${step.file} returned ${isQuery ? "a query that was never executed" : "a generator, which nobody runs"}; nothing of it was done.`,
    hint: isQuery
      ? "Call execute() on it, and await that."
      : "Write a plain async function, and await each statement.",
    place: { file: step.file },
  });
}

/** The timer also keeps this process alive while the function waits for a promise that never resolves. */
function watchIdle(activity: Activity, idleTimeoutMs: number, onIdle: () => void): NodeJS.Timeout {
  return setInterval(
    () => {
      const idleMs = activity.inFlight === 0 ? performance.now() - activity.lastMs : 0;
      if (idleTimeoutMs > 0 && idleMs > idleTimeoutMs) onIdle();
    },
    idleTimeoutMs === 0 ? 1_000 : Math.min(1_000, Math.max(10, idleTimeoutMs / 4)),
  );
}

/** The errors of such statements would come too late or be lost. */
function unfinished({ step }: Prepared, { kind, count }: LeftBehind, place: Place | undefined): StepFailed {
  const statements = count === 1 ? "a statement" : `${count} statements`;
  const builders = count === 1 ? "a schema builder that was" : `${count} schema builders that were`;
  const [what, hint] = {
    unawaited: [`settled while ${statements} of it still ran`, "Await every statement."],
    late: [
      `began ${statements} after its function had settled`,
      "Await every statement; what a timer or a callback does needs a promise that is awaited.",
    ],
    unexecuted: [
      `made ${builders} never executed, so nothing of that was done`,
      "Call execute() at the end of each chain, and await that.",
    ],
  }[kind] as [string, string];
  return new StepFailed({
    code: "STEP_FAILED",
    message: `${step.file} ${what}.`,
    hint,
    place: place ?? { file: step.file },
  });
}

const CORRECT_UP =
  "Look at what that migration was to do: it is in the ledger. Correct it with a new migration";
const CORRECT_DOWN =
  "Look at what that way back was to do: its migration is out of the ledger. Take away by hand what is left before `godwit up` applies it again";

/** The step may have been committed already when this is noticed. */
function leftBehind({ step }: Prepared, how: string, place: Place | undefined): StepFailed {
  return new StepFailed({
    code: "STEP_LEFT_BEHIND",
    message: `${step.file} ${how}.`,
    hint: `${step.direction === "up" ? CORRECT_UP : CORRECT_DOWN}, and await every statement and every promise.`,
    place: place ?? { file: step.file },
  });
}

function neverSettled(context: StepContext, { step }: Prepared): GodwitError {
  const seconds = Math.round(context.target.settings.idleTimeoutMs / 1000);
  return new StepFailed({
    code: "STEP_NEVER_SETTLED",
    message: `${step.file} has not settled, and has had no statement running for ${seconds} s.`,
    hint: "A promise in it never resolves. If it really works that long without the database, raise --idle-timeout.",
    place: { file: step.file },
  });
}
