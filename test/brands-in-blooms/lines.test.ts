/** The README of Brands in Blooms goes through that system line by line; each line names tests that are there. */
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { root } from "../../scripts/fresh.mjs";

const EXAMPLE = join(root, "examples", "brands-in-blooms");
const readme = readFileSync(join(EXAMPLE, "README.md"), "utf8");
const rows = readme
  .slice(readme.search(/^\| promise +\| test +\|$/m))
  .split("\n")
  .slice(2)
  .filter((line) => line.startsWith("|"))
  .map((line) => line.split("|").map((cell) => cell.trim()))
  .map(([, promise = "", tests = ""]) => ({ promise, tests }));

test("every test that a line names is there, under that title", () => {
  expect(rows.length).toBeGreaterThan(25);
  const missing = rows.flatMap(({ promise, tests }) => {
    const named = [...tests.matchAll(/\[([^\]]+)\]\(([^)]+)\)/g)].map(([, title = "", path = ""]) => ({
      title,
      file: resolve(EXAMPLE, path),
    }));
    if (named.length === 0) return tests === "not yet" ? [] : [`${promise}: no test`];
    return named
      .filter(({ title, file }) => !existsSync(file) || !readFileSync(file, "utf8").includes(title))
      .map(({ title }) => `${promise}: ${title}`);
  });
  expect(missing).toEqual([]);
});

test("no word of that system is left out", () => {
  const all = rows.map(({ promise }) => promise).join("\n");
  const words = [
    ...[
      "supabase/migrations",
      "parallel",
      "never takes the app down",
      "Signals",
      "zombies",
      "exit code",
      "not root",
    ],
    ...["NODE_ENV", "MIGRATION_ENABLED", "SKIP_MIGRATIONS", "USE_NODE_MIGRATIONS", "MIGRATION_TIMEOUT"],
    ...["MIGRATION_RETRY_COUNT", "MIGRATION_RETRY_DELAY", "MIGRATION_MAX_MEMORY_MB", "nice 10", "50 MB"],
    ...[
      "SUPABASE_DB_URL",
      "NEXT_PUBLIC_SUPABASE_URL",
      "SUPABASE_SERVICE_ROLE_KEY",
      "exec_sql",
      "migration_locks",
    ],
    ...[
      "exactly one",
      "Stale",
      "checksum",
      "Row-level",
      "locked_at",
      "executed_at",
      "filename",
      "/api/health",
      "503",
    ],
    ...[
      "status file",
      "timestamp",
      "instanceId",
      "duration",
      "No secret",
      "metrics",
      "drift",
      "per environment",
    ],
    ...["retry strategies", "preview", "webhook", "rollback", "blue-green", "custom runners"],
  ];
  expect(words.filter((word) => !all.includes(word))).toEqual([]);
});

test("the image runs as a user that is not root, and begins with a command of the package", () => {
  const text = readFileSync(join(EXAMPLE, "Dockerfile"), "utf8");
  const last = text.slice(text.lastIndexOf("\nFROM "));
  const [, user] = /^USER (.+)$/m.exec(last) ?? [];
  expect(user).toBe("nextjs");
  expect(last.indexOf(`--uid 1001 ${user}`)).toBeGreaterThan(0);
  expect(last.indexOf("\nUSER ")).toBeLessThan(last.indexOf("\nENTRYPOINT "));
  const [first = ""] = JSON.parse(/^ENTRYPOINT (.+)$/m.exec(last)?.[1] ?? "[]");
  // Without a container it is started by the same command.
  const { scripts } = JSON.parse(readFileSync(join(EXAMPLE, "package.json"), "utf8"));
  expect(scripts.start.split(" ")[0]).toBe(first);
  const { bin } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  expect(Object.keys(bin)).toContain(first);
  for (const [, from = ""] of text.matchAll(/^COPY (?!--from)(\S+) /gm))
    if (!from.startsWith("package")) expect([from, existsSync(join(EXAMPLE, from))]).toEqual([from, true]);
});
