/** Health from inside an app. What it knows comes from runs of this process, else from the status file of `godwit run`. */
import { type Check, checkGiven, TEXTS } from "../../config/given.ts";
import { problemsOf } from "../../errors.ts";
import type { RunEvent } from "../../run/report/events.ts";
import { aboutOf } from "./about.ts";
import { createHandler, type HealthHandler } from "./handler.ts";
import type { HealthSnapshot } from "./snapshot.ts";
import { createHealthState } from "./state.ts";
import { readStatusFile, type StatusDocument } from "./status-file.ts";

export interface HealthOptions {
  /** Default: `GODWIT_STATUS_FILE`, the variable that also tells `godwit run` where to write it. */
  readonly statusFile?: string | undefined;
  /** Default: `OTEL_SERVICE_NAME`, else the name in `package.json`. */
  readonly service?: string | undefined;
  /** Default: what the status file says, because some servers (Next.js) set `NODE_ENV` themselves. Without one: `NODE_ENV`. */
  readonly environment?: string | undefined;
  /** Default: the version in `package.json`. */
  readonly version?: string | undefined;
  /** The bearer token that everything but `/livez` then requires. */
  readonly token?: string | undefined;
  /** Names that a request may have as its `Host`, besides addresses and localhost. Default: any, because that is the app's affair. */
  readonly names?: readonly string[] | undefined;
}

/**
 * Answers `/api/health`, `/livez`, `/readyz` and `/metrics`, also below a prefix. Its functions need no `this`.
 *
 * ```ts
 * export const GET = createHealth().fetch; // app/api/health/route.ts of Next.js
 * app.use(createHealth().node); // Express
 * ```
 */
export interface Health extends HealthHandler {
  /** For `createMigrator({ observe })` and `createFleet({ observe })`. */
  readonly observe: (event: RunEvent) => void;
  /** Runs migrations of this process: `await health.during(() => migrator.up())`. Settles like them. */
  readonly during: <T>(run: () => Promise<T>) => Promise<T>;
  readonly snapshot: () => HealthSnapshot;
}

/** Throws `ConfigError` for options that it does not know. */
export function createHealth(options: HealthOptions = {}): Health {
  checkGiven(options, { name: "createHealth", keys: KEYS });
  const { environment, service, version, token, names } = options;
  const statusFile = options.statusFile ?? process.env.GODWIT_STATUS_FILE;
  const state = createHealthState();
  const isOwn = () => state.snapshot().lastChecked !== null;
  const told = () => (isOwn() || !statusFile ? null : fromFile(statusFile));
  const snapshot = () => told()?.snapshot ?? state.snapshot();
  const own = aboutOf({
    root: process.cwd(),
    environment: { ...process.env, NODE_ENV: environment ?? process.env.NODE_ENV },
    ...{ service, version },
  });
  const handler = createHandler({
    snapshot,
    get about() {
      // Another version may have written the file.
      const named: unknown = told()?.environment;
      return typeof named === "string" && environment === undefined ? { ...own, environment: named } : own;
    },
    access: { token: token ?? null, names: names ?? null },
    now: () => new Date(),
  });
  return {
    ...handler,
    snapshot,
    observe: (event) => state.observe(event),
    async during(run) {
      state.begin();
      try {
        const result = await run();
        state.end({ ok: true, problems: [] });
        return result;
      } catch (error) {
        state.end({ ok: false, problems: problemsOf(error) });
        throw error;
      }
    },
  };
}

/** An empty token would let everybody in. */
const WORDS: Check = {
  expected: "text that is not empty",
  is: (value) => typeof value === "string" && value.trim() !== "",
};

const KEYS = {
  ...{ statusFile: WORDS, service: WORDS, environment: WORDS, version: WORDS, token: WORDS },
  names: TEXTS,
};

/** That nobody has written it yet is no failure of the app. */
function fromFile(file: string): StatusDocument | null {
  try {
    return readStatusFile(file);
  } catch {
    return null;
  }
}
