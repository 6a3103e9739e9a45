/** The real binary, in a folder of its own, with nothing of this shell's environment but PATH, and one cache for all. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { root } from "../../scripts/fresh.mjs";
import { CACHE } from "./cache.ts";
import { ledgerSchema } from "./database.ts";
import { expectNoSecrets } from "./no-secrets.ts";

/** `godwit-run`, the launcher in sh. */
export const LAUNCHER = join(root, "bin", "godwit-run");
export const BINARY = join(root, "dist", "godwit.cjs");

export interface Surroundings {
  readonly folder: string;
  readonly url?: string;
  readonly env?: Readonly<Record<string, string>>;
}

// biome-ignore lint/suspicious/noExplicitAny: tests say what they expect of it
export type Json = any;

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The one document on stdout. */
  readonly json: Json;
}

export interface Running {
  readonly child: ChildProcess;
  /** Resolves, however it ends, with the signal that ended it. */
  readonly ended: Promise<NodeJS.Signals | null>;
  /** Resolves as soon as stdout or stderr holds this; rejects when the command ends before. */
  readonly says: (text: string | RegExp) => Promise<void>;
  /** Rejects with all there is to know unless the command ends with one of these exit codes. */
  readonly exits: (...codes: readonly number[]) => Promise<Finished>;
}

export interface Command {
  (...args: readonly string[]): Promise<Finished>;
  /** Expects another exit code than 0. */
  readonly fails: (code: number, ...args: readonly string[]) => Promise<Finished>;
  readonly start: (...args: readonly string[]) => Running;
  /** `godwit-run`, with an app behind `--`. */
  readonly launch: (...args: readonly string[]) => Running;
  readonly with: (env: Readonly<Record<string, string>>) => Command;
}

export function commandIn({ folder, url, env = {} }: Surroundings): Command {
  const environment = {
    PATH: process.env.PATH ?? "",
    HOME: folder,
    XDG_CACHE_HOME: CACHE,
    GODWIT_LEDGER_SCHEMA: ledgerSchema,
    ...(url === undefined ? {} : { DATABASE_URL: url }),
    ...env,
  };
  const begin = (args: readonly string[]) => start(folder, environment, args);
  const command = (...args: readonly string[]) => begin(args).exits(0);
  return Object.assign(command, {
    fails: (code: number, ...args: readonly string[]) => begin(args).exits(code),
    start: (...args: readonly string[]) => begin(args),
    launch: (...args: readonly string[]) => start(folder, environment, args, [LAUNCHER]),
    with: (more: Readonly<Record<string, string>>) =>
      commandIn({ folder, ...(url === undefined ? {} : { url }), env: { ...env, ...more } }),
  });
}

function start(
  folder: string,
  env: Record<string, string>,
  args: readonly string[],
  [program = "", ...before]: readonly string[] = [process.execPath, BINARY],
): Running {
  const child = spawn(program, [...before, ...args], {
    cwd: folder,
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  onTestFinished(() => void (child.exitCode === null && child.signalCode === null && child.kill("SIGKILL")));
  const said = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const)
    child[stream].on("data", (chunk) => {
      said[stream] += chunk;
      child.emit("said");
    });
  const ended = once(child, "close") as Promise<[number | null, NodeJS.Signals | null]>;
  const explain = (what: string) =>
    new Error(
      `${what}\nin ${folder}: godwit ${args.join(" ")}\n--- stdout\n${said.stdout}\n--- stderr\n${said.stderr}`,
    );
  return {
    child,
    ended: ended.then(([, signal]) => signal),
    async says(text) {
      const heard = () => {
        const all = said.stdout + said.stderr;
        return typeof text === "string" ? all.includes(text) : text.test(all);
      };
      const over = ended.then(() => true);
      while (!heard()) {
        const stop = await Promise.race([once(child, "said").then(() => false), over]);
        if (stop && !heard()) throw explain(`It ended and never said ${text}.`);
      }
    },
    async exits(...codes) {
      const [actual, signal] = await ended;
      expectNoSecrets(`Standard output of godwit ${args[0]}`, said.stdout);
      expectNoSecrets(`Standard error of godwit ${args[0]}`, said.stderr);
      if (actual === null || !codes.includes(actual))
        throw explain(`It exited with ${actual ?? signal}, not ${codes.join(" or ")}.`);
      return {
        code: actual,
        ...said,
        get json() {
          try {
            return JSON.parse(said.stdout) as Json;
          } catch {
            throw explain("Its stdout is not one JSON document.");
          }
        },
      };
    },
  };
}
