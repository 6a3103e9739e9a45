/** The same answers for a server of `node:http` and for one that is given a `Request`. */
import { type Answering, answerTo, NOT_FOUND } from "./request.ts";

export interface HealthHandler {
  /** For Next.js, Hono, Deno, Bun and whatever else has `Request` and `Response`. */
  fetch(request: Request): Promise<Response>;
  /** For `node:http`, Express, Connect and Fastify's `reply.raw`. A path that is none of ours goes to `next`, or is not found. */
  node(request: NodeRequest, response: NodeResponse, next?: () => void): Promise<void>;
}

/** What is read of an `IncomingMessage`. */
export interface NodeRequest {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly headers: { readonly host?: string | undefined; readonly authorization?: string | undefined };
}

/** What is called of a `ServerResponse`. */
export interface NodeResponse {
  writeHead(status: number, headers: Record<string, string | number>): unknown;
  end(body?: string): unknown;
}

export function createHandler(answering: Answering): HealthHandler {
  return {
    async fetch(request) {
      const { headers, method } = request;
      const url = new URL(request.url);
      const asked = {
        method,
        path: url.pathname,
        host: headers.get("host") ?? url.host,
        authorization: headers.get("authorization"),
      };
      const answer = (await answerTo(asked, answering)) ?? NOT_FOUND;
      const body = method === "HEAD" ? null : answer.body;
      return new Response(body, { status: answer.status, headers: { ...answer.headers } });
    },
    async node(request, response, next) {
      const { headers, method = "GET", url = "/" } = request;
      const asked = {
        method,
        path: url.replace(/[?#].*$/s, ""),
        host: headers.host ?? null,
        authorization: headers.authorization ?? null,
      };
      const answer = await answerTo(asked, answering);
      if (answer === null && next !== undefined) return next();
      const { status, headers: own, body } = answer ?? NOT_FOUND;
      response.writeHead(status, { ...own, "content-length": Buffer.byteLength(body) });
      response.end(method === "HEAD" ? undefined : body);
    },
  };
}
