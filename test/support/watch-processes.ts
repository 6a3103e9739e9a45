/**
 * Set up before every file of tests: whatever a program says that a test has started, by whichever function, is looked
 * through for secrets. Its streams are not read here, so whoever does not read them still has a program that waits.
 */
import childProcess, { ChildProcess } from "node:child_process";
import { syncBuiltinESMExports } from "node:module";
import { basename, join } from "node:path";
import type { Readable } from "node:stream";
import { afterAll, afterEach } from "vitest";
import { root } from "../../scripts/fresh.mjs";
import { expectNoneHeard, hear, listener } from "./heard.ts";

/** Of others, who may repeat what they were given. */
const OTHERS =
  /^(?:psql|git|openssl|ssh[\w-]*|initdb|pg_ctl|postgres|npm|npx|pnpm|docker|tar|chown|ps|python[\d.]*|alembic|goose)$/;
const THEIR_SCRIPT = /\bnode_modules[\\/](?!godwit\b|\.bin[\\/]godwit)/;

function isWatched(program: string, script = ""): boolean {
  const isTheirs = OTHERS.test(basename(program)) || THEIR_SCRIPT.test(program) || THEIR_SCRIPT.test(script);
  return !isTheirs && !isStartedByUs();
}

/** Our own modules start programs too, and hide what these say before anybody is told. */
function isStartedByUs(): boolean {
  const callers = (new Error("who calls").stack ?? "").split("\n");
  return callers.some((line) => line.includes(join(root, "src")) && !line.includes(".test.ts"));
}

type Start = (
  this: ChildProcess,
  options: { readonly file: string; readonly args?: readonly string[] },
) => unknown;

const prototype = ChildProcess.prototype as unknown as { spawn: Start };
const { spawn } = prototype;
prototype.spawn = function (options) {
  const started = spawn.call(this, options);
  if (isWatched(options.file, options.args?.[1]))
    watch(this, [options.file, ...(options.args ?? []).slice(1)]);
  return started;
};

function watch({ stdout, stderr }: ChildProcess, words: readonly string[]): void {
  for (const [name, stream] of Object.entries({ stdout, stderr })) {
    if (stream === null || stream === undefined) continue;
    const said = listener(`${name} of ${named(words)}`);
    const readable: Readable = stream;
    const push = readable.push.bind(readable);
    readable.push = (chunk: unknown, encoding?: BufferEncoding) => {
      if (chunk instanceof Uint8Array) said(Buffer.from(chunk).toString("latin1"));
      return push(chunk, encoding);
    };
  }
}

const { spawnSync, execFileSync } = childProcess;
Object.assign(childProcess, {
  spawnSync(program: string, ...rest: readonly never[]) {
    const result = spawnSync(program, ...rest);
    if (isWatched(program, scriptOf(rest))) hearAll(program, result);
    return result;
  },
  execFileSync(program: string, ...rest: readonly never[]) {
    try {
      const stdout = execFileSync(program, ...rest);
      if (isWatched(program, scriptOf(rest))) hearAll(program, { stdout });
      return stdout;
    } catch (error) {
      if (isWatched(program, scriptOf(rest))) hearAll(program, error as object);
      throw error;
    }
  },
});
syncBuiltinESMExports();

function scriptOf([words]: readonly unknown[]): string | undefined {
  return Array.isArray(words) ? words[0] : undefined;
}

function hearAll(program: string, said: { readonly stdout?: unknown; readonly stderr?: unknown }): void {
  for (const name of ["stdout", "stderr"] as const)
    hear(`${name} of ${named([program])}`, said[name] === null ? "" : String(said[name] ?? ""));
}

/** Further words may hold secrets. */
function named(words: readonly string[]): string {
  return words
    .slice(0, 2)
    .map((word) => basename(word))
    .join(" ");
}

afterEach(expectNoneHeard);
afterAll(expectNoneHeard);
