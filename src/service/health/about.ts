/** Who answers: the service whose database is migrated. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

export interface About {
  readonly service: string;
  readonly environment: string;
  readonly version: string;
  /** When this process began, in milliseconds. */
  readonly startedAtMs: number;
}

export interface AboutOptions {
  /** The folder that may have a `package.json`. */
  readonly root: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Overrides what the package says. */
  readonly service?: string | null | undefined;
  readonly version?: string | null | undefined;
}

/** What is given counts, then what the environment says, then the project's own `package.json`. */
export function aboutOf({ root, environment, service, version }: AboutOptions): About {
  const own = packageIn(root);
  return {
    service: service || environment.OTEL_SERVICE_NAME || own.name || "godwit",
    environment: environment.NODE_ENV || "unknown",
    version: version || own.version || "unknown",
    startedAtMs: Date.now() - process.uptime() * 1000,
  };
}

/** A project may have none, or one that nothing can be read from; health has to answer all the same. */
function packageIn(root: string): { readonly name?: string; readonly version?: string } {
  try {
    const read: unknown = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    const { name, version } = (read ?? {}) as Record<string, unknown>;
    return {
      ...(typeof name === "string" ? { name } : {}),
      ...(typeof version === "string" ? { version } : {}),
    };
  } catch {
    return {};
  }
}
