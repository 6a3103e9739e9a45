/**
 * Goes from settings to a connection that is logged in: socket, key exchange, host key, login, all under one deadline.
 * The host key is checked before any secret is sent. A server has several keys and shows one of them. If a pin does not
 * tell its key type, the other keys are requested before the pin counts as broken.
 */
import { ImportFailed } from "../../errors.ts";
import { formatDuration, timeLimit } from "../../std/time.ts";
import type { OpenOptions, SftpSettings } from "../origin.ts";
import { algorithmsFor } from "./algorithms.ts";
import { Connection } from "./connection.ts";
import { dial } from "./dial.ts";
import { fingerprintOf, judgeHostKey, typesOf } from "./host-keys.ts";
import { prepareLogin } from "./login.ts";

/** Shorter than the silence after which firewalls and NAS devices drop a connection. */
const KEEPALIVE_MS = 15_000;
const KEEPALIVES_UNANSWERED = 3;

export async function connectSftp(settings: SftpSettings, options: OpenOptions): Promise<Connection> {
  options.signal.throwIfAborted();
  const { default: ssh2 } = await loadSsh2();
  await noticeSlowEncryption(options);
  using deadline = timeLimit(settings.connectTimeoutMs);
  const signal = AbortSignal.any([options.signal, deadline.signal]);
  const excluded: string[] = [];
  let first: unknown;
  for (;;) {
    const attempt = new Attempt(ssh2, settings, { ...options, signal, excluded });
    try {
      return await attempt.connect();
    } catch (error) {
      if (options.signal.aborted) throw options.signal.reason;
      if (deadline.signal.aborted) throw late(settings, attempt.doing, error);
      if (first !== undefined && !attempt.mismatch) throw first; // the server has no further keys
      first ??= error;
      if (!attempt.mismatch) throw error;
      excluded.push(attempt.mismatch);
      if (offer(settings, excluded) === undefined) throw first;
    }
  }
}

interface AttemptOptions extends OpenOptions {
  readonly excluded: readonly string[];
}

class Attempt {
  /** Names the current stage in the message if the deadline passes. */
  doing = "connecting";
  /** The type of a host key that did not match the pin. Another key of the same server may match. */
  mismatch: string | undefined;
  readonly #ssh2: typeof import("ssh2");
  readonly #settings: SftpSettings;
  readonly #options: AttemptOptions;

  constructor(ssh2: typeof import("ssh2"), settings: SftpSettings, options: AttemptOptions) {
    this.#ssh2 = ssh2;
    this.#settings = settings;
    this.#options = options;
  }

  async connect(): Promise<Connection> {
    const settings = this.#settings;
    const { signal } = this.#options;
    const login = prepareLogin(this.#ssh2, settings);
    const socket = await dial(settings, signal);
    const client = new this.#ssh2.Client();
    let refusal: ImportFailed | undefined;
    let trusted: string | undefined;
    let hostKey = "";
    let abort = () => {};
    // Stays for the client's lifetime: an error without a listener would end the process.
    client.on("error", () => {});
    try {
      await new Promise<void>((resolve, reject) => {
        abort = () => reject(signal.reason);
        signal.addEventListener("abort", abort, { once: true });
        const fail = (error: Error & { level?: string }) => {
          if (error.level === "agent") return; // the next method is tried
          reject(refusal ?? (this.#isLogin(error) ? login.refused(error) : this.#unreachable(error)));
        };
        client.on("error", fail);
        client.on("close", () => fail(new Error("the server hung up")));
        client.on("handshake", () => {
          this.doing = `logging in as ${settings.username}`;
        });
        client.on("change password", () =>
          reject(
            new ImportFailed({
              code: "ORIGIN_LOGIN",
              message: `${settings.host}:${settings.port} wants ${settings.username} to change the password first.`,
              hint: "Log in there by hand once and change it.",
            }),
          ),
        );
        client.on("ready", resolve);
        this.doing = "exchanging keys";
        const { operationTimeoutMs } = settings;
        client.connect({
          sock: socket,
          username: settings.username,
          authHandler: login.authHandler,
          readyTimeout: 0, // our deadline covers all of it
          keepaliveInterval: Math.min(KEEPALIVE_MS, Math.max(1, Math.floor(operationTimeoutMs / 2))),
          keepaliveCountMax: KEEPALIVES_UNANSWERED,
          algorithms: offer(settings, this.#options.excluded) ?? {},
          // Also called when keys are exchanged again, about every gigabyte.
          hostVerifier: (key: Buffer) => {
            hostKey ||= fingerprintOf(key);
            const verdict = judgeHostKey(key, settings, settings.hostKeys);
            if (verdict.kind === "known") return true;
            if (verdict.kind === "first") {
              if (trusted === undefined) this.#options.onTrusted?.(verdict.pin);
              trusted ??= verdict.pin;
              return trusted === verdict.pin;
            }
            refusal = verdict.error;
            this.mismatch = this.#mayHaveAnother(verdict.error);
            return false;
          },
        });
      });
      const about = { description: describe(settings), hostKey };
      client.removeAllListeners();
      return new Connection({ client, socket, ...about, timeoutMs: settings.operationTimeoutMs });
    } catch (error) {
      socket.destroy();
      throw error;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  #mayHaveAnother({ code, details }: ImportFailed): string | undefined {
    const { pinned } = this.#settings.hostKeys;
    const isOpen = pinned.length > 0 && typesOf(this.#settings, this.#settings.hostKeys).length === 0;
    return code === "ORIGIN_HOST_CHANGED" && isOpen ? String(details?.type) : undefined;
  }

  /** A server that was asked too often reports it and hangs up. */
  #isLogin(error: Error & { level?: string; code?: unknown }): boolean {
    return (
      error.level === "client-authentication" ||
      (typeof error.code === "number" && /authentication|auth/i.test(error.message))
    );
  }

  #unreachable(error: Error & { code?: unknown }): ImportFailed {
    const { host, port, legacyAlgorithms } = this.#settings;
    const where = `${host}:${port}`;
    const problem = /no matching/.test(error.message)
      ? {
          message: `${where} and this side have no algorithm in common (${error.message.replace(/^.*: /, "")}).`,
          hint: legacyAlgorithms
            ? "Update the firmware of the server."
            : "Older firmware knows only SHA-1: update it, or allow it with legacyAlgorithms.",
        }
      : /identification string|before handshake/i.test(error.message)
        ? {
            message: `${where} does not speak SSH, or hung up at once.`,
            hint: "Is it the port of SSH? A server with too many connections hangs up as well: try again later.",
          }
        : {
            message: `${where} ended the connection while ${this.doing}: ${printable(error.message)}.`,
            hint: "Try again; if it stays, the log of the server says why.",
          };
    return new ImportFailed(
      { code: "ORIGIN_UNREACHABLE", ...problem, details: { host, port } },
      { cause: error },
    );
  }
}

/** For people and logs. It never holds a secret. */
export function describe({ username, host, port, base }: SftpSettings): string {
  const name = host.includes(":") ? `[${host}]` : host;
  return `sftp://${encodeURIComponent(username)}@${name}:${port}${base.startsWith("/") ? "" : "/"}${base}`;
}

function offer(settings: SftpSettings, excluded: readonly string[]) {
  const preferred = typesOf(settings, settings.hostKeys);
  return algorithmsFor({ preferred, excluded, legacy: settings.legacyAlgorithms });
}

function late({ host, port, connectTimeoutMs }: SftpSettings, doing: string, cause: unknown): ImportFailed {
  return new ImportFailed(
    {
      code: "ORIGIN_UNREACHABLE",
      message: `${host}:${port} did not answer within ${formatDuration(connectTimeoutMs)} (${doing}).`,
      hint: "Check host and port, and firewalls in between; an overloaded server may need a longer connect timeout.",
      details: { host, port, connectTimeoutMs, doing },
    },
    { cause },
  );
}

async function loadSsh2(): Promise<{ readonly default: typeof import("ssh2") }> {
  try {
    return (await import("ssh2")) as unknown as { readonly default: typeof import("ssh2") };
  } catch (error) {
    throw new ImportFailed(
      {
        code: "ORIGIN_PACKAGE_MISSING",
        message: "Reading from a server over SFTP needs the package ssh2, which is not installed.",
        hint: "npm install ssh2",
      },
      { cause: error },
    );
  }
}

/** The library's native part is built during installation, if there is a compiler. Nothing tells you when it is missing. */
async function noticeSlowEncryption({ onNotice }: OpenOptions): Promise<void> {
  if (onNotice === undefined) return;
  const internals = "ssh2/lib/protocol/crypto.js";
  const found: unknown = await import(internals).catch(() => undefined);
  const { bindingAvailable } = (found as { default?: { bindingAvailable?: boolean } })?.default ?? {};
  if (bindingAvailable !== false) return;
  onNotice(
    "Encryption runs in plain JavaScript, about half as fast: the native part of ssh2 is missing. " +
      "`npm rebuild ssh2` builds it where there is a C++ compiler and Python.",
  );
}

/** A server's message, cut to one line that cannot disturb a terminal. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]+/g, " ").slice(0, 200);
}
