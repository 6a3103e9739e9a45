/** `npm ci` works on a fresh clone: the lock file knows every package of every platform. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

interface Entry {
  readonly version?: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const { packages } = JSON.parse(
  readFileSync(join(import.meta.dirname, "..", "package-lock.json"), "utf8"),
) as { packages: Readonly<Record<string, Entry>> };

test("no platform's package is missing, which npm 11 refuses", () => {
  const missing = Object.entries(packages).flatMap(([path, entry]) =>
    Object.keys({ ...entry.dependencies, ...entry.optionalDependencies })
      .filter((name) => !isFoundFrom(path, name))
      .map((name) => `${path} → ${name}`),
  );
  expect(missing).toEqual([]);
});

test("what is installed with the package is known by its bytes, and no registry is named", () => {
  const all = Object.entries(packages).filter(([path]) => path !== "");
  expect(all.filter(([, { dev, integrity }]) => !dev && !integrity).map(([path]) => path)).toEqual([]);
  expect(all.filter(([, { resolved }]) => resolved !== undefined).map(([path]) => path)).toEqual([]);
});

/** As Node looks for it: in the package's own folder, then in each above. */
function isFoundFrom(path: string, name: string): boolean {
  for (let from = path; ; from = from.slice(0, Math.max(0, from.lastIndexOf("node_modules/") - 1))) {
    if (`${from === "" ? "" : `${from}/`}node_modules/${name}` in packages) return true;
    if (from === "") return false;
  }
}
