/** Nobody reads the log, and the pipe is full: the app must not notice. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, existsSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { BINARY } from "../support/command.ts";
import { folderOf } from "../support/target.ts";
import { until } from "../support/until.ts";

test("signals reach the app although nobody reads standard error", async () => {
  const folder = folderOf({
    "migrations/0001_a.sql": "select 1",
    "godwit.config.mjs": `import { writeFileSync } from "node:fs"; writeFileSync("read", ""); export default {};`,
  });
  const pipe = join(folder, "log");
  execFileSync("mkfifo", [pipe]);
  const filler = openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK);
  const log = openSync(pipe, constants.O_WRONLY);
  for (const piece of ["x".repeat(4096), "x"]) fill(filler, piece);
  const app = `process.on("SIGTERM", () => process.exit(5)); process.on("SIGUSR2", () => console.log("here"));
    setInterval(() => {}, 1000); console.log("up");`;
  const child = spawn(process.execPath, [BINARY, "run", "--", process.execPath, "-e", app], {
    cwd: folder,
    stdio: ["ignore", "pipe", log],
    // Not set, so that the first thing that is said comes from the supervisor itself.
    env: { PATH: process.env.PATH },
  });
  onTestFinished(() => {
    child.kill("SIGKILL");
    for (const fd of [filler, log]) closeSync(fd);
  });
  if (child.stdout === null) throw new Error("There is no stdout.");
  await once(child.stdout, "data");
  // Soon after it has read its configuration it says that nothing is migrated: some of these come behind that.
  await until(() => existsSync(join(folder, "read")), { what: "the configuration to be read" });
  for (let n = 0; n < 50; n++) {
    child.kill("SIGUSR2");
    await once(child.stdout, "data");
  }
  child.kill("SIGTERM");
  expect(await once(child, "close")).toEqual([5, null]);
}, 30_000);

function fill(fd: number, piece: string): void {
  try {
    for (;;) writeSync(fd, piece);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
  }
}
