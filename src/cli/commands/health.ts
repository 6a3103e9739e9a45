/** `godwit health` */
import { askHealth } from "../../service/health/ask.ts";
import type { Answer, Invocation } from "../command.ts";

export async function run(invocation: Invocation): Promise<Answer> {
  const { flags } = invocation;
  const { values, provenances } = await invocation.config();
  const { statusFile, healthPort, healthHost, healthToken } = values;
  // Of a port and a file the one counts that was typed.
  const typesFile = provenances.statusFile.kind === "flag" && provenances.healthPort.kind !== "flag";
  const { ok, health } = await askHealth({
    statusFile,
    port: typesFile ? null : healthPort,
    host: healthHost,
    token: healthToken?.reveal() ?? null,
    question: flags.live === true ? "live" : flags.ready === true ? "ready" : "healthy",
    signal: invocation.signal,
  });
  return { json: { health }, text: textOf(health), result: true, exitCode: ok ? 0 : 1 };
}

interface Migrations {
  readonly status?: string;
  readonly lastChecked?: string | null;
  readonly waitingFor?: {
    readonly kind: string;
    readonly pid: number | null;
    readonly command: string | null;
  } | null;
}

function textOf(health: Readonly<Record<string, unknown>>): string {
  if (health.migrations === undefined) return String(health.status);
  const { status, lastChecked, waitingFor } = health.migrations as Migrations;
  const seen = lastChecked == null ? "" : ` (${lastChecked})`;
  const waits =
    waitingFor == null
      ? []
      : [
          `  waiting for ${waitingFor.pid === null ? `the ${waitingFor.kind}` : `process ${waitingFor.pid}`}`,
          ...(waitingFor.command === null ? [] : [`  → to end it: ${waitingFor.command}`]),
        ];
  return [`${String(health.status)}: migrations ${status ?? "unknown"}${seen}`, ...waits].join("\n");
}
