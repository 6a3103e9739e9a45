/** Opens what a configuration asks for: the port, the status file, both or neither. */
import type { Config } from "../../config/config.ts";
import { aboutOf } from "./about.ts";
import { type HealthServer, startHealthServer } from "./server.ts";
import type { HealthState } from "./state.ts";
import { keepStatusFile, type StatusFile } from "./status-file.ts";

export interface OpenHealth extends AsyncDisposable {
  /** `null`: no port was asked for. */
  readonly server: HealthServer | null;
  /** Writes the last state, and ends open connections. Safe to call twice. */
  close(): Promise<void>;
}

export interface OpenHealthOptions {
  /** Where the configuration names no port. `null`: then there is none. */
  readonly defaultPort: number | null;
  /** The status file can't be written any more; told once. */
  readonly onFailure: (error: unknown) => void;
}

/**
 * The status file alone, for a configuration that can't be read: what an earlier start has left in it is not true any more.
 * Throws `ConfigError` where it can't be written.
 */
export function openStatusFile(
  state: Pick<HealthState, "snapshot" | "onChange">,
  { file, onFailure, ...about }: StatusFileAlone,
): OpenHealth {
  const kept = keepStatusFile(state, { file, about: aboutOf(about), onFailure });
  const close = async () => kept.close();
  return { server: null, close, [Symbol.asyncDispose]: close };
}

interface StatusFileAlone extends Pick<OpenHealthOptions, "onFailure"> {
  readonly file: string;
  readonly root: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Throws `ConfigError` where it can't listen, or can't write the file. Nothing is left open then. */
export async function openHealth(
  state: Pick<HealthState, "snapshot" | "onChange">,
  { values, environment, root }: Config,
  { defaultPort, onFailure }: OpenHealthOptions,
): Promise<OpenHealth> {
  const about = aboutOf({ root, environment, service: values.service });
  const port = values.healthPort ?? defaultPort;
  const server =
    port === null
      ? null
      : await startHealthServer(state, {
          ...{ port, about, host: values.healthHost, names: values.healthName },
          token: values.healthToken?.reveal() ?? null,
        });
  let file: StatusFile | null = null;
  try {
    if (values.statusFile !== null)
      file = keepStatusFile(state, { file: values.statusFile, about, onFailure });
  } catch (error) {
    await server?.close();
    throw error;
  }
  const end = async () => {
    file?.close();
    await server?.close();
  };
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= end();
    return closing;
  };
  return { server, close, [Symbol.asyncDispose]: close };
}
