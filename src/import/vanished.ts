/**
 * Marks what a completed scan no longer found. If all images of an import are gone, or most of them, that is rarely meant: a
 * share is not mounted, or a folder above them was renamed. Then nothing is marked until somebody confirms it.
 */
import type { Connection } from "../database/connection.ts";
import type { Gone, Scans } from "../images/scans.ts";
import { createExclusion } from "./exclude.ts";
import { filesGone, nothingFound } from "./problems.ts";
import type { ScanResult } from "./scan.ts";
import type { ImportSettings } from "./settings.ts";

/** Fewer than this may go at once, unless they are all. */
const MANY_GONE = 20;
const FILES_PER_PAGE = 10_000;

export interface Scanned {
  readonly scans: Scans;
  readonly scan: string;
  readonly result: ScanResult;
  /** Whether the scan was begun by an earlier run, which has seen files too. */
  readonly resumed: boolean;
}

/**
 * Run it in the transaction that completes the scan. Throws `ImportFailed`: `IMPORT_FILES_GONE`, and `ORIGIN_BASE_EMPTY` or
 * `IMPORT_LINKS_OUTSIDE` if there is nothing to import.
 */
export async function markVanished(
  connection: Connection,
  settings: ImportSettings,
  { scans, scan, result, resumed }: Scanned,
): Promise<void> {
  const exclusion = createExclusion(settings.exclude);
  for (let after = "0"; ; ) {
    const page = await scans.unseen(connection, scan, { after, limit: FILES_PER_PAGE });
    const last = page.at(-1);
    if (last === undefined) break;
    const excluded = page.filter(({ path }) => exclusion.excludes(path));
    await scans.mark(
      connection,
      excluded.map(({ id }) => id),
      "excluded",
    );
    after = last.id;
  }
  const gone = await scans.gone(connection, scan);
  const isKept = gone.known > 0 && result.links.length + result.nowhere.length > 0;
  const isEmpty = result.counts.files === 0 && result.unreadable.length === 0 && !resumed;
  // Somebody has confirmed that the images are gone, so an empty folder is what is expected.
  const isConfirmed = gone.known === 0 && gone.missing > 0;
  if (isEmpty && gone.gone === 0 && !isKept && !isConfirmed) throw nothingFound(settings, result);
  if (settings.allowMissing !== true && isMass(gone)) throw filesGone(settings, gone, result);
  await scans.markUnseen(connection, scan);
}

function isMass({ known, gone }: Gone): boolean {
  return gone > 0 && (gone === known || (gone >= MANY_GONE && gone * 2 > known));
}
