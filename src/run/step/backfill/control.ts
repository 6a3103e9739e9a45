/**
 * What people say of a backfill: whether it may begin, and when its next window may. It is asked between two windows,
 * where no transaction and no snapshot is open. The way back asks the same.
 */
import { restAfter } from "../../../backfill/throttle.ts";
import type { Backfill } from "../../../core/backfill.ts";
import { shownTable } from "../../../core/sql/regclass.ts";
import { PlanRefused } from "../../../errors.ts";
import { type BackfillControls, CONTROLS_TABLE } from "../../../ledger/backfill-controls-sql.ts";
import type { UndoState } from "../../../ledger/backfill-undo-sql.ts";
import { controlsIn } from "../../../ledger/backfills.ts";
import type { BackfillState } from "../../../ledger/backfills-sql.ts";
import { formatMoment } from "../../../std/moment.ts";
import { whole } from "../../../std/number.ts";
import { delay } from "../../../std/time.ts";
import type { StepContext } from "../context.ts";
import type { Prepared } from "../prepared.ts";
import { type Turning, upToOf } from "./filling.ts";
import { backBy, doneBy, refuseLate } from "./late.ts";
import { inLedger } from "./ledger-waits.ts";
import { dropOpening } from "./opening.ts";

/** While it waits it asks so often, so that a word from another terminal works at once. */
const ASK_EVERY_MS = 500;
/** A rest of so long is told. Shorter ones come after every window of a slow backfill. */
const HELD_MS = 2_000;
/** So often the ledger is told what holds it, for whoever looks on. */
const WRITE_EVERY_MS = 10_000;

/**
 * Whether it may begin or go on at all: it is approved if it has to be, no pause holds, and the hour at which backfills
 * end has not come. A run that waited when it lost its connection waits on. Throws `PlanRefused` (`BACKFILL_APPROVAL`, `BACKFILL_PAUSED`) or `Interrupted`.
 */
export async function admit(
  context: StepContext,
  { step }: Prepared,
  backfill: Backfill,
  known: BackfillState | null,
): Promise<BackfillControls> {
  const { revision, file, checksum } = step;
  const controls = await wordsOn(context, step);
  const { approvedAt, approvedBy, pausedAt, pausedBy } = controls;
  if (known === null && isUnapproved(backfill, checksum, controls)) {
    const was =
      approvedAt === null ? "" : ` What ${approvedBy} approved at ${timeOf(approvedAt)} was another text.`;
    throw new PlanRefused([
      {
        code: "BACKFILL_APPROVAL",
        message: `${file} is a backfill that waits for a person's approval, and was not begun.${was}`,
        hint: `Approve it with \`godwit backfill approve ${revision}\`, then run again.`,
        place: { file },
        details: { revision, table: backfill.table },
      },
    ]);
  }
  refusePaused(context, step, {
    ...{ pausedAt, pausedBy, table: backfill.table },
    what: `${file} is a backfill`,
    happened: known === null ? "was not begun" : "does not go on",
  });
  const upTo = known?.position == null ? null : upToOf(known);
  refuseLate(context, step.revision, known === null ? null : { ...known, upTo });
  return controls;
}

/** What people have said of it before its first window. */
function wordsOn(context: StepContext, step: Prepared["step"]): Promise<BackfillControls> {
  const { backfills } = context.ledger;
  return inLedger({ context, prepared: { step } }, CONTROLS_TABLE, () =>
    backfills.controls(context.connection, step.revision),
  );
}

/** What is approved is a text. Once rows are done, it goes on without another word. */
function isUnapproved(
  { options }: Backfill,
  checksum: string,
  { approvedAt, approvedText }: BackfillControls,
): boolean {
  return options.approve && (approvedAt === null || approvedText !== checksum);
}

/** The word of a person without which `admit` would throw. `null`: none. */
export function awaited(
  { checksum }: Prepared["step"],
  { backfill, known }: { readonly backfill: Backfill; readonly known: BackfillState | null },
  controls: BackfillControls,
): "approve" | "resume" | null {
  if (known === null && isUnapproved(backfill, checksum, controls)) return "approve";
  return controls.pausedAt === null ? null : "resume";
}

/** The same of its way back, which waits for nobody's approval. */
export async function admitBack(
  context: StepContext,
  { step, migration }: Prepared,
  state: UndoState,
): Promise<BackfillControls> {
  const { revision } = step;
  const controls = await wordsOn(context, step);
  const { pausedAt, pausedBy } = controls;
  const table = migration?.backfill?.table ?? shownTable(state.table);
  refusePaused(context, step, {
    ...{ pausedAt, pausedBy, table },
    what: `${revision} is to be taken back, and is a backfill`,
    happened: state.position === null ? "its way back was not begun" : "its way back does not go on",
  });
  refuseLate(context, revision, backBy(state, table));
  return controls;
}

interface Paused extends Pick<BackfillControls, "pausedAt" | "pausedBy"> {
  readonly table: string;
  readonly what: string;
  readonly happened: string;
}

function timeOf(moment: string): string {
  return formatMoment(new Date(moment), new Date());
}

/** A run that has waited already waits on. So does the rollback of a failed run, after which nobody comes. */
function refusePaused(
  { cut, runAgain }: StepContext,
  { revision, file }: Prepared["step"],
  { pausedAt, pausedBy, table, what, happened }: Paused,
): void {
  if (pausedAt === null || cut?.revision === revision || runAgain !== undefined) return;
  throw new PlanRefused([
    {
      code: "BACKFILL_PAUSED",
      message: `${what} that ${pausedBy} paused at ${timeOf(pausedAt)}, and ${happened}.`,
      hint: `Resume it with \`godwit backfill resume ${revision}\`, then run again.`,
      place: { file },
      details: { revision, table, pausedAt, pausedBy },
    },
  ]);
}

/** Waits where a pause holds before the first window of a connection. What is known of the words may be old. */
export async function waitToBegin(filling: Turning): Promise<void> {
  if (filling.controls.pausedAt === null && filling.ranged === undefined) return;
  filling.controls = await ask(filling);
  if (filling.controls.pausedAt !== null)
    await waitForTurn(filling, { rows: 0, at: performance.now(), tookMs: 0 });
}

export interface LastWindow {
  readonly rows: number;
  /** When it began, on the clock of the process. */
  readonly at: number;
  readonly tookMs: number;
}

/**
 * Waits until the next window may begin, and returns whether a person had paused it. Throws `Interrupted` at the hour at
 * which backfills end.
 */
export async function waitForTurn(filling: Turning, last: LastWindow): Promise<boolean> {
  const { context, prepared, table } = filling;
  const { step } = prepared;
  let paused = false;
  let wasPaused = false;
  let isFirstLook = true;
  let writtenForMs = -WRITE_EVERY_MS;
  for (;;) {
    context.stop.throwIfAborted();
    if (filling.ranged?.isHalted() === true) return wasPaused;
    refuseLate(context, step.revision, doneBy(filling));
    const { pausedAt: at, pausedBy: by, rate } = filling.controls;
    if (at !== null && !paused)
      context.observe({ kind: "backfill-paused", step, table: table.shown, by, at });
    if (at === null && paused) context.observe({ kind: "backfill-resumed", step, table: table.shown });
    paused = at !== null;
    wasPaused ||= paused;
    const { throttle } = filling.sensor;
    const [byRateMs, byOthersMs] = [restMs(last, shareOf(filling)), othersMs(last, filling)];
    const leftMs = paused ? ASK_EVERY_MS : Math.max(byRateMs, byOthersMs);
    if (leftMs > 0 || throttle.slowedBy !== null)
      filling.slowedBy =
        byRateMs > byOthersMs && rate !== null ? `its rate of ${whole(rate)} rows/s` : throttle.slowedBy;
    else if (isFirstLook) filling.slowedBy = null;
    isFirstLook = false;
    if (leftMs <= 0) return wasPaused;
    await dropOpening(filling);
    const heldForMs = performance.now() - last.at - last.tookMs;
    const { slowedBy } = filling;
    if (!paused && heldForMs > HELD_MS && slowedBy !== null) {
      context.observe({ kind: "backfill-held", step, table: table.shown, slowedBy, heldForMs });
      if (heldForMs > writtenForMs + WRITE_EVERY_MS) {
        writtenForMs = heldForMs;
        const held = context.ledger.sql.backfillHeld(step.revision, slowedBy);
        await inLedger(filling, "migration_backfills", () => context.connection.execute(held));
      }
    }
    await delay(Math.min(ASK_EVERY_MS, leftMs), context.stop);
    if (paused || leftMs >= ASK_EVERY_MS) filling.controls = await ask(filling);
  }
}

/** How many rows a window may have, so that none takes more than a second of what it is allowed. */
export function allowedRows(rows: number, filling: Turning): number {
  const rate = shareOf(filling);
  return rate === null ? rows : Math.max(1, Math.min(rows, Math.floor(rate)));
}

/** Rows in a second that this worker may do. `null`: any number. */
function shareOf({ controls: { rate }, ranged }: Turning): number | null {
  return rate === null ? null : rate / (ranged?.workers ?? 1);
}

/** How long the next window waits, so that the last one and its pause keep the rate. */
function restMs({ rows, at }: LastWindow, rate: number | null): number {
  return rate === null ? 0 : (rows / rate) * 1000 - (performance.now() - at);
}

/** The same for the server's sake. At a pace of 0 nothing begins before that has changed. */
function othersMs({ at, tookMs }: LastWindow, { sensor: { throttle }, ranged }: Turning): number {
  return restAfter(tookMs, throttle, ranged?.workers) - (performance.now() - at - tookMs);
}

async function ask(filling: Turning): Promise<BackfillControls> {
  const { context, prepared, controls } = filling;
  const { connection, ledger } = context;
  const asked = ledger.sql.controls(prepared.step.revision);
  return controlsIn(await inLedger(filling, CONTROLS_TABLE, () => connection.execute(asked))) ?? controls;
}
