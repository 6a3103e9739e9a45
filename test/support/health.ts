/** A service of ours that answers over HTTP, and how it is asked. */
import { request } from "node:http";
import type { Command, Json, Running } from "./command.ts";
import { expectNoSecrets } from "./no-secrets.ts";

export interface Got {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  readonly json: Json;
}

export interface GetOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly method?: string;
}

/** By `node:http`, which sends any `Host`. */
export function get(url: string, { headers = {}, method = "GET" }: GetOptions = {}): Promise<Got> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, headers, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk) => {
        text += chunk;
      });
      response.on("error", reject).on("end", () => {
        try {
          expectNoSecrets(`The answer of ${url}`, text);
        } catch (error) {
          return reject(error);
        }
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text,
          get json() {
            return JSON.parse(text);
          },
        });
      });
    });
    asked.on("error", reject).end();
  });
}

export interface Serving {
  readonly url: string;
  readonly running: Running;
  readonly get: (path: string, options?: GetOptions) => Promise<Got>;
}

/** `godwit serve` on a port that is free. */
export async function serving(command: Command, ...words: readonly string[]): Promise<Serving> {
  const running = command.start("serve", "--health-port", "0", "--check-interval", "50ms", ...words);
  let said = "";
  running.child.stderr?.on("data", (chunk) => {
    said += chunk;
  });
  await running.says(/health is answered on \S+/);
  const url = /health is answered on (http:\/\/[^\s"]+)/.exec(said)?.[1] ?? "";
  return { url, running, get: (path, options) => get(`${url}${path}`, options) };
}
