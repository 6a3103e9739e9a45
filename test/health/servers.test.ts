/** `godwit/health` in every kind of server that an app may have, each asked over HTTP. */
import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { hostname } from "node:os";
import { join } from "node:path";
import { serve as serveHono } from "@hono/node-server";
import fastify from "fastify";
import { Hono } from "hono";
import { describe, expect, onTestFinished, test } from "vitest";
import { root } from "../../scripts/fresh.mjs";
import { createHealth, type Health } from "../../src/health.ts";
import { get } from "../support/health.ts";
import { folderOf } from "../support/target.ts";

/** Starts an app that answers `/hello` by itself. Returns its URL. */
type Start = (health: Health) => Promise<string>;

const SERVERS: Readonly<Record<string, Start>> = {
  "node:http": async (health) =>
    listening(
      createServer((request, response) => {
        if (request.url === "/hello") response.end("hello");
        else health.node(request, response);
      }),
    ),
  Express: async (health) => {
    // Its types are a package of their own.
    const { default: express } = (await import("express" as string)) as { default: () => ExpressApp };
    const app = express();
    app.use(health.node);
    app.get("/hello", (_request, response) => response.send("hello"));
    return listening(createServer(app));
  },
  "Express below a prefix": async (health) => {
    const { default: express } = (await import("express" as string)) as { default: () => ExpressApp };
    const app = express();
    app.get("/internal/api/health", health.node);
    app.use(health.node);
    app.get("/hello", (_request, response) => response.send("hello"));
    return listening(createServer(app));
  },
  Fastify: async (health) => {
    const app = fastify();
    for (const path of ["/api/health", "/livez", "/readyz", "/metrics"])
      app.get(path, (request, reply) => {
        reply.hijack();
        return health.node(request.raw, reply.raw);
      });
    app.get("/hello", () => "hello");
    onTestFinished(() => app.close());
    return app.listen({ port: 0, host: "127.0.0.1" });
  },
  Hono: async (health) => {
    const app = new Hono();
    app.get("/hello", (context) => context.text("hello"));
    app.get("*", (context) => health.fetch(context.req.raw));
    return new Promise((resolve) => {
      const server = serveHono({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }, ({ port }) =>
        resolve(`http://127.0.0.1:${port}`),
      );
      onTestFinished(() => void server.close());
    });
  },
  /** A route handler of Next.js is a function from `Request` to `Response` that is exported as GET. */
  "Next.js route handlers": async (health) => {
    const routes: Readonly<Record<string, { GET: (request: Request) => Promise<Response> }>> = {
      "/api/health": { GET: health.fetch },
      "/livez": { GET: health.fetch },
      "/readyz": { GET: health.fetch },
      "/metrics": { GET: health.fetch },
      "/hello": { GET: async () => new Response("hello") },
    };
    const answer = async (request: Request) =>
      (await routes[new URL(request.url).pathname]?.GET(request)) ?? new Response(null, { status: 404 });
    return new Promise((resolve) => {
      const server = serveHono({ fetch: answer, port: 0, hostname: "127.0.0.1" }, ({ port }) =>
        resolve(`http://127.0.0.1:${port}`),
      );
      onTestFinished(() => void server.close());
    });
  },
};

describe.each(Object.entries(SERVERS))("%s", (_, start) => {
  test("answers the four paths, and the app its own", async () => {
    const health = createHealth({ service: "shop", version: "1.2.3", environment: "production" });
    const url = await start(health);
    expect(await get(`${url}/api/health`)).toMatchObject({
      status: 200,
      headers: { "cache-control": "no-store", "content-type": "application/json; charset=utf-8" },
      json: {
        status: "ok",
        ...{ service: "shop", version: "1.2.3", environment: "production" },
        migrations: { status: "unknown", lastChecked: null },
      },
    });
    expect((await get(`${url}/readyz`)).status).toBe(503);
    await health.during(async () => {
      expect((await get(`${url}/api/health`)).json.migrations.status).toBe("running");
      expect((await get(`${url}/livez`)).json).toEqual({ status: "live" });
    });
    expect((await get(`${url}/api/health`)).json.migrations.status).toBe("completed");
    expect((await get(`${url}/readyz`)).status).toBe(200);
    await expect(
      health.during(async () => {
        throw new Error("no");
      }),
    ).rejects.toThrow("no");
    expect((await get(`${url}/api/health?verbose=1`)).status).toBe(503);
    expect((await get(`${url}/metrics`)).headers["content-type"]).toMatch(/^text\/plain; version=0\.0\.4/);
    expect((await get(`${url}/hello`)).text).toBe("hello");
    expect((await get(`${url}/nothing`)).status).toBe(404);
  });

  test("asks for the token, except where it is asked whether it lives", async () => {
    const url = await start(createHealth({ token: "sesame" }));
    for (const path of ["/api/health", "/readyz", "/metrics"]) {
      expect((await get(`${url}${path}`)).status).toBe(401);
      expect((await get(`${url}${path}`, { headers: { authorization: "Bearer open" } })).status).toBe(401);
      const answer = await get(`${url}${path}`, { headers: { authorization: "Bearer sesame" } });
      expect(answer.status).toBe(path === "/readyz" ? 503 : 200);
    }
    expect((await get(`${url}/livez`)).status).toBe(200);
  });

  test("refuses a Host that is not its own, where it was told its names", async () => {
    const url = await start(createHealth({ names: ["shop.example"] }));
    const statusAs = async (host: string) => (await get(`${url}/livez`, { headers: { host } })).status;
    // What is the app's own is none of our business.
    expect((await get(`${url}/hello`, { headers: { host: "evil.example" } })).text).toBe("hello");
    expect(await statusAs("shop.example")).toBe(200);
    expect(await statusAs("SHOP.example:8080")).toBe(200);
    expect(await statusAs("localhost")).toBe(200);
    expect(await statusAs("[::1]:80")).toBe(200);
    expect(await statusAs("10.0.0.7:80")).toBe(200);
    for (const host of ["evil.example", "shop.example.evil.example", "127.0.0.1.evil.example"])
      expect(await statusAs(host), host).toBe(421);
  });
});

test("a status file of another version, or of nobody, never ends an app", async () => {
  const file = join(folderOf({}), "status.json");
  const health = createHealth({ statusFile: file });
  const url = await listening(createServer(health.node));
  const statuses = () =>
    Promise.all(
      ["/api/health", "/readyz", "/metrics", "/livez"].map(
        async (path) => (await get(`${url}${path}`)).status,
      ),
    );
  const owner = { pid: process.pid, host: hostname() };
  for (const content of ["", "{", "null", "[]", '{"snapshot":{"status":"completed"}}']) {
    writeFileSync(file, content);
    expect(await statuses(), content).toEqual([200, 503, 200, 200]);
  }
  writeFileSync(
    file,
    JSON.stringify({ process: owner, migrations: {}, snapshot: { status: "completed", ready: true } }),
  );
  expect(await statuses()).toEqual([200, 200, 200, 200]);
  // What makes no sense at all is an answer too.
  writeFileSync(
    file,
    JSON.stringify({ process: owner, migrations: {}, snapshot: { status: "completed", imports: 7 } }),
  );
  expect(await statuses()).toEqual([200, 503, 500, 200]);
});

test("the environment is that of the status file: a framework may have set NODE_ENV in the app itself", async () => {
  const statusFile = join(folderOf({}), "status.json");
  const environmentOf = async (health: Health) =>
    JSON.parse(await (await health.fetch(new Request("http://shop/api/health"))).text()).environment;
  const write = (environment: unknown) =>
    writeFileSync(
      statusFile,
      JSON.stringify({
        ...{ environment, process: { pid: process.pid, host: hostname() }, migrations: {} },
        snapshot: { status: "completed", lastChecked: "2026-01-01T00:00:00.000Z" },
      }),
    );
  const own = await environmentOf(createHealth({ statusFile }));
  write("staging");
  expect(await environmentOf(createHealth({ statusFile }))).toBe("staging");
  expect(await environmentOf(createHealth({ statusFile, environment: "preview" }))).toBe("preview");
  write(7);
  expect(await environmentOf(createHealth({ statusFile }))).toBe(own);
  const running = createHealth({ statusFile });
  write("staging");
  await running.during(async () => {});
  expect(await environmentOf(running)).toBe(own);
});

test("an empty token is refused, because it would let everybody in; and so is an option that nobody knows", () => {
  expect(() => createHealth({ token: "" })).toThrow("token of createHealth is not text that is not empty");
  expect(() => createHealth({ tokn: "x" } as never)).toThrow(/tokn/);
});

test("what the package exports is light: no driver comes with it", async () => {
  const built = (await import(join(root, "dist", "health.js"))) as { createHealth: typeof createHealth };
  const { fetch } = built.createHealth({ service: "shop" });
  expect((await fetch(new Request("http://shop/livez"))).status).toBe(200);
  const loaded = (file: string): readonly string[] => {
    const text = readFileSync(join(root, "dist", file), "utf8");
    const names = [...text.matchAll(/^(?:import|\} from|export .* from).*"([^"]+)";$/gm)].map(
      ([, name = ""]) => name,
    );
    return names.flatMap((name) => (name.startsWith("./") ? [name, ...loaded(name.slice(2))] : [name]));
  };
  const names = loaded("health.js").filter((name) => !name.startsWith("./"));
  expect(names).toContain("node:fs");
  expect(names.filter((name) => !name.startsWith("node:"))).toEqual([]);
});

type Hello = (request: IncomingMessage, response: { readonly send: (text: string) => void }) => void;

interface ExpressApp {
  (request: IncomingMessage, response: ServerResponse): void;
  use(handler: Health["node"]): void;
  get(path: "/hello", handler: Hello): void;
  get(path: string, handler: Health["node"]): void;
}

function listening(server: Server): Promise<string> {
  onTestFinished(() => void server.close());
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () =>
      resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    );
  });
}
