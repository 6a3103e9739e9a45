/** Somebody installs Godwit into an empty project and follows its pages, as they come in the package. */
import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { transformSync } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";
import { install, installNode, pack, type Tarball } from "../support/package.ts";
import { blocksOf, follow, missing } from "../support/walkthrough.ts";

const place = mkdtempSync(join(tmpdir(), "godwit-guide-"));
chmodSync(place, 0o755);
afterAll(() => rmSync(place, { recursive: true, force: true }));

/** A number that nobody has: no name, no group, no folder of its own. */
const NAMELESS = 54_321;
const isRoot = process.getuid?.() === 0;

const CASES = [
  { manager: "npm", node: null, as: undefined, home: "empty" },
  { manager: "npm", node: "22", as: NAMELESS, home: "none" },
  { manager: "npm", node: "24", as: undefined, home: "none" },
  { manager: "pnpm", node: "24", as: NAMELESS, home: "empty" },
] as const;

let tarball: Tarball | undefined;
let reachable = true;
/** Folders of programs named `node`, by version. */
const nodes = new Map<string, string>();

beforeAll(() => {
  tarball = pack(place);
  for (const version of ["18", "22", "24"]) {
    const bin = installNode(place, version);
    reachable &&= bin !== null;
    nodes.set(version, bin ?? "");
  }
}, 240_000);

interface Project {
  readonly folder: string;
  readonly env: Record<string, string>;
}

/** An empty project in which the package is installed. Whoever uses it owns all but what is installed. */
function project({ manager, node, as, home }: (typeof CASES)[number]): Project {
  const folder = emptyProject(manager);
  const path = [
    ...(node === null ? [] : [nodes.get(node) ?? ""]),
    join(process.execPath, ".."),
    "/usr/bin",
    "/bin",
  ];
  if (manager === "npm") copyInstalled(folder);
  else installWithPnpm(folder, tarball?.path ?? "", path.join(":"));
  const homeFolder = join(folder, "home");
  mkdirSync(homeFolder);
  chmodSync(folder, 0o755);
  // With pnpm no script has prepared the embedded server: whoever uses it first does, and owns it.
  const owned =
    manager === "pnpm"
      ? ["-R", String(as), folder]
      : [String(as), folder, homeFolder, join(folder, "package.json")];
  if (as !== undefined) execFileSync("chown", owned);
  return {
    folder,
    env: { PATH: path.join(":"), NO_COLOR: "1", ...(home === "empty" ? { HOME: homeFolder } : {}) },
  };
}

function emptyProject(prefix: string): string {
  const folder = mkdtempSync(join(place, `${prefix}-`));
  writeFileSync(join(folder, "package.json"), '{ "private": true, "type": "module" }');
  return folder;
}

/** npm brings the same into every empty project, so it installs once, and each project has a copy. */
let installed: string | undefined;

function copyInstalled(folder: string): void {
  if (installed === undefined) {
    const first = emptyProject("installed");
    install(first, [tarball?.path ?? ""]);
    installed = first;
  }
  // Links lead to where they led, relative to the project.
  cpSync(installed, folder, { recursive: true, verbatimSymlinks: true });
}

/** pnpm itself comes from npm, and keeps its store beside the project. */
function installWithPnpm(folder: string, file: string, path: string): void {
  const tool = join(place, "pnpm");
  mkdirSync(tool, { recursive: true });
  writeFileSync(join(tool, "package.json"), '{ "private": true }');
  install(tool, ["pnpm@12.4.2", "--ignore-scripts"]);
  const words = [
    join(tool, "node_modules", "pnpm", "bin", "pnpm.mjs"),
    "add",
    // Scripts of packages are not run unless somebody allows it, and none of them is needed.
    "--ignore-scripts",
    file,
    "--store-dir",
    join(place, "store"),
  ];
  const env = { ...process.env, PATH: path, npm_config_registry: registry() };
  const { status, stdout, stderr } = spawnSync("node", words, { cwd: folder, env, encoding: "utf8" });
  if (status !== 0) throw new Error(`pnpm add has failed:\n${stdout}${stderr}`);
}

function registry(): string {
  return execFileSync("npm", ["config", "get", "registry"], { encoding: "utf8" }).trim();
}

/** The pages of the installed package. */
function page(folder: string, name: string) {
  return blocksOf(readFileSync(join(folder, "node_modules", "godwit", name), "utf8"));
}

test.for(CASES)(
  "the guide, from top to bottom: $manager, Node $node, user $as, home $home",
  { timeout: 240_000 },
  (wanted, { skip }) => {
    skip(!reachable, "the registry cannot be reached");
    skip(wanted.as !== undefined && !isRoot, "only root can be somebody else");
    const { folder, env } = project(wanted);
    const world = { folder, env, user: wanted.as, command: [join(folder, "node_modules", ".bin", "godwit")] };
    const session = follow(page(folder, "docs/guide.md"), world);
    expect(session.length).toBeGreaterThan(10);
    for (const said of session)
      expect(missing(said), `${said.command}\n${said.lines.join("\n")}`).toEqual([]);
    expect(existsSync(join(folder, ".godwit", "postgres"))).toBe(true);
  },
);

test("the README's session, and then its program", { timeout: 240_000 }, ({ skip }) => {
  skip(!reachable, "the registry cannot be reached");
  const { folder, env } = project(CASES[0]);
  const world = { folder, env, command: [join(folder, "node_modules", ".bin", "godwit")] };
  const blocks = page(folder, "README.md");
  const session = follow(blocks, world);
  expect(session.length).toBeGreaterThan(3);
  for (const said of session) expect(missing(said), `${said.command}\n${said.lines.join("\n")}`).toEqual([]);
  const program = blocks.find(({ info }) => info === "ts")?.text ?? "";
  writeFileSync(join(folder, "program.mjs"), transformSync(program, { loader: "ts" }).code);
  const { stdout, stderr } = spawnSync("node", ["program.mjs"], { cwd: folder, env, encoding: "utf8" });
  expect(stdout, stderr).toBe("done []\n");
});

test("an old Node is told which one is needed, in one line", ({ skip }) => {
  skip(!reachable, "the registry cannot be reached");
  const { folder, env } = project(CASES[0]);
  const old = { ...env, PATH: `${nodes.get("18")}:${env.PATH}` };
  for (const words of [["up"], ["--version"], ["init", "--json"]]) {
    const bin = join(folder, "node_modules", ".bin", "godwit");
    const { status, stdout, stderr } = spawnSync(bin, words, { cwd: folder, env: old, encoding: "utf8" });
    expect([status, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/^error: Godwit needs Node 20\.19 or newer\. This is Node 18\.[\d.]+\.\n$/);
  }
});
