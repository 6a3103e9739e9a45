/** Somebody who is told about one run of `up` or `down`. */
import type { Problem } from "../errors.ts";
import type { Observe } from "../run/report/events.ts";
import type { Report } from "../run/report/report.ts";

/** Each of its promises resolves within some seconds, with what there is to warn of. */
export interface RunTeller {
  readonly observe: Observe;
  readonly completed: (report: Report) => Promise<Problem | null>;
  /** `report`: what was done, where that is known. */
  readonly failed: (error: unknown, report: Report | null) => Promise<Problem | null>;
}
