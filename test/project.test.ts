/** What keeps the project going: workflows that call what there is, and a release that checks before it publishes. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve, sep } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { distTagOf, notesOf, obstaclesTo } from "../scripts/release.mjs";
import { VERSIONS } from "../scripts/servers.mjs";
import { APART, LONGEST, OF_THE_TREE, SLOW } from "./support/lists.ts";

const ROOT = resolve(import.meta.dirname, "..");
const read = (...path: string[]) => readFileSync(join(ROOT, ...path), "utf8");

interface Workflow {
  readonly on: object;
  readonly permissions: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, Job>>;
}

interface Job {
  readonly "runs-on": string;
  readonly "timeout-minutes": number;
  readonly strategy?: { readonly matrix: Readonly<Record<string, readonly unknown[]>> };
  readonly steps: readonly { readonly uses?: string; readonly run?: string }[];
}

const folder = join(ROOT, ".github", "workflows");
const workflows = readdirSync(folder).map(
  (name) => [name, parse(read(".github", "workflows", name)) as Workflow] as const,
);
const ci = workflows.find(([name]) => name === "ci.yml")?.[1];

test.each(workflows)("%s runs only what is there, with few rights and an end", (_, { permissions, jobs }) => {
  expect(permissions).toEqual({ contents: "read" });
  const { scripts } = JSON.parse(read("package.json")) as { scripts: Readonly<Record<string, string>> };
  for (const [name, job] of Object.entries(jobs)) {
    expect(job["timeout-minutes"], name).toBeGreaterThan(0);
    for (const { run = "", uses } of job.steps) {
      if (uses !== undefined) expect(uses).toMatch(/^actions\/[\w-]+@v\d+$/);
      for (const [, script = ""] of run.matchAll(/\bnpm (?:run )?(start|test|check|build)\b/g))
        expect(scripts, run).toHaveProperty(script);
      for (const [path] of run.matchAll(/(?:scripts|test|\.ci)\/[\w./-]+/g))
        expect(existsSync(join(ROOT, path)), path).toBe(true);
    }
  }
});

test("CI has every PostgreSQL that is supported, and the oldest Node", () => {
  const matrix = ci?.jobs.test?.strategy?.matrix;
  expect(matrix?.postgres).toEqual(Object.keys(VERSIONS).map(Number));
  const { engines } = JSON.parse(read("package.json")) as { engines: { node: string } };
  expect(engines.node).toContain(`${matrix?.node?.[0]}.`);
});

test("every other file of .github is what GitHub reads", () => {
  expect(parse(read(".github", "dependabot.yml"))).toMatchObject({ version: 2, updates: [{}, {}] });
  for (const name of readdirSync(join(ROOT, ".github", "ISSUE_TEMPLATE"))) {
    const form = parse(read(".github", "ISSUE_TEMPLATE", name)) as { body?: readonly { type: string }[] };
    if (name !== "config.yml")
      expect(form, name).toMatchObject({ name: expect.any(String), description: expect.any(String) });
    for (const { type } of form.body ?? []) expect(["markdown", "textarea", "input"]).toContain(type);
  }
});

const FITS = {
  description: { version: "1.2.0", repository: {} },
  lock: { version: "1.2.0" },
  changelog: "# Changelog\n\n## 1.2.0 (2027-01-31)\n\n**New**\n\n- this\n\n## 1.1.0 (2026-12-01)\n\n- that\n",
};

test("a release is refused while anything does not fit its tag", () => {
  expect(obstaclesTo("v1.2.0", FITS)).toEqual([]);
  const about = (tag: string, other: object) => obstaclesTo(tag, { ...FITS, ...other }).join("\n");
  expect(about("v1.2.1", {})).toContain("the tag is v1.2.1, package.json says 1.2.0");
  expect(about("v1.2.0", { lock: { version: "1.1.0" } })).toContain("package-lock.json says 1.1.0");
  expect(about("v1.2.0", { description: { version: "1.2.0" } })).toContain("no repository");
  expect(about("v1.2.0", { changelog: "## 1.2.0 (unreleased)\n" })).toContain("CHANGELOG.md has no section");
});

test("a version with a hyphen goes to next, and the notes are the changelog's section", () => {
  expect([distTagOf("v1.2.0"), distTagOf("v1.2.0-rc.1")]).toEqual(["latest", "next"]);
  expect(notesOf("v1.2.0", FITS.changelog)).toBe("**New**\n\n- this");
  expect(notesOf("v9.9.9", FITS.changelog)).toBeNull();
});

test("the recipes name files that there are", () => {
  const paths = [...read("CONTRIBUTING.md").matchAll(/`((?:src|test|docs|scripts)\/[\w./-]+)`/g)];
  expect(paths.length).toBeGreaterThan(20);
  expect(paths.map(([, path = ""]) => path).filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
});

test("every file in a list of tests is there", () => {
  const there = readdirSync(join(ROOT, "test"), { recursive: true, encoding: "utf8" }).map(
    (name) => `test/${name.replaceAll(sep, "/")}`,
  );
  for (const glob of [...SLOW, ...LONGEST, ...APART, ...OF_THE_TREE].flatMap(withoutBraces)) {
    const [before = "", after] = glob.split("*");
    const isMeant = (name: string) =>
      after === undefined ? name === glob : name.startsWith(before) && name.endsWith(after);
    expect(there.some(isMeant), glob).toBe(true);
  }
});

/** `{a,b}/c` is `a/c` and `b/c`. */
function withoutBraces(glob: string): readonly string[] {
  const [, before = "", words, after = ""] = /^(.*?)\{([^{}]*)\}(.*)$/.exec(glob) ?? [];
  if (words === undefined) return [glob];
  return words.split(",").flatMap((word) => withoutBraces(before + word + after));
}
