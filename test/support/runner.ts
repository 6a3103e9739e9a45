/** `up` in a process of its own, so that it can be killed. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { rename } from "node:fs/promises";
import { join, resolve } from "node:path";
import { build } from "esbuild";
import { onTestFinished } from "vitest";
import type { RunSettings } from "../../src/run/session/target.ts";
import { ledgerSchema } from "./database.ts";
import { SETTINGS } from "./target.ts";

export interface ChildRun {
  readonly url: string;
  readonly folder: string;
  readonly schema: string;
  readonly pooling?: "session" | "transaction" | undefined;
  readonly settings: RunSettings;
}

export interface Runner {
  readonly process: ChildProcess;
  /** Everything that it told: `{ event }`, `{ report }` or `{ error }`. */
  readonly told: readonly Record<string, unknown>[];
  readonly exited: Promise<unknown>;
  signal(name: NodeJS.Signals): void;
}

export async function startRunner(run: {
  url: string;
  folder: string;
  pooling?: "session" | "transaction";
  settings?: Partial<RunSettings>;
}): Promise<Runner> {
  const entry = await bundled();
  const argument: ChildRun = { ...run, schema: ledgerSchema, settings: { ...SETTINGS, ...run.settings } };
  const child = fork(entry, [JSON.stringify(argument)], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
  const exited = once(child, "exit");
  const told: Record<string, unknown>[] = [];
  child.on("message", (message) => told.push(message as Record<string, unknown>));
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await exited;
  });
  return { process: child, told, exited, signal: (name) => void child.kill(name) };
}

const root = resolve(import.meta.dirname, "../..");

/** Beside node_modules, so that packages are found; renamed into place, because test files run side by side. */
async function bundled(): Promise<string> {
  const outfile = join(root, ".cache", "runner.mjs");
  const draft = join(root, ".cache", `runner-${process.pid}.mjs`);
  await build({
    entryPoints: [join(root, "test/support/runner-process.ts")],
    outfile: draft,
    bundle: true,
    packages: "external",
    platform: "node",
    target: "node20",
    format: "esm",
  });
  await rename(draft, outfile);
  return outfile;
}
