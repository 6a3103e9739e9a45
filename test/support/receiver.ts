/** A receiver of webhooks: a server of this machine that takes, refuses, cuts, or never answers. */
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import { canary } from "./canaries.ts";
import { expectNoSecrets } from "./no-secrets.ts";
import { until } from "./until.ts";

export interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests say what they expect of it
  readonly json: any;
}

/** A status, or what is done in its place. */
export type Behaviour =
  | number
  | "cut"
  | "silence"
  | { readonly status: number; readonly headers: Record<string, string> };

export interface Receiver {
  readonly url: string;
  /** Everything that arrived, refused or not. */
  readonly received: readonly Received[];
  /** What it does from now on. A list: one after the other, and then the last. */
  behave(...behaviours: readonly Behaviour[]): void;
  /** Resolves as soon as so many have arrived. */
  arrived(count: number): Promise<readonly Received[]>;
  readonly types: () => readonly string[];
}

const TOKEN = canary("the token in the URL of a webhook");

export function startReceiver(...behaviours: readonly Behaviour[]): Promise<Receiver> {
  return start(behaviours, null);
}

/** The same over HTTPS. */
export function startSecureReceiver(tls: { cert: Buffer; key: Buffer }): Promise<Receiver> {
  return start([], tls);
}

async function start(
  behaviours: readonly Behaviour[],
  tls: { cert: Buffer; key: Buffer } | null,
): Promise<Receiver> {
  const received: Received[] = [];
  const leaks: unknown[] = [];
  let plan: readonly Behaviour[] = behaviours.length === 0 ? [204] : behaviours;
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString();
    try {
      expectNoSecrets("The body of a webhook", body);
    } catch (error) {
      leaks.push(error);
    }
    received.push({ path: request.url ?? "", headers: request.headers, body, json: JSON.parse(body) });
    const [now = 204, ...later] = plan;
    if (later.length > 0) plan = later;
    act(now, response);
  };
  const server = tls === null ? createServer(answer) : createSecureServer(tls, answer);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
    if (leaks.length > 0) throw leaks[0];
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `${tls === null ? "http://127.0.0.1" : "https://localhost"}:${port}/hooks/T0ken-${TOKEN}`,
    received,
    behave(...next) {
      plan = next;
    },
    async arrived(count) {
      await until(() => received.length >= count, { what: `${count} messages, not ${received.length}` });
      return received;
    },
    types: () => received.map(({ json }) => json.type),
  };
}

function act(behaviour: Behaviour, response: ServerResponse): void {
  if (behaviour === "silence") return;
  if (behaviour === "cut") return void response.destroy();
  const { status, headers } = typeof behaviour === "number" ? { status: behaviour, headers: {} } : behaviour;
  response.writeHead(status, headers).end("an answer that nobody reads");
}

/** Of Standard Webhooks. Different for each number. */
export function webhookSecret(number = 1): string {
  return `whsec_${Buffer.alloc(32, number).toString("base64")}`;
}
