// Writes the types of the package: those that the entry points reach, and no other.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

export const ENTRIES = ["index", "health", "testing"];

/**
 * Names that `@types/node` and TypeScript's `dom` both declare. A project may have neither. Each name stands for the
 * declared type where there is one, and otherwise for the few members that Godwit's types need.
 */
const GLOBALS = {
  AbortSignal: "{ readonly aborted: boolean; readonly reason: unknown; throwIfAborted(): void }",
  Request:
    "{ readonly method: string; readonly url: string; readonly headers: { get(name: string): string | null } }",
  Response: "{ readonly status: number; text(): Promise<string> }",
  Buffer: "Uint8Array",
};

/** Writes them into `folder`. Throws if the sources have errors of type. */
export function writeDeclarations(folder) {
  const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
  const options = ["--noEmit", "false", "--declaration", "--emitDeclarationOnly"];
  const place = ["--project", "tsconfig.build.json", "--outDir", folder, "--rewriteRelativeImportExtensions"];
  execFileSync(process.execPath, [tsc, ...place, ...options], { cwd: root, stdio: "inherit" });
  const reached = reachedFrom(ENTRIES.map((name) => join(folder, `${name}.d.ts`)));
  for (const name of readdirSync(folder, { recursive: true }))
    if (name.endsWith(".d.ts") && !reached.has(join(folder, name))) rmSync(join(folder, name));
  removeEmpty(folder);
  for (const [path, text] of reached) writeFileSync(path, withGlobals(text, dirname(path), folder));
  writeFileSync(join(folder, "globals.d.ts"), globalsFile());
}

/** The files and their texts, by path. */
function reachedFrom(entries) {
  const reached = new Map();
  const open = [...entries];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (reached.has(path)) continue;
    // tsc leaves the extensions of declarations as they are.
    const text = readFileSync(path, "utf8").replace(/((?:from |import\()"\.[^"]+)\.ts"/g, '$1.js"');
    reached.set(path, text);
    for (const [, target] of text.matchAll(/(?:from |import\()"(\.[^"]+)\.js"/g))
      open.push(`${resolve(dirname(path), target)}.d.ts`);
  }
  return reached;
}

function removeEmpty(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true }))
    if (entry.isDirectory()) removeEmpty(join(folder, entry.name));
  if (readdirSync(folder).length === 0) rmSync(folder, { recursive: true });
}

/** An import shadows the global of the same name. */
function withGlobals(text, from, folder) {
  const code = text.replace(/\/\*.*?\*\//gs, "").replace(/\/\/.*$|"[^"\n]*"/gm, "");
  const isUsed = (name) => new RegExp(`\\b${name}\\b`).test(code);
  const isOwn = (name) => new RegExp(`\\b(?:interface|type|class) ${name}\\b`).test(code);
  const names = Object.keys(GLOBALS).filter((name) => isUsed(name) && !isOwn(name));
  if (names.length === 0) return text;
  const path = relative(from, folder).replaceAll(sep, "/") || ".";
  return `import type { ${names.join(", ")} } from "${path}/globals.js";\n${text}`;
}

function globalsFile() {
  return Object.entries(GLOBALS)
    .map(
      ([name, members]) =>
        `export type ${name} = typeof globalThis extends { ${name}: { prototype: infer T } } ? T : ${members};\n`,
    )
    .join("");
}
