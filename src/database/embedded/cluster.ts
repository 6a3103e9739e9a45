/** Making a data directory and starting a server on it. */
import { spawn } from "node:child_process";
import { open, readFile, stat } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { DatabaseError } from "../../errors.ts";
import type { Binaries, Purpose } from "./binaries.ts";
import { OTHER_TEMPORARY } from "./folder.ts";
import type { Identity } from "./identity.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

export interface ClusterOptions {
  readonly binaries: Binaries;
  readonly identity: Identity;
  readonly environment: Environment;
}

/** `initdb` in UTF-8 with the same sorting everywhere, whatever the machine's language. */
export async function initialise(
  dataFolder: string,
  options: ClusterOptions & {
    readonly auth: readonly string[];
    readonly purpose?: Purpose;
  },
): Promise<void> {
  const { binaries, identity } = options;
  const locale =
    binaries.major >= 17
      ? ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
      : ["--no-locale"];
  const args = ["-D", dataFolder, "-U", "postgres", "--encoding=UTF8", ...locale, ...options.auth];
  const command = identity.wrap(binaries.initdb, args);
  // In a session of its own: Ctrl-C is for the run, which ends when the directory is made.
  const child = spawn(command.program, [...command.args], {
    ...command.as,
    detached: true,
    windowsHide: true,
    stdio: ["ignore", "ignore", "pipe"],
    env: serverEnvironment(options.environment),
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said = `${said}${text}`.slice(-10_000);
  });
  const failure = await new Promise<string | null>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("close", (code, signal) =>
      resolve(code === 0 ? null : said || `it ended with ${signal ?? code}`),
    );
  });
  if (failure === null) return;
  const isScratch = options.purpose === "scratch";
  throw new DatabaseError({
    code: "EMBEDDED_FAILED",
    message: `The embedded PostgreSQL could not make its data directory ${dataFolder}: ${lastLines(failure, 5)}`,
    hint: /could not look up effective user ID/.test(failure)
      ? `This user is a number without a name: add it to /etc/passwd, ${isScratch ? "or run as another user" : "run as another user, or set DATABASE_URL"}.`
      : isScratch
        ? OTHER_TEMPORARY
        : "Check that the folder can be written, or set DATABASE_URL to use a database of your own.",
  });
}

export interface Started {
  readonly pid: number;
  /** Resolves when the process has ended, never rejects. */
  readonly ended: Promise<void>;
  /** What it has logged so far. */
  output(): Promise<string>;
}

/** Starts the server in a session of its own: a signal to our terminal or our death does not reach it. */
export async function startPostmaster(
  dataFolder: string,
  options: ClusterOptions & {
    readonly port: number;
    readonly logFile: string;
    readonly settings?: readonly string[];
  },
): Promise<Started> {
  const { binaries, identity, port, logFile } = options;
  const settings = [
    `port=${port}`,
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "logging_collector=off",
    "log_destination=stderr",
    ...(options.settings ?? []),
  ];
  const args = ["-D", dataFolder, ...settings.flatMap((setting) => ["-c", setting])];
  const command = identity.wrap(binaries.postgres, args);
  const start = await stat(logFile).then(
    ({ size }) => (size > MAXIMUM_LOG_BYTES ? 0 : size),
    () => 0,
  );
  const log = await open(logFile, "a", 0o600);
  if (start === 0) await log.truncate();
  const child = spawn(command.program, [...command.args], {
    ...command.as,
    detached: true,
    windowsHide: true,
    stdio: ["ignore", log.fd, log.fd],
    env: serverEnvironment(options.environment),
  });
  let failure = "";
  const ended = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", (error) => {
      failure = error.message;
      resolve();
    });
  });
  child.unref();
  await log.close();
  return {
    pid: child.pid ?? 0,
    ended,
    output: async () => failure + (await readFile(logFile)).subarray(start).toString("utf8"),
  };
}

const MAXIMUM_LOG_BYTES = 5_000_000;

/** Nothing of the caller's PG* variables, and messages in English, because we read them. */
function serverEnvironment({ PATH, TMPDIR, TZ, SystemRoot }: Environment): Record<string, string> {
  const given = Object.entries({ PATH, TMPDIR, TZ, SystemRoot, LC_ALL: "C" });
  return Object.fromEntries(given.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}

/** The wanted port while it is free, else any free one. */
export async function freePort(wanted?: number): Promise<number> {
  const listen = (port: number) =>
    new Promise<number>((resolve, reject) => {
      const server = createServer();
      server.once("error", reject);
      server.listen(port, "127.0.0.1", () => {
        const address = server.address();
        server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
      });
    });
  return wanted ? listen(wanted).catch(() => listen(0)) : listen(0);
}

/** The major version that made the directory; `undefined` when it is not a data directory. */
export async function dataVersion(dataFolder: string): Promise<number | undefined> {
  const text = await readFile(join(dataFolder, "PG_VERSION"), "utf8").catch(() => undefined);
  return text === undefined ? undefined : Number.parseInt(text, 10);
}

export function lastLines(text: string, count: number): string {
  return text.trim().split("\n").slice(-count).join("\n");
}
