/**
 * The progress of an import. On a terminal it is a live view with a line for each worker, elsewhere a line every few
 * seconds.
 */
import type { ImportEvent } from "../../import/events.ts";
import type { Figures } from "../../import/figures.ts";
import { whole } from "../../std/number.ts";
import { formatSize } from "../../std/size.ts";
import { formatDuration } from "../../std/time.ts";
import { visible } from "../../std/visible.ts";
import type { Log } from "./log.ts";

const REPORT_EVERY_MS = 5_000;
/** How many broken files are named during the import. Its report and the ledger have all of them. */
const TROUBLES_SHOWN = 10;

export function createImportProgress(log: Log): (event: ImportEvent) => void {
  let reportedAt = performance.now();
  let troubles = 0;

  const onProgress = (name: string, figures: Figures) => {
    log.live([`${name}: ${progressLine(figures)}`, ...figures.workers.map(workerLine)].join("\n"));
    const now = performance.now();
    if (now - reportedAt < REPORT_EVERY_MS) return;
    reportedAt = now;
    log.write("info", `${name}: ${progressLine(figures)}`, { unlessLive: true, figures });
  };

  return (event) => {
    switch (event.kind) {
      case "import-started":
        reportedAt = performance.now();
        troubles = 0;
        log.write(
          "info",
          `import ${event.import} from ${event.origin}${event.resumed ? ", continuing the interrupted scan" : ""}`,
        );
        return;
      case "import-skipped":
        log.problem("warn", event.problem);
        return;
      case "import-progress":
        onProgress(event.import, event.figures);
        return;
      case "import-batch-done": {
        const { batch, batches, files, bytes, failed, durationMs } = event;
        const what = `${whole(files)} files, ${formatSize(bytes)}${failed > 0 ? `, ${whole(failed)} failed` : ""}`;
        log.done(`batch ${batch} of ${batches}: ${what}`, formatDuration(durationMs), {
          duration: durationMs,
        });
        return;
      }
      case "import-trouble": {
        const { path, code, reason } = event.trouble;
        troubles++;
        if (troubles <= TROUBLES_SHOWN)
          log.write("warn", `${visible(path)}: ${visible(reason)}`, { code, filename: path });
        if (troubles === TROUBLES_SHOWN + 1)
          log.write("warn", "more files have no row; the summary says how many");
        return;
      }
      case "import-warning":
        log.problem("warn", event.problem);
        return;
      case "import-notice":
        log.write("info", event.message);
        return;
      case "import-finished":
        log.live("");
        return;
    }
  };
}

/** `63 %, 1,234 of 2,000 files, 312 MB of 500 MB, 37 files/s, 67 MB/s, 12 s left, batch 2 of 5, 3 failed` */
export function progressLine(figures: Figures): string {
  const { stage, seen, files, bytes, filesPerSecond, bytesPerSecond, remainingMs, batches, failed } = figures;
  if (stage === "scanning")
    return `scanning, ${whole(seen.folders)} folders, ${whole(seen.files)} files, ${formatSize(seen.bytes)}`;
  const share = bytes.total > 0 ? bytes.done / bytes.total : files.done / Math.max(1, files.total);
  return [
    `${Math.floor(share * 100)} %`,
    `${whole(files.done)} of ${whole(files.total)} files`,
    `${formatSize(bytes.done)} of ${formatSize(bytes.total)}`,
    `${filesPerSecond.toFixed(filesPerSecond < 10 ? 1 : 0)} files/s`,
    `${formatSize(bytesPerSecond)}/s`,
    ...(remainingMs === null ? [] : [`${formatDuration(remainingMs)} left`]),
    `batch ${batches.running.join(", ") || batches.done} of ${batches.total}`,
    ...(failed > 0 ? [`${whole(failed)} failed`] : []),
  ].join(", ");
}

export function workerLine({ number, paths }: Figures["workers"][number]): string {
  const more = paths.length > 1 ? ` and ${paths.length - 1} more` : "";
  return `  worker ${number}: ${visible(paths[0] ?? "idle")}${more}`;
}
