/** The progress of a backfill: on a terminal one line that is rewritten, elsewhere a line every few seconds. */
import type { RunEvent } from "../../run/report/events.ts";
import { formatDuration } from "../../std/time.ts";
import type { Log } from "./log.ts";

const REPORT_EVERY_MS = 5_000;

type Progress = RunEvent & { readonly kind: "backfill-progress" };

export function createBackfillProgress(log: Log): (event: Progress) => void {
  let revision = "";
  let reportedAt = 0;
  return (event) => {
    if (revision !== event.step.revision) {
      revision = event.step.revision;
      reportedAt = performance.now();
    }
    const line = `${revision}: ${progressLine(event)}`;
    log.live(line);
    const now = performance.now();
    if (now - reportedAt < REPORT_EVERY_MS) return;
    reportedAt = now;
    const { rows, changed, windows, windowRows, rowsPerSecond, share, leftMs } = event;
    const figures = { rows, changed, windows, windowRows, rowsPerSecond, share, leftMs };
    log.write("info", line, { filename: event.step.file, unlessLive: true, figures });
  };
}

/** `63 %, 630,000 rows of shop.products, 84,000 rows/s, 4.4 s left, windows of 42,000` */
function progressLine({ share, rows, table, rowsPerSecond, leftMs, windowRows }: Progress): string {
  return [
    // The share comes from an estimate, and the end is reached only when it is said.
    ...(share === null ? [] : [`${Math.min(99, Math.floor(share * 100))} %`]),
    `${number(rows)} rows of ${table}`,
    `${number(rowsPerSecond)} rows/s`,
    ...(leftMs === null ? [] : [`${formatDuration(leftMs)} left`]),
    `windows of ${number(windowRows)}`,
  ].join(", ");
}

function number(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}
