/** What a run has done so far, over all of its connections to the database. */
import type { Problem } from "../errors.ts";
import type { ScanResult } from "./scan.ts";

/** What one run has done so far. It survives a lost connection to the database. */
export interface Progress {
  scan: ScanResult | null;
  stored: number;
  moved: number;
  restored: number;
  bytesRead: number;
  resumed: boolean;
  readonly warnings: Map<string, Problem>;
}

export function noProgress(): Progress {
  return { scan: null, stored: 0, moved: 0, restored: 0, bytesRead: 0, resumed: false, warnings: new Map() };
}
