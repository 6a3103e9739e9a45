/** Loads one TypeScript or JavaScript migration and reports what it declares. It runs only in the process of user code. */
import { createRequire, SourceMap, type SourceMapPayload } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { checksum } from "../../core/checksum.ts";
import { type Place, type Problem, SourceError } from "../../errors.ts";
import type { ModuleFile } from "../../host/protocol.ts";
import { placeOf } from "../place.ts";
import { readText } from "../text.ts";
import { type Declaration, readDeclaration } from "./declaration.ts";
import { compileTypeScript, isTypeScript, NO_COMPILER, NO_COMPILER_HINT } from "./hooks.ts";
import { compileSettings, registerTypeScript } from "./typescript.ts";
import { type Unresolved, unresolved } from "./unresolved.ts";

export interface ModuleOptions {
  /** The folder of compiled TypeScript. `null`: it is not stored. */
  readonly cacheFolder: string | null;
}

/**
 * Imports a migration. A changed text is imported again. What it imports in turn is not, as long as the process lives.
 * Throws `SourceError` (`SOURCE_MODULE_BROKEN`, `SOURCE_MODULE_WITHOUT_UP`, `SOURCE_DIRECTIVE_…`).
 */
export async function loadModule(module: ModuleFile, options: ModuleOptions): Promise<Declaration> {
  const { file } = module;
  const namespace = (await importFile(module, options)) as Record<string, unknown>;
  const declaration = await declarationOf(namespace, module, options);
  if (declaration === null)
    throw new SourceError([
      {
        code: "SOURCE_MODULE_WITHOUT_UP",
        message: `${file} exports no function \`up\` or \`upgrade\`.`,
        hint: "Write `export default migration({ async up({ sql }) { … } })`, or move helpers into a sub-folder.",
        place: { file },
      },
    ]);
  const [first, ...others] = declaration.problems;
  if (first !== undefined) throw new SourceError([first, ...others]);
  return declaration;
}

/** The author's getters and proxies run while the exports are read. */
async function declarationOf(
  namespace: Record<string, unknown>,
  module: ModuleFile,
  options: ModuleOptions,
): Promise<Declaration | null> {
  try {
    return readDeclaration(namespace, module.file);
  } catch (error) {
    const hint = "Declare plain functions and values: what they need is computed when they are called.";
    const broken = await brokenModule(error, module, options);
    throw new SourceError([{ ...broken, hint: broken.hint ?? hint }], { cause: error });
  }
}

async function importFile(module: ModuleFile, options: ModuleOptions): Promise<unknown> {
  const { path, file, text } = module;
  const url = `${pathToFileURL(path).href}?godwit=${checksum(text).slice(-16)}`;
  try {
    const compiler = needsHooks(module) ? await registerTypeScript(options.cacheFolder) : null;
    // Compiles before the import, so that a syntax error appears here with its position, not through another thread.
    if (compiler !== null && isTypeScript(path)) await compileTypeScript(text, path, compiler);
    // Node caches CommonJS by path alone and would return the old text.
    delete createRequire(path).cache[path];
    return await import(url);
  } catch (error) {
    throw new SourceError([await brokenModule(error, { path, file, text }, options)], { cause: error });
  }
}

/**
 * TypeScript needs them, and so does JavaScript that may import TypeScript or `godwit`. Everything else runs without the
 * extra thread.
 */
function needsHooks({ path, text }: ModuleFile): boolean {
  return isTypeScript(path) || /["'`](?:godwit["'`]|\.{1,2}\/)/.test(text);
}

async function brokenModule(error: unknown, module: ModuleFile, options: ModuleOptions): Promise<Problem> {
  const reason = reasonOf(error);
  const told = unresolved(reason, module.text);
  const place =
    told === null
      ? await placeOfError(error, module, options).catch(() => undefined)
      : placeOfUnresolved(told, module);
  return {
    code: "SOURCE_MODULE_BROKEN",
    message: `${module.file} cannot be loaded: ${reason.replace(/ \([^()]*:\d+:\d+\)$|\nRequire stack:[\s\S]*$/, "").replace(/\.$/, "")}.`,
    hint: hintFor(reason) ?? told?.hint,
    place: place ?? { file: module.file },
    details: { path: module.path },
  };
}

function placeOfUnresolved({ importer, sought }: Unresolved, module: ModuleFile): Place | undefined {
  try {
    const at = importer === undefined || importer === module.path ? module : readImported(importer);
    const found = sought.exec(at.text);
    if (found === null) return undefined;
    const before = at.text.slice(0, found.index + found[0].search(/\S/)).split("\n");
    return placeOf(at.file, at.text, { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 });
  } catch {
    return undefined;
  }
}

/** A thrown value may be anything, even something that cannot become text. */
function reasonOf(error: unknown): string {
  try {
    return String(error instanceof Error ? error.message : error);
  } catch {
    return "it throws something that is no text";
  }
}

function hintFor(reason: string): string | undefined {
  if (reason.startsWith(NO_COMPILER)) return NO_COMPILER_HINT;
  return reason.includes("Require stack")
    ? "`require` finds neither TypeScript nor a godwit that is not installed here: use `import`."
    : undefined;
}

/**
 * The position in this file. It comes from the compiler, from the stack, or from compiling what Node only called a
 * syntax error.
 */
async function placeOfError(
  error: unknown,
  module: ModuleFile,
  options: ModuleOptions,
): Promise<Place | undefined> {
  if (!(error instanceof Error)) return undefined;
  const told = /\(([^()]+):(\d+):(\d+)\)$/.exec(error.message);
  if (told !== null) {
    const at = { line: Number(told[2]), column: Number(told[3]) };
    return told[1] === module.path ? placeOf(module.file, module.text, at) : { file: told[1] ?? "", ...at };
  }
  if (error.name === "SyntaxError" && !isTypeScript(module.path)) {
    const settings = { ...compileSettings(null), cacheFolder: null };
    const syntax = await compileTypeScript(module.text, module.path, settings).catch(
      (caught: unknown) => caught,
    );
    if (syntax instanceof SyntaxError && syntax.message !== error.message)
      return placeOfError(syntax, module, options);
  }
  // A message of a megabyte may precede the frames. It contains no frame.
  const lines = (error.stack ?? "").split("\n").filter((line) => line.length < LONGEST_FRAME);
  const frames = lines.flatMap((line) => [...line.matchAll(FRAME)]).map(readFrame);
  const own = frames.find(({ path }) => path === module.path);
  // An imported file has thrown during its evaluation. The stack then has no frame of the importing file.
  const [imported] = frames.filter(({ path }) => path !== OURS && !path.includes("/node_modules/"));
  const frame = own ?? imported;
  if (frame === undefined) return undefined;
  const at = own === undefined ? readImported(frame.path) : module;
  return placeOf(at.file, at.text, await original(at, frame.line, frame.column, options));
}

interface Frame {
  readonly path: string;
  readonly line: number;
  readonly column: number;
}

function readFrame([whole, line, column]: RegExpMatchArray): Frame {
  const address = whole.replace(/(?:\?godwit=\w+)?:\d+:\d+$/, "");
  const path = address.startsWith("file:") ? fileURLToPath(address) : address;
  return { path, line: Number(line), column: Number(column) };
}

function readImported(path: string): ModuleFile {
  return { path, file: path, text: readText(path, path) };
}

const OURS = fileURLToPath(import.meta.url);

const LONGEST_FRAME = 4_096;
const FRAME = /(?:file:\/\/[^\s()]+?|\/[^\s():]+)(?:\?godwit=\w+)?:(\d+):(\d+)/g;

/** Maps a position in the compiled code, which the stack names, to the author's text. */
async function original(module: ModuleFile, line: number, column: number, options: ModuleOptions) {
  if (!isTypeScript(module.path)) return { line, column };
  const code = await compileTypeScript(module.text, module.path, compileSettings(options.cacheFolder));
  const map = /\/\/# sourceMappingURL=data:application\/json;base64,(\S+)\s*$/.exec(code)?.[1] ?? "";
  const entry = new SourceMap(JSON.parse(Buffer.from(map, "base64").toString()) as SourceMapPayload);
  const found = entry.findEntry(line - 1, column - 1);
  return "originalLine" in found
    ? { line: found.originalLine + 1, column: found.originalColumn + 1 }
    : { line, column };
}
