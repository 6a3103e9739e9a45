/** The types of the package hold in every project: strict, with and without the types of Node, as ESM and as CommonJS. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { root } from "../../scripts/fresh.mjs";
import { templateOf } from "../../src/source/plain/template.ts";
import { install, pack } from "../support/package.ts";
import { writeFiles } from "../support/target.ts";
import { blocksOf } from "../support/walkthrough.ts";

const folder = mkdtempSync(join(tmpdir(), "godwit-types-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const STRICT = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noUnusedLocals: true,
  noUnusedParameters: true,
  noImplicitOverride: true,
  noPropertyAccessFromIndexSignature: true,
  skipLibCheck: false,
  noEmit: true,
  target: "es2023",
};
const ESM = { module: "nodenext", types: [] };
/** TypeScript knows `require` of ES modules, which Node has since 20.19, by these names. */
const WAYS: Readonly<Record<string, readonly [type: "module" | "commonjs", options: object]>> = {
  ESM: ["module", ESM],
  CommonJS: ["commonjs", { module: "nodenext", types: [] }],
  "CommonJS of Node 20": ["commonjs", { module: "node20", types: [] }],
  "a bundler": ["module", { module: "esnext", moduleResolution: "bundler", types: [] }],
};

/** What the pages show of a program without saying where it comes from. */
const UNSAID = `
  declare const app: {
    use(handler: unknown): void;
    get(path: string, handler: (one: any, other: any) => unknown): void;
  };
  declare function createServer(handler: unknown): void;
`;

let reachable = true;
beforeAll(() => {
  writeFiles(folder, { "package.json": '{ "private": true }' });
  const { path } = pack(folder);
  reachable = install(folder, [
    path,
    "--omit=optional",
    "--ignore-scripts",
    "typescript-5@npm:typescript@5.9",
  ]);
});

/** Every program that the pages show, and every file that `godwit new` and `godwit merge` make. */
function programs(type: "module" | "commonjs"): Record<string, string> {
  const files: Record<string, string> = {
    "new.ts": templateOf("ts", null),
    "new-in-graph.ts": templateOf("ts", ["a1", "b2"]),
  };
  for (const page of ["README.md", "docs/guide.md"])
    for (const [at, { info, text }] of blocksOf(readFileSync(join(root, page), "utf8")).entries())
      if (info.split(" ")[0] === "ts") files[`${page.replace(/\W/g, "-")}-${at}.ts`] = complete(text);
  return type === "module" ? files : Object.fromEntries(Object.entries(files).map(withoutTopLevelAwait));
}

function complete(text: string): string {
  const used = ["defineConfig", "env"].filter((name) => new RegExp(`\\b${name}\\(`).test(text));
  const imports = text.includes("import ") ? "" : `import { ${used.join(", ")} } from "godwit";\n`;
  return `${imports}${text}${/\bapp\./.test(text) ? UNSAID : ""}`;
}

function withoutTopLevelAwait([name, text]: readonly [string, string]): readonly [string, string] {
  if (!/^(?:const .*)?await /m.test(text)) return [name, text];
  const imports = text.split("\n").filter((line) => line.startsWith("import "));
  const rest = text.split("\n").filter((line) => !line.startsWith("import "));
  return [name, [...imports, "export async function main() {", ...rest, "}"].join("\n")];
}

function check(
  files: Readonly<Record<string, string>>,
  type: "module" | "commonjs",
  options: object,
  compiler = join(root, "node_modules", "typescript", "bin", "tsc"),
): string {
  const place = join(folder, "project");
  rmSync(place, { recursive: true, force: true });
  mkdirSync(place);
  const tsconfig = { compilerOptions: { ...STRICT, ...options }, files: Object.keys(files) };
  writeFiles(place, {
    ...files,
    "package.json": JSON.stringify({ type }),
    "tsconfig.json": JSON.stringify(tsconfig),
  });
  const { stdout, stderr } = spawnSync(process.execPath, [compiler, "-p", place, "--pretty", "false"], {
    encoding: "utf8",
    cwd: folder,
  });
  return `${stdout}${stderr}`;
}

const EVERYTHING = `
  import { createFleet, createMigrator, defineConfig, migration, StepFailed, type Migrator } from "godwit";
  import { createHealth } from "godwit/health";
  import { createTestDatabase } from "godwit/testing";
  export const all = [createFleet, createMigrator, defineConfig, migration, createHealth, createTestDatabase];
  const migrator: Migrator = createMigrator({ dir: "migrations", databaseUrl: undefined, environment: {} });
  export const report = migrator.up().catch((error: unknown) => error instanceof StepFailed && error.report);
`;

test.for(Object.entries(WAYS))("%s, without the types of Node", ([, [type, options]], { skip }) => {
  skip(!reachable, "the registry cannot be reached");
  expect(check({ ...programs(type), "everything.ts": EVERYTHING }, type, options)).toBe("");
});

test("nor those of a browser", ({ skip }) => {
  skip(!reachable, "the registry cannot be reached");
  expect(check({ "everything.ts": EVERYTHING }, "module", { ...ESM, lib: ["es2023"] })).toBe("");
});

test("TypeScript 5.9", { timeout: 240_000 }, ({ skip }) => {
  skip(!reachable, "the registry cannot be reached");
  const compiler = join(folder, "node_modules", "typescript-5", "bin", "tsc");
  for (const type of ["module", "commonjs"] as const)
    expect(check({ ...programs(type), "everything.ts": EVERYTHING }, type, ESM, compiler)).toBe("");
});

const WITH_NODE = `
  import { createServer } from "node:http";
  import { createMigrator } from "godwit";
  import { createHealth } from "godwit/health";
  const health = createHealth();
  createServer(health.node);
  createServer((request, response) => void health.node(request, response));
  export const GET: (request: Request) => Promise<Response> = health.fetch;
  const { signal } = new AbortController();
  export const migrator = createMigrator({
    dir: "migrations", databaseUrl: process.env["DATABASE_URL"], environment: process.env, signal, observe: health.observe,
  });
  export const stopped: AbortSignal = signal;
`;

test("and with the types of Node, whose names are the same", ({ skip }) => {
  skip(!reachable, "the registry cannot be reached");
  install(folder, ["@types/node@20", "--omit=optional", "--ignore-scripts"]);
  for (const lib of [["es2023"], ["es2023", "dom"]])
    expect(
      check({ ...programs("module"), "node.ts": WITH_NODE }, "module", { ...ESM, types: ["node"], lib }),
    ).toBe("");
});

test("a mistake is still a mistake: no type has become any", ({ skip }) => {
  skip(!reachable, "the registry cannot be reached");
  const wrong = `
    import { createMigrator } from "godwit";
    createMigrator({ dir: 1 });
    createMigrator({ dir: "a", signal: "stop" });
    const { steps } = await createMigrator({ dir: "a" }).up();
    steps[0]?.nothing;
  `;
  const said = check({ "wrong.ts": wrong }, "module", ESM);
  expect(said.match(/error TS\d+/g)).toEqual(["error TS2322", "error TS2322", "error TS2339"]);
});

/** What programs give to Godwit. What they are given back has no such values. */
const GIVEN = `
  import type {
    AdoptOptions, BaselineOptions, CheckFile, CompatibleGiven, ConfigFile, FindOptions, FleetConfig, FleetUpOptions,
    ImportFile, ImportOptions, MigrationDefinition, MigratorConfig, ScriptGiven, TargetFile, WebhookFile,
  } from "godwit";
  import type { HealthOptions } from "godwit/health";
  import type { createTestDatabase } from "godwit/testing";
  type Test = NonNullable<Parameters<typeof createTestDatabase>[0]>;
  type Given =
    | AdoptOptions | BaselineOptions | CheckFile | CompatibleGiven | ConfigFile | FindOptions | FleetConfig
    | FleetUpOptions | ImportFile | ImportOptions | MigrationDefinition | MigratorConfig | ScriptGiven | TargetFile
    | WebhookFile | HealthOptions | Test;
  type Narrow<T> = { [K in keyof T as {} extends Pick<T, K> ? (undefined extends T[K] ? never : K) : never]: K };
  type Names<T> = T extends unknown ? keyof Narrow<T> : never;
  export const none: Names<Given> extends never ? "all take undefined" : Names<Given> = "all take undefined";
`;

test("undefined means that a value is not given, and every option takes it", ({ skip }) => {
  skip(!reachable, "the registry cannot be reached");
  expect(check({ "given.ts": GIVEN }, "module", ESM)).toBe("");
});
