/**
 * The progress of a backfill. On a terminal it is a live view, with a line for each worker where there are several.
 * Elsewhere it is a line at growing distances.
 */
import type { RunEvent } from "../../run/report/events.ts";
import { rowsOf, whole } from "../../std/number.ts";
import { formatDuration } from "../../std/time.ts";
import type { Log } from "./log.ts";

const FIRST_MS = 5_000;
/** A backfill of a night is a hundred lines. */
const MOST_MS = 300_000;
/** A worker that has told nothing for so long may have nothing left to do. */
const STILL_MS = 5_000;

type BackfillEvent = Extract<RunEvent, { readonly kind: `backfill-${string}` }>;
type WindowEvent = RunEvent & { readonly kind: "backfill-progress" };
type Elsewhere = RunEvent & { readonly kind: "waiting-for-backfill" };

export function createBackfillProgress(log: Log): (event: BackfillEvent | Elsewhere) => void {
  let revision = "";
  let reportedAt = 0;
  let everyMs = FIRST_MS;
  /** The last window of each worker, and when it was told. */
  const workers = new Map<number, { readonly event: WindowEvent; readonly at: number }>();
  /** Whether it is time for a line. Each comes later behind the one before. */
  const isTime = () => {
    const now = performance.now();
    if (now - reportedAt < everyMs) return false;
    reportedAt = now;
    everyMs = Math.min(MOST_MS, everyMs * 1.5);
    return true;
  };
  const onProgress = (event: WindowEvent) => {
    if (revision !== event.step.revision) {
      revision = event.step.revision;
      reportedAt = performance.now();
      everyMs = FIRST_MS;
      workers.clear();
    }
    const now = performance.now();
    if (event.worker !== null) workers.set(event.worker, { event, at: now });
    const together = `${revision}: ${progressLine(event)}`;
    const line = [together, ...windowParts(event)].join(", ");
    log.live(event.worker === null ? line : [together, ...workerLines(workers, now)].join("\n"));
    if (!isTime()) return;
    const { rows, changed, windows, windowRows, rowsPerSecond, share, leftMs, slowedBy } = event;
    const figures = { rows, changed, windows, windowRows, rowsPerSecond, share, leftMs, slowedBy };
    log.write("info", line, { filename: event.step.file, unlessLive: true, figures });
  };
  const onHeld = ({ step, slowedBy, heldForMs }: RunEvent & { readonly kind: "backfill-held" }) => {
    const line = `${step.revision}: held for ${formatDuration(heldForMs)} by ${slowedBy}`;
    log.live(line);
    if (!isTime()) return;
    log.write("info", line, { filename: step.file, unlessLive: true, figures: { slowedBy, heldForMs } });
  };
  const onElsewhere = ({ revision: awaited, by, rows, share, waitedMs }: Elsewhere) => {
    if (revision !== awaited) {
      revision = awaited;
      reportedAt = Number.NEGATIVE_INFINITY;
      everyMs = FIRST_MS;
    }
    const far = [...shareOf(share), rowsOf(rows)].join(", ");
    const line = `waiting for ${awaited}, which ${by} is carrying out: ${far}`;
    log.live(line);
    if (!isTime()) return;
    log.write("info", line, { unlessLive: true, figures: { rows, share, waitedMs } });
  };
  return (event) => {
    if (event.kind === "waiting-for-backfill") return onElsewhere(event);
    const { step } = event;
    switch (event.kind) {
      case "backfill-progress":
        onProgress(event);
        return;
      case "backfill-paused": {
        const who = event.by === null ? "" : ` by ${event.by}`;
        log.write("info", `${step.revision} is paused${who}; it holds no transaction while it waits`, {
          filename: step.file,
          hint: `\`godwit backfill resume ${step.revision}\``,
        });
        log.live(`${step.revision}: paused${who}`);
        return;
      }
      case "backfill-beside":
        log.write("info", `${step.revision} begins; other runs may migrate beside it`, {
          filename: step.file,
        });
        return;
      case "backfill-unseen":
        log.write("info", `${step.revision} cannot make way for everything: ${event.what}`, {
          filename: step.file,
        });
        return;
      case "backfill-held":
        onHeld(event);
        return;
      case "backfill-resumed":
        log.write("info", `${step.revision} goes on`, { filename: step.file });
    }
  };
}

/** `63 %, 630,000 rows of shop.products, 84,000 rows/s, 4.4 s left` */
function progressLine({ step, share, rows, table, rowsPerSecond, leftMs }: WindowEvent): string {
  return [
    ...shareOf(share),
    `${rowsOf(rows)} of ${table}${step.direction === "down" ? " taken back" : ""}`,
    `${whole(rowsPerSecond)} rows/s`,
    ...(leftMs === null ? [] : [`${formatDuration(leftMs)} left`]),
  ].join(", ");
}

/** The share comes from an estimate, and the end is reached only when it is said. */
function shareOf(share: number | null): readonly string[] {
  return share === null ? [] : [`${Math.min(99, Math.floor(share * 100))} %`];
}

/** `  worker 1: up to 630000, windows of 42,000` */
function workerLines(
  workers: ReadonlyMap<number, { readonly event: WindowEvent; readonly at: number }>,
  now: number,
): readonly string[] {
  return [...workers]
    .sort(([one], [other]) => one - other)
    .map(([worker, { event, at }]) => {
      const still = now - at < STILL_MS ? [] : [`last window ${formatDuration(now - at)} ago`];
      const parts = [`up to ${event.position.join(", ")}`, ...windowParts(event), ...still];
      return `  worker ${worker}: ${parts.join(", ")}`;
    });
}

/** What holds it up comes first, because a narrow terminal cuts the end of a line. */
function windowParts({ windowRows, slowedBy }: WindowEvent): readonly string[] {
  return [...(slowedBy === null ? [] : [`slowed by ${slowedBy}`]), `windows of ${whole(windowRows)}`];
}
