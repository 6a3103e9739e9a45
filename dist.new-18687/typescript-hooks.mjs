// src/source/hooks.ts
import { createHash, randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
var settings;
function initialize(data) {
  settings = data;
}
async function resolve(specifier, context, next) {
  try {
    return await next(specifier, context);
  } catch (error) {
    const parent = context.parentURL ?? "";
    if (!REPAIRABLE.has(error.code ?? "")) throw error;
    if (!parent.startsWith("file:") || parent.includes("/node_modules/")) throw error;
    if (specifier === "godwit" && settings !== void 0) return next(settings.godwit, context);
    const found = /^\.{0,2}\//.test(specifier) && findSibling(fileURLToPath(new URL(specifier, parent)));
    if (typeof found !== "string") throw error;
    return next(pathToFileURL(found).href, context);
  }
}
var REPAIRABLE = /* @__PURE__ */ new Set(["ERR_MODULE_NOT_FOUND", "ERR_UNSUPPORTED_DIR_IMPORT", "MODULE_NOT_FOUND"]);
async function load(url, context, next) {
  if (settings === void 0 || !url.startsWith("file:") || url.includes("/node_modules/"))
    return next(url, context);
  const path = fileURLToPath(url);
  if (!isTypeScript(path)) return next(url, context);
  const code = await compileTypeScript(readFileSync(path, "utf8"), path, settings);
  return { format: hasModuleSyntax(code) ? "module" : "commonjs", source: code, shortCircuit: true };
}
function isTypeScript(path) {
  return /\.[mc]?ts$/.test(path);
}
function findSibling(path) {
  const bare = path.replace(/\.[mc]?[jt]s$/, "");
  const kinds = ["ts", "mts", "cts", "js", "mjs", "cjs"];
  const names = kinds.map((kind) => `${bare}.${kind}`);
  if (bare === path) names.push(...kinds.map((kind) => join(path, `index.${kind}`)));
  return names.find((name) => existsSync(name) && statSync(name).isFile());
}
function hasModuleSyntax(code) {
  const statement = /^[ \t]*(?:import(?:[ \t]*[{*"']|[ \t]+\w)|export(?:[ \t]*[{*]|[ \t]+\w))/m;
  return statement.test(code) || /\bimport\.meta\b/.test(code);
}
async function compileTypeScript(text, path, options) {
  const name = basename(path);
  const key = createHash("sha256").update(JSON.stringify([1, options.compilerVersion, name, text])).digest("hex");
  const cached = options.cacheFolder && join(options.cacheFolder, `${key}.js`);
  const known = cached && readIfThere(cached);
  if (known) return known;
  const { transformSync } = await import(options.compiler);
  const source = text.replace(/^\uFEFF/, "");
  const result = transformSync(name, source, { sourcemap: true });
  const error = result.errors[0];
  if (error !== void 0) {
    const before = source.slice(0, error.labels[0]?.start ?? 0).split("\n");
    const column = (before.at(-1)?.length ?? 0) + 1;
    throw new SyntaxError(`${error.message} (${path}:${before.length}:${column})`);
  }
  const map = Buffer.from(JSON.stringify(result.map)).toString("base64");
  const code = `${result.code}
//# sourceMappingURL=data:application/json;base64,${map}
`;
  if (cached) keep(cached, code);
  return code;
}
function readIfThere(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return void 0;
  }
}
function keep(path, code) {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    mkdirSync(dirname(path), { recursive: true });
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
export {
  compileTypeScript,
  findSibling,
  hasModuleSyntax,
  initialize,
  isTypeScript,
  keep,
  load,
  resolve
};
