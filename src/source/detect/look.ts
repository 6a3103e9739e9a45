/** A first look at a folder: its names, and the first lines of its files, as far as that is cheap. */
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { isThere, readFolder } from "../folder.ts";
import { readName } from "../names.ts";

export interface Head {
  readonly name: string;
  readonly text: string;
  /** It is all that there is in the file. */
  readonly whole: boolean;
}

export interface FolderView {
  /** Absolute. */
  readonly folder: string;
  readonly files: readonly string[];
  readonly folders: readonly string[];
  readonly sql: readonly string[];
  /** What `plain` would take for migrations. */
  readonly migrations: readonly string[];
  /** Of the SQL files. Each of these is read when somebody asks for it. */
  heads(): readonly Head[];
  /** Of TypeScript and JavaScript that may be migrations. */
  modules(): readonly Head[];
  /** Of XML, YAML, JSON, Python, Ruby, Elixir and Java. */
  others(): readonly Head[];
  tail(name: string): string;
}

const HEAD_BYTES = 4096;
/** More of the same would say the same. */
const HEADS = 100;

/** Throws `SourceError` (`SOURCE_FOLDER_MISSING`, `SOURCE_FOLDER_UNREADABLE`). */
export function lookAt(path: string): FolderView {
  const folder = resolve(path);
  const entries = readFolder(folder).filter(({ name }) => !name.startsWith("."));
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  const files = entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name);
  const sql = files.filter((name) => name.endsWith(".sql"));
  const migrations = files.filter((name) => readName(name) !== null);
  const headsOf = (names: readonly string[]) => {
    let heads: readonly Head[] | undefined;
    return () => {
      heads ??= names.slice(0, HEADS).map((name) => headOf(folder, name));
      return heads;
    };
  };
  return {
    folder,
    files,
    folders,
    sql,
    migrations,
    heads: headsOf(sql),
    modules: headsOf(migrations.filter((name) => /\.[mc]?[jt]s$/.test(name))),
    others: headsOf(files.filter((name) => /\.(?:xml|ya?ml|json|py|rb|exs|java|kt)$/.test(name))),
    tail: (name) => piece(join(folder, name), "end").text,
  };
}

/** What the root of a project has, by its language. */
const MANIFESTS = {
  rust: ["Cargo.toml"],
  go: ["go.mod"],
  other: [
    ...["package.json", "deno.json", "pyproject.toml", "pom.xml", "build.gradle", "build.gradle.kts"],
    ...["mix.exs", "Gemfile", "composer.json"],
  ],
} as const;

/**
 * Whether the folder or one above it holds such a file (that says so). The search ends at the root of the repository, or
 * at the first root of a project in other languages only.
 */
export function hasAbove(
  folder: string,
  { names, language, says }: { names: readonly string[]; language: "rust" | "go"; says?: RegExp },
): boolean {
  const isRoot = (place: string, manifests: readonly string[]) =>
    manifests.some((name) => isThere(join(place, name)));
  for (let place = folder, level = 0; level < LEVELS; place = dirname(place), level++) {
    for (const name of names)
      if (isThere(join(place, name)) && (says?.test(headOf(place, name, 64 * 1024).text) ?? true))
        return true;
    if (isThere(join(place, ".git")) || place === dirname(place)) return false;
    if (!isRoot(place, MANIFESTS[language]) && isRoot(place, Object.values(MANIFESTS).flat())) return false;
  }
  return false;
}

/** The files of these names in the folder and those above it, up to the root of the repository; the nearest first. */
export function textsAbove(folder: string, names: readonly string[]): readonly Head[] {
  const found: Head[] = [];
  for (let place = resolve(folder), level = 0; level < LEVELS; place = dirname(place), level++) {
    for (const name of names) if (isThere(join(place, name))) found.push(headOf(place, name, 256 * 1024));
    if (isThere(join(place, ".git")) || place === dirname(place)) break;
  }
  return found;
}

const LEVELS = 8;

function headOf(folder: string, name: string, bytes = HEAD_BYTES): Head {
  return { name, ...piece(join(folder, name), "start", bytes) };
}

/** Empty where it cannot be read: reading it in earnest will say why. */
function piece(path: string, from: "start" | "end", bytes = HEAD_BYTES): { text: string; whole: boolean } {
  let file: number | undefined;
  try {
    // Not to wait for whoever might write into a pipe.
    file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const stat = fstatSync(file);
    if (!stat.isFile()) return { text: "", whole: true };
    const buffer = Buffer.alloc(Math.min(bytes, stat.size));
    readSync(file, buffer, 0, buffer.length, from === "start" ? 0 : stat.size - buffer.length);
    const text = buffer
      .toString("utf8")
      .replace(/^\ufeff/, "")
      .replace(/\r\n/g, "\n");
    return { text, whole: buffer.length === stat.size };
  } catch {
    return { text: "", whole: true };
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
