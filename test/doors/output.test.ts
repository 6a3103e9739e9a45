/** What a command writes is there whole, or the command fails: to a full disk, into a pipe that is closed, into files. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe } from "vitest";
import { BINARY, commandIn } from "../support/command.ts";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";

/** A file may grow to so many kilobytes and no further: the last write is cut short, and the next one fails. */
const LIMIT = 64;
const many = Object.fromEntries(
  Array.from({ length: 300 }, (_, index) => [
    `migrations/${String(index + 1).padStart(4, "0")}_table.sql`,
    `create table table_${index} (id int);`,
  ]),
);
const few = { "migrations/0001_a.sql": "create table a (id int);" };

/** `line` as a shell runs it, with `godwit` as its command. */
async function shell(folder: string, line: string, env: Readonly<Record<string, string>> = {}) {
  const child = spawn(
    "bash",
    ["-c", `godwit() { ${quoted(process.execPath)} ${quoted(BINARY)} "$@"; }\n${line}`],
    {
      cwd: folder,
      env: { PATH: process.env.PATH ?? "", HOME: folder, GODWIT_LEDGER_SCHEMA: ledgerSchema, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  const said = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) child[name].on("data", (chunk) => (said[name] += chunk));
  const [code] = await once(child, "close");
  return { code: code as number, ...said };
}

function quoted(path: string): string {
  return `'${path}'`;
}

describe("a result that cannot be written is a failure", () => {
  test.for([
    "up --sql",
    "up --sql --json",
    "up --json",
    "status",
    "status --json",
    "history",
    "plan",
    "plan --json",
    "current",
    "heads",
    "doctor --json",
    "completion bash",
    "up --dry-run",
    "--version",
    "up --help",
    "nonsense --json",
  ])("godwit %s > /dev/full", async (words, { db }) => {
    const { code, stderr } = await shell(folderOf(few), `godwit ${words} > /dev/full`, {
      DATABASE_URL: db.url,
    });
    expect(code).toBe(words.startsWith("nonsense") ? 2 : 1);
    expect(stderr.match(/OUTPUT_FAILED/g)).toHaveLength(1);
    expect(stderr).toContain("ENOSPC");
    expect(stderr).not.toMatch(/internal error|at .*\.cjs/);
  });

  test("a disk that takes only the beginning of a script", async () => {
    const folder = folderOf(many);
    const { code, stderr } = await shell(
      folder,
      `trap '' XFSZ; ulimit -f ${LIMIT}; godwit up --sql > change.sql`,
    );
    expect(statSync(join(folder, "change.sql")).size).toBe(LIMIT * 1024);
    expect(code).toBe(1);
    expect(stderr).toContain("OUTPUT_FAILED");
  });

  test("a log that cannot be written ends no run", async ({ db }) => {
    const { code, stdout } = await shell(folderOf(few), "godwit up --json 2> /dev/full", {
      DATABASE_URL: db.url,
    });
    expect(JSON.parse(stdout).report.steps).toHaveLength(1);
    expect(code).toBe(0);
  });
});

describe("a pipe", () => {
  test("that is closed early is no error for a list, and one for a script", async ({ db }) => {
    const folder = folderOf(many);
    const env = { DATABASE_URL: db.url };
    const list = await shell(folder, "set -o pipefail; godwit plan --json | head -1", env);
    expect(list).toMatchObject({ code: 0, stderr: "" });
    const script = await shell(folder, "set -o pipefail; godwit up --sql | head -1", env);
    expect(script.code).toBe(1);
    expect(script.stderr).toContain("OUTPUT_FAILED");
  });

  test("that is read slowly gets all of it before the command ends", async () => {
    const folder = folderOf(many);
    const whole = await commandIn({ folder })("up", "--sql");
    const { code, stdout } = await shell(
      folder,
      "set -o pipefail; godwit up --sql | { IFS= read -r first; for n in {1..20000}; do :; done; cat; } | wc -c",
    );
    expect(code).toBe(0);
    const [first = ""] = whole.stdout.split("\n");
    const rest = Buffer.byteLength(whole.stdout) - Buffer.byteLength(`${first}\n`);
    expect(Math.abs(Number(stdout) - rest)).toBeLessThan(100); // it names the moment
    expect(rest).toBeGreaterThan(128 * 1024);
  });
});

describe("a file that a command makes is whole or not there", () => {
  const full = "trap '' XFSZ; ulimit -f 0;";

  test.for([
    ["new add shops", "migrations"],
    ["init", "."],
    ["build frozen", "."],
  ] as const)("godwit %s on a full disk", async ([words, where]) => {
    const folder = folderOf(words === "init" ? { ".git/HEAD": "" } : few);
    const before = readdirSync(join(folder, where));
    const { code, stderr } = await shell(
      folder,
      `${full} godwit ${words} 2>&1 | cat >&2; exit \${PIPESTATUS[0]}`,
    );
    expect(code).toBe(1);
    expect(stderr).toContain("OUTPUT_FAILED");
    expect(stderr).not.toContain("internal error");
    const made = readdirSync(join(folder, where)).filter((name) => !before.includes(name));
    expect(made.filter((name) => !["migrations", ".godwit"].includes(name))).toEqual([]);
    if (words === "init") expect(readdirSync(join(folder, "migrations"))).toEqual([]);
  });
});
