/** `godwit run -- <app>` */
import { fileURLToPath } from "node:url";
import type { Config } from "../../config/config.ts";
import { flagName, OPTIONS, type Option } from "../../config/options.ts";
import { ConfigError, type Problem, problemsOf } from "../../errors.ts";
import { type OpenHealth, openHealth, openStatusFile } from "../../service/health/open.ts";
import { createHealthState, type HealthState } from "../../service/health/state.ts";
import type { Beside } from "../../service/supervise/app.ts";
import { whyNotBesideApp } from "../../service/supervise/conditions.ts";
import { withoutInit } from "../../service/supervise/init.ts";
import { type Migrations, supervise } from "../../service/supervise/supervise.ts";
import { delayOf } from "../../std/delays.ts";
import type { Answer, Invocation } from "../command.ts";

/** Beside an app there is a limit, also where none is set. */
const TIMEOUT_MS = 300_000;
const MEGABYTE = 1024 * 1024;

export async function run(invocation: Invocation): Promise<Answer> {
  if (invocation.json)
    throw new ConfigError({
      code: "CONFIG_INVALID",
      message: "godwit run has no --json: standard output is the app's.",
      hint: "For log lines as JSON, on standard error, use --log-format json.",
      details: { from: "flag" },
    });
  const { app, flags, takeSignals, log } = invocation;
  const beside = takeBeside();
  const problem = withoutInit(process.pid);
  if (problem !== null) log().problem("warn", problem);
  // The app is started before the configuration is read.
  let graceMs = 0;
  let health: OpenHealth | null = null;
  let webhooks: Config | null = null;
  const stop = new AbortController();
  const state = createHealthState();
  const migrations = async () => {
    const config = await invocation.config().catch((error: unknown) => {
      health = withoutConfig(state, invocation);
      throw error;
    });
    graceMs = config.values.appGrace;
    health = await answerFor(state, config, invocation);
    if (config.webhooks.length > 0) webhooks = config;
    return migrationsOf(config, invocation);
  };
  try {
    const exitCode = await supervise({
      app,
      beside,
      stays: () => graceMs > 0 || (health as OpenHealth | null)?.server != null,
      wait: flags.wait === true,
      appGraceMs: () => graceMs,
      migrations,
      voice: {
        write: (level, message, fields) => log().write(level, message, fields),
        problem: (level, each) => log().problem(level, each),
      },
      witness: {
        begin: () => state.begin(),
        observe: (event) => state.observe(event),
        end(result) {
          state.end(result);
          if (webhooks === null) return;
          return tellWebhooks(webhooks, result.problems, { log, signal: stop.signal });
        },
      },
      stop,
      takeSignals,
    });
    return { json: {}, text: "", result: false, exitCode };
  } catch (error) {
    const exitCode = error instanceof ConfigError ? error.details?.exitCode : undefined;
    if (!(error instanceof ConfigError) || typeof exitCode !== "number") throw error;
    log().problem("error", error.toProblem());
    return { json: {}, text: "", result: false, exitCode };
  } finally {
    await (health as OpenHealth | null)?.close();
  }
}

/** The app that `bin/godwit-run` has started. What we start is not to find it. */
function takeBeside(): Beside | undefined {
  const [, app, launcher] = /^(\d+) (\d+)$/.exec(process.env.GODWIT_BESIDE ?? "") ?? [];
  delete process.env.GODWIT_BESIDE;
  return app === undefined ? undefined : { appPid: Number(app), launcherPid: Number(launcher) };
}

/** Whoever reads the status file learns of a broken configuration. Where the port is, only the configuration says. */
function withoutConfig(state: HealthState, { flags, log }: Invocation): OpenHealth | null {
  const file = flags.statusFile ?? process.env.GODWIT_STATUS_FILE;
  if (typeof file !== "string" || file === "") return null;
  const onFailure = (error: unknown) => {
    for (const problem of problemsOf(error)) log().problem("error", problem);
  };
  try {
    return openStatusFile(state, { file, root: process.cwd(), environment: process.env, onFailure });
  } catch (error) {
    onFailure(error);
    return null;
  }
}

/** That nobody can be answered is said, and keeps neither the app nor the migrations from running. */
async function answerFor(
  state: HealthState,
  config: Config,
  { log, say }: Invocation,
): Promise<OpenHealth | null> {
  const onFailure = (error: unknown) => {
    for (const problem of problemsOf(error)) log().problem("error", problem);
  };
  try {
    const health = await openHealth(state, config, { defaultPort: null, onFailure });
    if (health.server !== null) say(`health is answered on ${health.server.url}`);
    return health;
  } catch (error) {
    onFailure(error);
    return null;
  }
}

/** Of what the process of the migrations could not tell itself. */
async function tellWebhooks(
  config: Config,
  problems: readonly Problem[],
  { log, signal }: Pick<Invocation, "log" | "signal">,
): Promise<void> {
  const { isOfKilled, tellOfKilled } = await import("../../service/webhooks/killed.ts");
  const killed = problems.filter(isOfKilled);
  if (killed.length === 0) return;
  try {
    const problem = await tellOfKilled(config, { problems: killed, signal });
    if (problem !== null) log().problem("warn", problem);
  } catch (error) {
    for (const problem of problemsOf(error)) log().problem("warn", problem);
  }
}

function migrationsOf(config: Config, { flags, instanceId }: Invocation): Migrations {
  const { values, provenances, environment } = config;
  const skipped = whyNotBesideApp(values, environment.NODE_ENV);
  if (skipped !== null) return { skipped };
  const timeoutMs = provenances.timeout.kind === "default" ? TIMEOUT_MS : values.timeout;
  // To reach the database again is what a retry is for, and the same variables say how often.
  const connects = provenances.connectAttempts;
  const once =
    connects.kind === "default" || (connects.kind === "variable" && /^MIGRATION_/.test(connects.name));
  return {
    command: (targets) => [
      process.execPath,
      // The built program is beside the file that starts it.
      fileURLToPath(new URL("./godwit.cjs", import.meta.url)),
      "up",
      ...OPTIONS.filter(({ forRun, forService }) => forRun !== true && forService !== true).flatMap(
        (option) =>
          typedAgain(option, option.key === "target" ? (targets ?? flags.target) : flags[option.key]),
      ),
      ...(timeoutMs === 0 ? [] : [`--timeout=${timeoutMs}ms`]),
      ...(once ? ["--connect-attempts=1"] : []),
    ],
    environment,
    instanceId,
    timeoutMs,
    maxMemoryBytes: values.maxMemoryMb * MEGABYTE,
    retries: values.retryCount,
    delayMs: (retry) => delayOf(values.retryDelay, retry),
  };
}

/** What was typed for us and is meant for the migrations. */
function typedAgain(option: Option, value: unknown): readonly string[] {
  const name = flagName(option);
  if (name === null || value === undefined || value === false || option.key === "timeout") return [];
  if (value === true) return [`--${name}`];
  return [value].flat().map((each) => `--${name}=${each}`);
}
