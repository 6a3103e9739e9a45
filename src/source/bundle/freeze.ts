/**
 * Follows a module's imports and compiles what it finds, so that the module runs without the compiler and without the
 * application. Imports from outside the migrations folder are refused: that code keeps changing, and a migration must
 * not.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, extname, join, relative, resolve, sep } from "node:path";
import { type Problem, SourceError } from "../../errors.ts";
import {
  compileTypeScript,
  findSibling,
  hasModuleSyntax,
  isTypeScript,
  NO_COMPILER,
} from "../module/hooks.ts";
import { compileSettings } from "../module/typescript.ts";
import { placeAt } from "../place.ts";
import { readText } from "../text.ts";

export interface FrozenFile {
  /** The path in the bundle, below its folder of modules. */
  readonly file: string;
  readonly content: string | Uint8Array;
}

/**
 * A module and everything it imports from the same folder, with the module first. Throws `SourceError` with all imports
 * that cannot be frozen (`SOURCE_MODULE_IMPORT`).
 */
export async function freezeModule(
  folder: string,
  file: string,
  cacheFolder: string | null,
): Promise<readonly FrozenFile[]> {
  const frozen: FrozenFile[] = [];
  const problems: Problem[] = [];
  const queue = [file];
  for (const name of queue) {
    const path = join(folder, name);
    if (!/\.[mc]?[jt]s$/.test(name)) {
      frozen.push({ file: name, content: readFileSync(path) });
      continue;
    }
    const text = readText(path, name);
    const code = isTypeScript(path)
      ? await compileTypeScript(text, path, compileSettings(cacheFolder))
      : text;
    frozen.push({ file: frozenName(name, code), content: code });
    for (const specifier of await importsOf({ path, name, text, code, cacheFolder }, problems)) {
      const found = follow(folder, { path, specifier });
      if ("refused" in found) problems.push(refusal({ name, text, specifier, why: found.refused }));
      else if (found.file !== null && !queue.includes(found.file)) queue.push(found.file);
    }
  }
  const [first, ...others] = problems;
  if (first !== undefined) throw new SourceError([first, ...others]);
  return frozen;
}

/** In a bundle the extension says what a file is, because the project's package.json stays behind. */
function frozenName(name: string, code: string): string {
  const bare = name.slice(0, -extname(name).length);
  if (hasModuleSyntax(code) || /\.m[jt]s$/.test(name)) return `${bare}.mjs`;
  return `${bare}${/\.c[jt]s$/.test(name) ? ".cjs" : ".js"}`;
}

interface Scanner {
  moduleRunnerTransformSync(
    name: string,
    code: string,
  ): { readonly code: string; readonly deps: readonly string[]; readonly dynamicDeps: readonly string[] };
}

interface Compiled {
  readonly path: string;
  readonly name: string;
  readonly text: string;
  readonly code: string;
  readonly cacheFolder: string | null;
}

/** Uses the compiler's own parser. It lists imports, and turns those that it cannot name into a call that we can find. */
async function importsOf(
  { name, text, code, cacheFolder }: Compiled,
  problems: Problem[],
): Promise<Set<string>> {
  const { moduleRunnerTransformSync } = await scanner(name, cacheFolder);
  const scanned = moduleRunnerTransformSync("module.js", code);
  const imports = new Set([...scanned.deps, ...scanned.dynamicDeps]);
  for (const [, , specifier] of scanned.code.matchAll(BESIDE))
    if (specifier !== undefined) imports.add(specifier);
  if (!hasModuleSyntax(code))
    for (const [, , specifier] of code.matchAll(/\brequire\s*\(\s*(["'`])([^"'`$]+)\1\s*\)/g))
      if (specifier !== undefined) imports.add(specifier);
  const rest = scanned.code.replace(BESIDE, "");
  for (const [pattern, specifier, why] of UNFOLLOWED)
    if (pattern.test(rest)) problems.push(refusal({ name, text, specifier, why }));
  return imports;
}

async function scanner(name: string, cacheFolder: string | null): Promise<Scanner> {
  try {
    return (await import(compileSettings(cacheFolder).compiler)) as Scanner;
  } catch (cause) {
    const message = `${name} cannot be frozen: ${NO_COMPILER}.`;
    const hint =
      "Run `godwit build` where the optional packages are installed; the bundle itself needs none of them.";
    throw new SourceError([{ code: "SOURCE_MODULE_IMPORT", message, hint, place: { file: name } }], {
      cause,
    });
  }
}

/** `new URL("./data.csv", import.meta.url)` refers to a file that is read, not imported. */
const BESIDE = /new URL\(\s*(["'])(.+?)\1\s*,\s*__vite_ssr_import_meta__\.url\s*\)/g;

const UNFOLLOWED: readonly (readonly [RegExp, specifier: string, why: string])[] = [
  [/__vite_ssr_dynamic_import__\(\s*(?!["'])/, "import(", "its name is computed, so it cannot be followed"],
  [/\brequire\s*\(\s*(?!["'`\s])/, "require(", "its name is computed, so it cannot be followed"],
  [/__vite_ssr_import_meta__\.(?:url|dirname|filename)/, "import.meta", "it asks where it is, which changes"],
  [/\b__(?:dir|file)name\b/, "__", "it asks where it is, which changes"],
];

type Followed = { readonly file: string | null } | { readonly refused: string };

/** The file to include, `null` for a package that stays outside, or the reason why neither is possible. */
function follow(folder: string, { path, specifier }: { path: string; specifier: string }): Followed {
  if (specifier === "godwit" || specifier.startsWith("node:")) return { file: null };
  if (/^\.{1,2}(?:\/|$)/.test(specifier)) {
    const target = resolve(dirname(path), specifier);
    if (relative(folder, target).split(sep)[0] === "..")
      return { refused: "it lies outside the migrations folder" };
    const found = isThere(target) ? target : findSibling(target);
    if (found === undefined) return { refused: "there is no such file" };
    return { file: relative(folder, found).split(sep).join("/") };
  }
  if (!/^(?:@[\w~-][\w.~-]*\/)?[\w~-][\w.~-]*(?:\/|$)/.test(specifier))
    return { refused: "it is neither a package nor a file of the migrations folder" };
  try {
    createRequire(path).resolve(specifier);
  } catch (error) {
    // A package that can be imported but not required is still installed.
    if ((error as NodeJS.ErrnoException).code === "MODULE_NOT_FOUND")
      return { refused: "no such package is installed" };
  }
  return { file: null };
}

function isThere(path: string): boolean {
  try {
    readFileSync(path);
    return true;
  } catch {
    return false;
  }
}

function refusal({
  name,
  text,
  specifier,
  why,
}: {
  name: string;
  text: string;
  specifier: string;
  why: string;
}): Problem {
  const at = [`"${specifier}"`, `'${specifier}'`, specifier]
    .map((form) => text.indexOf(form))
    .find((index) => index !== -1);
  return {
    code: "SOURCE_MODULE_IMPORT",
    message: `${name} uses \`${specifier.replace(/\($/, "")}\`, which cannot be frozen: ${why}.`,
    hint: "A migration must mean the same for ever: copy what it needs into the migrations folder.",
    place: at === undefined ? { file: name } : placeAt(name, text, at),
  };
}
