/** What `npm publish` would send: the built program, its types and pages, and nothing of the machine that built it. */
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { builtinModules } from "node:module";
import { homedir, tmpdir } from "node:os";
import { dirname, join, posix } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { root } from "../../scripts/fresh.mjs";
import { pack, unpack } from "../support/package.ts";

const folder = mkdtempSync(join(tmpdir(), "godwit-contents-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files: readonly string[] = [];
let place = "";
beforeAll(() => {
  const packed = pack(folder);
  files = packed.files;
  place = unpack(packed, folder);
});

const read = (name: string) => readFileSync(join(place, name), "utf8");
const description = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  readonly bin: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  readonly dependencies: object;
  readonly optionalDependencies: object;
  readonly peerDependencies: object;
};

test("no test, no source, no map", () => {
  const roots = [...new Set(files.map((name) => name.split("/")[0]))].toSorted();
  expect(roots).toEqual(["CHANGELOG.md", "LICENSE", "README.md", "bin", "dist", "docs", "package.json"]);
  expect(files.filter((name) => /\.(?:test|fixture)\.|\.map$|(?<!\.d)\.[mc]?ts$/.test(name))).toEqual([]);
});

test("no path of the machine that built it", () => {
  for (const name of files)
    expect(
      [root, folder, homedir()].filter((path) => path.length > 5 && read(name).includes(path)),
      name,
    ).toEqual([]);
});

test("everything that package.json promises is there, and programs can be run", () => {
  const targets = Object.values(description.exports).flatMap((one) =>
    typeof one === "string" ? [one] : Object.values(one),
  );
  for (const target of targets) expect(files).toContain(posix.normalize(target));
  for (const path of Object.values(description.bin)) {
    expect(statSync(join(place, path)).mode & 0o111, path).toBe(0o111);
    expect(read(path).startsWith("#!"), path).toBe(true);
  }
  for (const [name, target] of Object.entries(description.exports))
    if (typeof target !== "string")
      expect(Object.keys(target)[0], `${name}: types are found first`).toBe("types");
});

test("every file that another one imports is there", () => {
  const missing = files
    .filter((name) => /\.(?:d\.ts|[mc]?js)$/.test(name))
    .flatMap((name) =>
      specifiers(read(name))
        // What ends in .ts stands in an example of a rule: the package has no TypeScript.
        .filter((specifier) => /^\.{1,2}\//.test(specifier) && !/(?<!\.d)\.ts$/.test(specifier))
        .map((specifier) => posix.join(dirname(name), specifier))
        .filter((path) => !files.includes(path) && !files.includes(path.replace(/\.js$/, ".d.ts")))
        .map((path) => `${name} → ${path}`),
    );
  expect(missing).toEqual([]);
});

test("every package that is imported is installed with this one, or is the user's choice", () => {
  const { dependencies, optionalDependencies, peerDependencies } = description;
  const known = [...Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies })];
  const foreign = files
    .filter((name) => /^dist\/.*\.(?:d\.ts|js|mjs)$/.test(name))
    .flatMap((name) => specifiers(read(name)))
    .filter((specifier) => /^@?[a-z][\w./-]*$/.test(specifier) && !builtinModules.includes(specifier))
    .map((specifier) =>
      specifier
        .split("/")
        .slice(0, specifier.startsWith("@") ? 2 : 1)
        .join("/"),
    );
  expect(foreign).toContain("pg");
  expect([...new Set(foreign)].filter((name) => !known.includes(name) && !CHOICES.includes(name))).toEqual(
    [],
  );
});

/** Asked for by name in a message if somebody wants what needs them. `godwit` is what a migration imports. */
const CHOICES = ["libpg-query", "esbuild", "vite", "@electric-sql/pglite", "pg-native", "godwit"];

function specifiers(code: string): string[] {
  return [...code.matchAll(/(?:^import |\bfrom ?|\bimport\()"([^"\n]+)"/gm)].map(([, name = ""]) => name);
}
