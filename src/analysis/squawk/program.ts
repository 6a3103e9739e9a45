/** Runs Squawk's native program. Its own launcher only finds the program, and costs a start of Node. */
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** As the JSON reporter writes it. Lines and columns count from 0, columns in bytes. */
export interface SquawkFinding {
  readonly line: number;
  readonly column: number;
  readonly level: "Error" | "Warning";
  readonly message: string;
  readonly help: string | null;
  readonly rule_name: string;
}

export interface SquawkOptions {
  readonly program: string;
  /** `--assume-in-transaction` */
  readonly inTransaction: boolean;
  /** The major version of the server. */
  readonly server: number | null;
  /** Rules that Squawk itself has off. */
  readonly include: readonly string[];
  readonly signal: AbortSignal;
}

/** The program of this platform: beside us, or in the project. `null`: it is not installed. */
export function findSquawk(root: string): string | null {
  const name = `@squawk-cli/${process.platform}-${process.arch}/package.json`;
  for (const from of [import.meta.url, join(root, "package.json")]) {
    const own = createRequire(from);
    for (const find of [
      () => own.resolve(name),
      () => createRequire(own.resolve("squawk-cli/package.json")).resolve(name),
    ]) {
      const found = orNull(find);
      if (found === null) continue;
      const program = join(dirname(found), "bin", process.platform === "win32" ? "squawk.exe" : "squawk");
      if (existsSync(program)) return program;
    }
  }
  return null;
}

/** The length of a command line is limited. */
const FILES_AT_ONCE = 500;
const MOST_OUTPUT = 256 * 1024 * 1024;

/**
 * What Squawk finds in each text. The texts are files only while it runs, in a folder that nobody else can read. Throws if
 * the program cannot run.
 */
export async function runSquawk(
  texts: readonly string[],
  options: SquawkOptions,
): Promise<readonly (readonly SquawkFinding[])[]> {
  const folder = mkdtempSync(join(tmpdir(), "godwit-lint-"));
  try {
    const found = texts.map((): SquawkFinding[] => []);
    for (const [index, text] of texts.entries())
      writeFileSync(join(folder, `${index}.sql`), text, { mode: 0o600 });
    for (let first = 0; first < texts.length; first += FILES_AT_ONCE) {
      const names = texts.slice(first, first + FILES_AT_ONCE).map((_, index) => `${first + index}.sql`);
      for (const { file, ...finding } of await ask(names, folder, options))
        found[Number(file.replace(/^.*?(\d+)\.sql$/, "$1"))]?.push(finding);
    }
    return found;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

type Reported = SquawkFinding & { readonly file: string };

/** Squawk exits with 1 where it finds something. */
function ask(
  names: readonly string[],
  folder: string,
  { program, inTransaction, server, include, signal }: SquawkOptions,
): Promise<readonly Reported[]> {
  const words = [
    "--reporter=json",
    inTransaction ? "--assume-in-transaction" : "--no-assume-in-transaction",
    ...(server === null ? [] : [`--pg-version=${server}.0`]),
    ...include.map((rule) => `--include=${rule}`),
    ...names,
  ];
  return new Promise((resolve, reject) => {
    execFile(program, words, { cwd: folder, maxBuffer: MOST_OUTPUT, signal }, (error, stdout, stderr) => {
      signal.throwIfAborted();
      try {
        resolve(JSON.parse(stdout) as readonly Reported[]);
      } catch (cause) {
        const said = stderr.trim().split("\n")[0] || (error ?? (cause as Error)).message;
        reject(new Error(said, { cause }));
      }
    });
  });
}

function orNull(find: () => string): string | null {
  try {
    return find();
  } catch {
    return null;
  }
}
