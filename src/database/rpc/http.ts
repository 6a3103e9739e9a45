/** One request and its answer. A request without an answer may have taken effect, unless it never left. */
import { Agent as HttpAgent, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { Endpoint } from "./endpoint.ts";

export interface Reply {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

export class NoReply extends Error {
  override readonly name = "NoReply";
  /** `false`: the server has not seen the request. */
  readonly mayHaveArrived: boolean;
  readonly code: string | undefined;
  constructor(
    message: string,
    facts: { mayHaveArrived: boolean; code?: string | undefined; cause?: unknown },
  ) {
    super(message, { cause: facts.cause });
    this.mayHaveArrived = facts.mayHaveArrived;
    this.code = facts.code;
  }
}

export interface Http {
  /** Throws `NoReply`. */
  post(body: string): Promise<Reply>;
  /** Ends what is in flight. */
  close(): void;
}

/** The API answers within 60 s, whatever happens; a request that takes longer has lost its way. */
const LIMIT_MS = 75_000;

export function openHttp({ url, headers }: Endpoint, { limitMs = LIMIT_MS } = {}): Http {
  const secure = url.protocol === "https:";
  // Sockets that rest are closed before a gateway closes them at the moment of the next request.
  const agent = new (secure ? HttpsAgent : HttpAgent)({ keepAlive: true, timeout: REST_MS });
  const send = secure ? httpsRequest : httpRequest;
  return {
    post: (body) =>
      new Promise((resolve, reject) => {
        const bytes = Buffer.from(body, "utf8");
        let connected = false;
        const fail = (error: Error & { code?: string }) => {
          clearTimeout(limit);
          const facts = { mayHaveArrived: connected, code: error.code, cause: error };
          reject(error instanceof NoReply ? error : new NoReply(error.message, facts));
        };
        const request = send(
          url,
          { method: "POST", agent, headers: { ...headers, "content-length": bytes.length } },
          (response) => {
            const parts: Buffer[] = [];
            response.on("data", (part: Buffer) => parts.push(part));
            response.on("aborted", () => fail(new Error("the answer was cut off")));
            response.on("error", fail);
            response.on("end", () => {
              clearTimeout(limit);
              const text = Buffer.concat(parts).toString("utf8");
              resolve({
                status: response.statusCode ?? 0,
                type: response.headers["content-type"] ?? "",
                body: text,
              });
            });
          },
        );
        const limit = setTimeout(
          () =>
            request.destroy(
              new NoReply(`no answer within ${Math.round(limitMs / 1000)} s`, { mayHaveArrived: true }),
            ),
          limitMs,
        );
        request.on("socket", (socket) => {
          if (!socket.connecting) {
            connected = true;
            return;
          }
          socket.once(secure ? "secureConnect" : "connect", () => {
            connected = true;
          });
        });
        request.on("error", fail);
        request.end(bytes);
      }),
    close: () => agent.destroy(),
  };
}

const REST_MS = 4_000;
