/** Asks a service of ours how it is, over HTTP or by its status file. */
import { request } from "node:http";
import { ConfigError } from "../../errors.ts";
import { readStatusFile } from "./status-file.ts";

export interface AskOptions {
  readonly statusFile: string | null;
  readonly port: number | null;
  readonly host: string;
  readonly token: string | null;
  readonly question: Question;
  readonly signal: AbortSignal;
}

/** `healthy`: has nothing failed? `ready`: is everything required applied? `live`: is the service there at all? */
export type Question = "healthy" | "ready" | "live";

const PATHS = { healthy: "/api/health", ready: "/readyz", live: "/livez" } as const;

export interface ServiceAnswer {
  readonly ok: boolean;
  /** What was answered. */
  readonly health: Readonly<Record<string, unknown>>;
}

/** An answer is a line or two; whoever sends more is not ours. */
const MOST_BYTES = 1_000_000;
const ANSWER_MS = 5_000;

/** Throws `ConfigError` where nobody answers. The port comes first, because a service that answers is alive. */
export async function askHealth(options: AskOptions): Promise<ServiceAnswer> {
  const { port, statusFile, question } = options;
  if (port !== null && port !== 0) return askPort({ ...options, port });
  if (statusFile !== null) {
    const { snapshot, alive, process: _, ...health } = readStatusFile(statusFile);
    const answers = { healthy: health.status === "ok", ready: snapshot.ready, live: alive };
    return { ok: answers[question], health };
  }
  throw new ConfigError({
    code: "HEALTH_UNKNOWN",
    message: "Nothing says where to ask: there is neither a port nor a status file.",
    hint: "Set GODWIT_HEALTH_PORT or GODWIT_STATUS_FILE, for the service and for `godwit health` alike; or write --health-port or --status-file.",
    details: { from: "flag" },
  });
}

async function askPort(options: AskOptions & { readonly port: number }): Promise<ServiceAnswer> {
  const { host, port, question } = options;
  // What listens on every address listens on this one too.
  const reached = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
  try {
    const { status, body } = await fetched({ ...options, host: reached, path: PATHS[question] });
    const health: unknown = JSON.parse(body);
    if (typeof health !== "object" || health === null || !("status" in health || "error" in health))
      throw new Error("the answer is none of Godwit's");
    if (status !== 200 && status !== 503) {
      const { error } = health as { error?: unknown };
      throw new Error(`HTTP ${status}${typeof error === "string" ? `, ${error}` : ""}`);
    }
    return { ok: status === 200, health: health as ServiceAnswer["health"] };
  } catch (error) {
    options.signal.throwIfAborted();
    const { code, message } = error as NodeJS.ErrnoException;
    const reason =
      error instanceof SyntaxError ? "the answer is no JSON" : (code ?? message).replace(/\.$/, "");
    throw new ConfigError(
      {
        code: "HEALTH_UNKNOWN",
        message: `Health is not answered on ${reached} port ${port}: ${reason}.`,
        hint: "Is `godwit serve` or `godwit run` running, with this --health-port? A token is given in GODWIT_HEALTH_TOKEN.",
        details: { port, host: reached },
      },
      { cause: error },
    );
  }
}

interface Fetch {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly token: string | null;
  readonly signal: AbortSignal;
}

/** By `node:http`: `fetch` loads a second client, and this command runs every few seconds. */
function fetched({ host, port, path, token, signal }: Fetch): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const headers = token === null ? {} : { authorization: `Bearer ${token}` };
    const asked = request({ host, port, path, headers, signal, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
        bytes += chunk.length;
        if (bytes > MOST_BYTES) asked.destroy(new Error("the answer is none of Godwit's"));
      });
      response.on("error", reject);
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString("utf8") }),
      );
    });
    const timer = setTimeout(
      () => asked.destroy(new Error(`there was no answer within ${ANSWER_MS / 1000} s`)),
      ANSWER_MS,
    );
    asked.on("error", reject);
    asked.on("close", () => clearTimeout(timer));
    asked.end();
  });
}
