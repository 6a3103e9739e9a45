/** The first process of a container, for real: in a namespace of processes of its own. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { root } from "../../scripts/fresh.mjs";
import { BINARY, LAUNCHER } from "../support/command.ts";
import { childrenOf, killAtOnce, killFamily } from "../support/processes.ts";
import { chanceFor } from "../support/seed.ts";
import { folderOf } from "../support/target.ts";
import { until } from "../support/until.ts";

const NAMESPACE = ["--user", "--map-root-user", "--pid", "--fork", "--mount-proc"];
const SHIM = join(root, "bin", "godwit-init");
const SHELLS = ["dash", "bash", "busybox"].filter((name) => spawnSync("which", [name]).status === 0);
const isPossible = spawnSync("unshare", [...NAMESPACE, "true"]).status === 0;

/** Leaves three orphans that end, waits until the first process has had its chance, and says how many zombies there are. */
const LEAVES = `const { spawnSync } = require("node:child_process");
const { readdirSync, readFileSync } = require("node:fs");
for (let n = 0; n < 3; n++) spawnSync("sh", ["-c", "(exit 0) & exit 0"]);
const zombies = () => readdirSync("/proc").filter((pid) => {
  try { return /^\\d+$/.test(pid) && / Z /.test(readFileSync("/proc/" + pid + "/stat", "utf8")); } catch { return false; }
}).length;
const giveUp = Date.now() + Number(process.argv[1]);
const look = () => {
  const left = zombies();
  if (left > 0 && Date.now() < giveUp) return setTimeout(look, 10);
  console.log(left + " zombies");
  process.exit(7);
};
look();`;

const RUN = [process.execPath, BINARY, "run", "--", process.execPath, "-e"];

describe.skipIf(!isPossible)("as process 1", () => {
  test("godwit run alone says by name that orphans stay as zombies, and they do", () => {
    const { status, stdout, stderr } = inNamespace([...RUN, LEAVES, "300"]);
    expect(stderr).toContain("Node can't clear away processes that others leave behind");
    expect(stderr).toContain("[INIT_MISSING]");
    expect(stdout).toContain("3 zombies");
    expect(status).toBe(7);
  });

  test.for(SHELLS)("godwit-init under %s clears them away, and the app's exit code comes out", (shell) => {
    const words = shell === "busybox" ? [shell, "sh"] : [shell];
    const { status, stdout, stderr } = inNamespace([...words, SHIM, ...RUN, LEAVES, "5000"]);
    expect(stderr).not.toContain("INIT_MISSING");
    expect(stdout).toContain("0 zombies");
    expect(status).toBe(7);
  });

  test.for(SHELLS)("godwit-run under %s clears them away, and the app's exit code comes out", (shell) => {
    const words = shell === "busybox" ? [shell, "sh"] : [shell];
    const app = [process.execPath, "-e", LEAVES, "5000"];
    const { status, stdout, stderr } = inNamespace([...words, LAUNCHER, "--", ...app]);
    expect(stderr).not.toContain("INIT_MISSING");
    expect(stdout).toContain("0 zombies");
    expect(status).toBe(7);
  });

  test.for(SHELLS)("godwit-init under %s hands the app its input", (shell) => {
    const words = shell === "busybox" ? [shell, "sh"] : [shell];
    const { stdout } = inNamespace([...words, SHIM, ...RUN, "process.stdin.pipe(process.stdout)"], "read me");
    expect(stdout).toBe("read me");
  });

  test.for(["SIGTERM", "SIGINT", "SIGHUP", "SIGUSR2"] as const)("%s reaches the app, once", async (name) => {
    const app = `let n = 0; process.on("${name}", () => { n++; setImmediate(() => { console.log(n + " signal"); process.exit(9); }); });
      setInterval(() => {}, 1000); console.log("up");`;
    const child = spawn("unshare", [...NAMESPACE, SHIM, ...RUN, app], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    let said = "";
    child.stdout.on("data", (chunk) => {
      said += chunk;
      child.emit("said");
    });
    while (!said.includes("up")) await once(child, "said");
    process.kill(childrenOf(child.pid)[0] ?? 0, name);
    expect(await once(child, "close")).toEqual([9, null]);
    expect(said).toContain("1 signal");
  });
});

test.for(SHELLS)(
  "godwit-init under %s ends with the code of a command that ends on a signal, every time",
  async (shell) => {
    const command = ["sh", "-c", 'trap "exit 7" TERM; echo up; while :; do sleep 0.02; done'];
    const words = shell === "busybox" ? ["sh", SHIM] : [SHIM];
    for (let n = 0; n < 20; n++) {
      const child = spawn(shell, [...words, ...command], { stdio: ["ignore", "pipe", "ignore"] });
      await once(child.stdout, "data");
      child.kill("SIGTERM");
      expect(await once(child, "close")).toEqual([7, null]);
    }
  },
);

test("godwit-init without a command says how it is used", () => {
  const { status, stderr } = spawnSync(SHIM, [], { encoding: "utf8" });
  expect([status, stderr]).toEqual([2, "usage: godwit-init <command> [argument...]\n"]);
});

test("godwit-init ends as its command does", () => {
  for (const [script, code] of [
    ["exit 0", 0],
    ["exit 3", 3],
    ["kill -9 $$", 137],
  ] as const)
    expect(spawnSync(SHIM, ["sh", "-c", script]).status).toBe(code);
  expect(spawnSync(SHIM, ["/nowhere/app"]).status).toBe(127);
});

function inNamespace(words: readonly string[], input = "") {
  return spawnSync("unshare", [...NAMESPACE, ...words], { encoding: "utf8", input, timeout: 60_000 });
}

test.for(SHELLS)(
  "godwit-run under %s ends with the code of an app that ends on a signal, every time",
  async (shell) => {
    const app = ["sh", "-c", 'trap "exit 7" TERM; echo up; while :; do sleep 0.02; done'];
    const words = [...(shell === "busybox" ? ["sh"] : []), LAUNCHER, "--", ...app];
    for (let n = 0; n < 10; n++) {
      const child = spawn(shell, words, { stdio: ["ignore", "pipe", "ignore"] });
      await once(child.stdout, "data");
      child.kill("SIGTERM");
      expect(await once(child, "close")).toEqual([7, null]);
    }
  },
);

/** Moments from the start of a shell to that of what it starts. */
const MOMENTS = 24;
const LONGEST_MS = 12;

for (const [name, program, words] of [
  ["godwit-init", SHIM, ["sleep", "600"]],
  ["godwit-run", LAUNCHER, ["--", "sleep", "600"]],
] as const)
  test.for(SHELLS)(`${name} under %s loses no signal that comes in its first moment`, async (shell) => {
    const { int } = chanceFor(`signals in the first moment of ${name} under ${shell}`);
    const before = shell === "busybox" ? ["sh", program] : [program];
    for (let n = 0; n < MOMENTS; n++) {
      const started = performance.now();
      const child = spawn(shell, [...before, ...words], { stdio: "ignore", cwd: folderOf({}) });
      const at = started + int(0, LONGEST_MS * 1000) / 1000;
      while (performance.now() < at); // no timer is that exact
      child.kill("SIGTERM");
      const isOver = () => child.exitCode !== null || child.signalCode !== null;
      onTestFinished(() => {
        if (!isOver()) for (const pid of killFamily(child.pid)) killAtOnce(pid);
      });
      await until(isOver, { what: `it to end after a signal at ${Math.round(at - started)} ms` });
      // Before the shell has begun it is the signal that ends it, and nothing was started.
      expect([143, "SIGTERM"]).toContain(child.exitCode ?? child.signalCode);
    }
  });
