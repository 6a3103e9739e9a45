/**
 * Lets Node load TypeScript. `module.register` runs this file in a thread of its own. The file imports only `node:`
 * modules, so that it can be shipped as one file or passed as a `data:` address.
 *
 * `resolve` finds what Node's default cannot: `./x.js` if only `x.ts` exists (or, in a bundle, `x.mjs`), a relative path
 * without extension, and the package `godwit` itself if the project has not installed it. `load` compiles `.ts`, `.mts`
 * and `.cts` outside node_modules, through a cache keyed by content. `require` uses neither of them (nodejs/node#55878):
 * CommonJS finds what Node finds.
 */
import { createHash, randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import * as nodeModule from "node:module";
import { basename, dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

export interface CompileSettings {
  /** `null`: nothing is cached. */
  readonly cacheFolder: string | null;
  /** The address of `oxc-transform`. It is imported only if a file is not in the cache. */
  readonly compiler: string;
  readonly compilerVersion: string;
}

export interface HookSettings extends CompileSettings {
  /** The address that replaces the package `godwit`. */
  readonly godwit: string;
}

interface Compiler {
  transformSync(
    name: string,
    text: string,
    options: { sourcemap: boolean },
  ): {
    readonly code: string;
    readonly map?: object;
    readonly errors: readonly { message: string; labels: readonly { start: number }[] }[];
  };
}

type Next<Context, Answer> = (target: string, context?: Context) => Promise<Answer>;
interface ResolveContext {
  readonly parentURL?: string | undefined;
}
interface LoadAnswer {
  readonly format: string | null | undefined;
  readonly source?: string | Uint8Array | undefined;
  readonly shortCircuit?: boolean;
}

// The only state. Node sets it by calling `initialize` in the hooks' own thread.
let settings: HookSettings | undefined;

export function initialize(data: HookSettings): void {
  settings = data;
}

export async function resolve(
  specifier: string,
  context: ResolveContext,
  next: Next<ResolveContext, unknown>,
): Promise<unknown> {
  try {
    return await next(specifier, context);
  } catch (error) {
    const parent = context.parentURL ?? "";
    if (!REPAIRABLE.has((error as NodeJS.ErrnoException).code ?? "")) throw error;
    if (!parent.startsWith("file:") || parent.includes("/node_modules/")) throw error;
    if (specifier === "godwit" && settings !== undefined) return next(settings.godwit, context);
    const found = /^\.{0,2}\//.test(specifier) && findSibling(fileURLToPath(new URL(specifier, parent)));
    if (typeof found !== "string") throw error;
    return next(pathToFileURL(found).href, context);
  }
}

const REPAIRABLE = new Set(["ERR_MODULE_NOT_FOUND", "ERR_UNSUPPORTED_DIR_IMPORT", "MODULE_NOT_FOUND"]);

export async function load(
  url: string,
  context: object,
  next: Next<object, LoadAnswer>,
): Promise<LoadAnswer> {
  if (settings === undefined || !url.startsWith("file:") || url.includes("/node_modules/"))
    return next(url, context);
  const path = fileURLToPath(url);
  if (!isTypeScript(path)) return next(url, context);
  const code = await compileTypeScript(readFileSync(path, "utf8"), path, settings);
  return hasModuleSyntax(code)
    ? { format: "module", source: code, shortCircuit: true }
    : { format: "commonjs", source: withOwnRequire(code), shortCircuit: true };
}

/**
 * If CommonJS text comes from a hook, its `require` finds no ES modules, but that of its `module` does. A declaration
 * after the code replaces the former, so that no line moves.
 */
function withOwnRequire(code: string): string {
  if (/\brequire\s*(?:=[^=]|\.)/.test(code)) return code;
  const end = code.lastIndexOf("\n//# sourceMappingURL=");
  return `${code.slice(0, end)}\nfunction require(name) { return module.require(name); }${code.slice(end)}`;
}

export function isTypeScript(path: string): boolean {
  return /\.[mc]?ts$/.test(path);
}

/** The file that an import of `path` means if no file has exactly that name. */
export function findSibling(path: string): string | undefined {
  const bare = path.replace(/\.[mc]?[jt]s$/, "");
  const kinds = ["ts", "mts", "cts", "js", "mjs", "cjs"];
  const names = kinds.map((kind) => `${bare}.${kind}`);
  if (bare === path) names.push(...kinds.map((kind) => join(path, `index.${kind}`)));
  return names.find((name) => existsSync(name) && statSync(name).isFile());
}

/** TypeScript without `import` or `export` is CommonJS. `import()` alone does not make it a module. */
export function hasModuleSyntax(code: string): boolean {
  const statement = /^[ \t]*(?:import(?:[ \t]*[{*"']|[ \t]+\w)|export(?:[ \t]*[{*]|[ \t]+\w))/m;
  return statement.test(code) || /\bimport\.meta\b/.test(code);
}

/**
 * Returns JavaScript with its source map inside. Throws a `SyntaxError` whose message ends in `(file:line:column)`,
 * which survives the passage between threads.
 */
export async function compileTypeScript(
  text: string,
  path: string,
  options: CompileSettings,
): Promise<string> {
  const name = basename(path);
  const key = createHash("sha256")
    .update(JSON.stringify([1, options.compilerVersion, name, text]))
    .digest("hex");
  const cached =
    options.cacheFolder !== null && !isConfiguration(name) && join(options.cacheFolder, `${key}.js`);
  const known = cached && readIfThere(cached);
  if (known) return known;
  const { transformSync } = await compilerAt(options.compiler);
  const source = text.replace(/^\uFEFF/, "");
  const result = transformSync(name, source, { sourcemap: true });
  const error = result.errors[0];
  if (error !== undefined) {
    const before = source.slice(0, error.labels[0]?.start ?? 0).split("\n");
    const column = (before.at(-1)?.length ?? 0) + 1;
    throw new SyntaxError(`${error.message} (${path}:${before.length}:${column})`);
  }
  const map = result.map && Buffer.from(JSON.stringify(result.map)).toString("base64");
  const tail = map === undefined ? "" : `//# sourceMappingURL=data:application/json;base64,${map}\n`;
  const code = `${result.code}\n${tail}`;
  if (cached) keep(cached, code);
  return code;
}

/**
 * The compiler's program for this machine is an optional package. Without it Node's own compiler is used, which Node 20
 * does not have.
 */
async function compilerAt(address: string): Promise<Compiler> {
  try {
    return (await import(address)) as Compiler;
  } catch (error) {
    const { stripTypeScriptTypes: transform } = nodeModule as NodeCompiler;
    if (transform === undefined) throw new Error(`${NO_COMPILER}.`, { cause: error });
    return {
      transformSync: (_, text) => ({ code: withoutWarning(() => transform(text, TO_NODE)), errors: [] }),
    };
  }
}

export const NO_COMPILER = "the TypeScript compiler is not installed for this machine";
export const NO_COMPILER_HINT =
  "Install the optional packages too, or use Node 22. What `godwit build` has frozen, and JavaScript, need no compiler.";

interface NodeCompiler {
  readonly stripTypeScriptTypes?: (text: string, options: typeof TO_NODE) => string;
}

/** Its source map is part of the code that it returns. */
const TO_NODE = { mode: "transform", sourceMap: true } as const;

/** Node calls its compiler experimental each time that a process uses it. */
function withoutWarning<T>(call: () => T): T {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return call();
  } finally {
    process.emitWarning = emitWarning;
  }
}

/**
 * A configuration may hold secrets, and its text does not show which. Its compiled form is therefore not cached: it
 * stays only where its author put it.
 */
function isConfiguration(name: string): boolean {
  return name.startsWith("godwit.config.");
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/**
 * Writes the file completely or not at all, because another process may be reading it. If the cache cannot be written,
 * there is none.
 */
export function keep(path: string, code: string): boolean {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    // mkdir's own `recursive` may loop for ever (std/make-folder.ts, which can't be imported here).
    const missing: string[] = [];
    for (let folder = dirname(path); !existsSync(folder); folder = dirname(folder)) missing.unshift(folder);
    for (const folder of missing) mkdirOnce(folder);
    try {
      writeFileSync(temporary, code);
      renameSync(temporary, path);
    } finally {
      rmSync(temporary, { force: true });
    }
    return true;
  } catch {
    return false;
  }
}

/** Another process may make it at the same time. */
function mkdirOnce(folder: string): void {
  try {
    mkdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}
