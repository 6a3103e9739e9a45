/** A small server that answers for the state of the migrations, and for nothing else. */
import { createServer, type Server } from "node:http";
import { ConfigError } from "../../errors.ts";
import type { About } from "./about.ts";
import { createHandler } from "./handler.ts";
import type { HealthState } from "./state.ts";

export interface HealthServerOptions {
  /** 0: one that is free. */
  readonly port: number;
  /** Default: this machine alone. */
  readonly host?: string | undefined;
  readonly about: About;
  readonly token?: string | null | undefined;
  /** Further names by which it may be called, in the `Host` header. */
  readonly names?: readonly string[] | undefined;
}

export interface HealthServer extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  /** Ends open connections too. Safe to call twice. */
  close(): Promise<void>;
}

/** Who asks slowly keeps a connection no longer than this. */
const REQUEST_MS = 10_000;

/** Throws `ConfigError` where it cannot listen. It keeps the process alive until it is closed. */
export async function startHealthServer(
  state: Pick<HealthState, "snapshot">,
  { port, host = "127.0.0.1", about, token = null, names = [] }: HealthServerOptions,
): Promise<HealthServer> {
  if (port > 65_535) throw cannotListen(`There is no port ${port}`, { port, host });
  const { node } = createHandler({
    snapshot: () => state.snapshot(),
    about,
    access: { token, names },
    now: () => new Date(),
  });
  const server = createServer(
    { requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS },
    (request, response) => {
      request.resume();
      node(request, response).catch(() => response.destroy());
    },
  );
  await listen(server, { port, host });
  // What breaks a connection later is that client's affair.
  server.on("error", () => {});
  const address = server.address();
  const actual = typeof address === "object" && address !== null ? address.port : port;
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
    return closing;
  };
  const shown = host.includes(":") ? `[${host}]` : host;
  return { port: actual, url: `http://${shown}:${actual}`, close, [Symbol.asyncDispose]: close };
}

interface ListenAddress {
  readonly port: number;
  readonly host: string;
}

function listen(server: Server, { port, host }: ListenAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(cannotListen(reasonOf(error, port), { port, host })),
    );
    server.listen({ port, host }, resolve);
  });
}

function reasonOf({ code, message }: NodeJS.ErrnoException, port: number): string {
  if (code === "EADDRINUSE") return `Port ${port} is taken`;
  if (code === "EACCES") return `Port ${port} is not allowed to this user`;
  return `It is not possible to listen there (${code ?? message})`;
}

function cannotListen(reason: string, { port, host }: ListenAddress): ConfigError {
  return new ConfigError({
    code: "HEALTH_PORT",
    message: `${reason}, so health cannot be answered on ${host}.`,
    hint: "Choose another port with --health-port or GODWIT_HEALTH_PORT; --health-port 0 takes one that is free. --health-host 127.0.0.1 listens on this machine only.",
    details: { port, host },
  });
}
