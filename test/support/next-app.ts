/** The Next.js app of `examples/brands-in-blooms`, built as its Dockerfile builds it. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { root } from "../../scripts/fresh.mjs";

export const EXAMPLE = join(root, "examples", "brands-in-blooms");

/** What the image of the build stage gets. */
const SOURCES = ["package.json", "next.config.mjs", "app"];

/**
 * The folder of `server.js`. Kept in `.cache/` until the app, Godwit's health or Next.js change. It lies inside of this
 * repository, because Next.js finds its packages from there.
 */
export function buildNextApp(): string {
  const cache = join(root, ".cache", "brands-in-blooms");
  const place = join(cache, digest());
  const server = join(place, ".next", "standalone", relative(root, place));
  if (existsSync(join(place, "built"))) return server;
  rmSync(cache, { recursive: true, force: true });
  mkdirSync(place, { recursive: true });
  for (const name of SOURCES) cpSync(join(EXAMPLE, name), join(place, name), { recursive: true });
  const godwit = join(place, "node_modules", "godwit");
  for (const name of ["package.json", "dist"])
    cpSync(join(root, name), join(godwit, name), { recursive: true });
  standInForTypes(join(place, "node_modules", "@types", "react"));
  const next = join(root, "node_modules", "next", "dist", "bin", "next");
  const { status, stdout, stderr } = spawnSync(process.execPath, [next, "build"], {
    cwd: place,
    encoding: "utf8",
    // Next.js would ask npm for what it misses. There is nothing to ask here.
    env: {
      PATH: process.env.PATH ?? "",
      HOME: tmpdir(),
      NEXT_TELEMETRY_DISABLED: "1",
      npm_config_offline: "true",
    },
  });
  if (status !== 0) throw new Error(`next build has failed:\n${stdout}\n${stderr}`);
  writeFileSync(join(place, "built"), "");
  return server;
}

/** The types of React are not among our packages, and the app has one file in TypeScript that needs none of them. */
function standInForTypes(folder: string): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, "package.json"),
    '{"name":"@types/react","version":"19.0.0","types":"index.d.ts"}',
  );
  writeFileSync(join(folder, "index.d.ts"), "export {};\n");
  writeFileSync(join(folder, "jsx-runtime.d.ts"), "export namespace JSX {}\n");
}

function digest(): string {
  const hash = createHash("sha256");
  const add = (path: string) => hash.update(path).update(readFileSync(path));
  for (const name of ["package.json", "next.config.mjs"]) add(join(EXAMPLE, name));
  for (const entry of readdirSync(join(EXAMPLE, "app"), { recursive: true, withFileTypes: true }))
    if (entry.isFile()) add(join(entry.parentPath, entry.name));
  add(join(root, "dist", "health.js"));
  add(join(root, "node_modules", "next", "package.json"));
  return hash.digest("hex").slice(0, 16);
}

/** Next.js takes port 0 for no port at all. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
