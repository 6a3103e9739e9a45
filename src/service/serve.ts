/** What `godwit serve` does: it looks at the databases of a configuration, and answers for what it saw. */
import { type Assembled, assemble, createContext } from "../assemble/assemble.ts";
import { assembleImports } from "../assemble/imports.ts";
import { migrateOptions } from "../assemble/options.ts";
import { findSchemas } from "../assemble/schemas.ts";
import type { Config } from "../config/config.ts";
import type { RunContext } from "../run/session/target.ts";
import { lookAt, together } from "./health/look.ts";
import { openHealth } from "./health/open.ts";
import type { HealthServer } from "./health/server.ts";
import { createHealthState, type DatabaseState } from "./health/state.ts";
import { watch } from "./health/watch.ts";

export interface ServeOptions {
  /** Of all targets together. */
  readonly config: Config;
  /** One for each database. */
  readonly configs: readonly Config[];
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
  readonly onListening: (server: HealthServer) => void;
  readonly onFailure: (error: unknown) => void;
}

const SERVE_PORT = 9187;
/** How long one look may take before it counts as having learnt nothing. */
const LOOK_MS = 30_000;

/** Resolves when the signal aborts. Throws `ConfigError` where it cannot listen. */
export async function serve(options: ServeOptions): Promise<void> {
  const { config, configs, signal, onListening, onFailure } = options;
  const { values } = config;
  const state = createHealthState();
  const opened: Opened = new Map();
  const seen = new Map<Config, DatabaseState>();
  /** Each by itself: one that does not answer hides nothing of the others. */
  const watchOne = (each: Config) =>
    watch(
      {
        found(look) {
          seen.set(each, look);
          if (seen.size === configs.length) state.found(together([...seen.values()]));
        },
      },
      {
        look: (ends) => lookAtConfig(each, { ...options, signal: ends, opened }),
        ...{ everyMs: values.checkInterval, patienceMs: LOOK_MS, signal, onFailure },
      },
    );
  try {
    // A configuration that can't work is an error now, and not a service that never knows anything.
    for (const each of configs)
      if (each.target?.schemas == null) opened.set(each, await assemble(each, options));
    await using health = await openHealth(state, config, { defaultPort: SERVE_PORT, onFailure });
    if (health.server !== null) onListening(health.server);
    await Promise.all(configs.map(watchOne));
  } finally {
    await Promise.allSettled([...opened.values()].map((each) => each.close()));
  }
}

/** From one look to the next: an embedded server is not stopped in between. */
type Opened = Map<Config, Assembled>;

interface LookOptions {
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
  readonly opened: Opened;
}

async function lookAtConfig(config: Config, { signal, say, opened }: LookOptions): Promise<DatabaseState> {
  const context = createContext(config, { observe: () => {}, signal });
  const assembled = opened.get(config);
  if (assembled === undefined) {
    const { configs } = await findSchemas(config, { context, say, create: false });
    const found: DatabaseState[] = [];
    for (const each of configs) {
      await using assembled = await assemble(each, { say, signal });
      found.push(await lookAtTarget(each, assembled, context));
    }
    return together(found);
  }
  return lookAtTarget(config, assembled, context);
}

async function lookAtTarget(
  config: Config,
  { target }: Assembled,
  context: RunContext,
): Promise<DatabaseState> {
  const wanted = { ...migrateOptions(config, "up", "heads"), imports: () => assembleImports(config) };
  return lookAt(target, wanted, context);
}
