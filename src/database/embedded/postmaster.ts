/** What `postmaster.pid` says about the server of a data directory, and whether to believe it. */
import { execFile } from "node:child_process";
import { link, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

export interface Postmaster {
  readonly pid: number;
  readonly port: number;
  /** `unknown` until the server has written it. */
  readonly state: "starting" | "ready" | "stopping" | "unknown";
}

/** `undefined` when there is none, or it has not been written completely yet. */
export async function readPostmaster(dataFolder: string): Promise<Postmaster | undefined> {
  const text = await readFile(join(dataFolder, "postmaster.pid"), "utf8").catch(() => undefined);
  return text === undefined ? undefined : parsePostmaster(text);
}

/** Lines: pid, data directory, start time, port, socket directory, address, shared memory, state. Pure. */
export function parsePostmaster(text: string): Postmaster | undefined {
  const lines = text.split("\n").map((line) => line.trim());
  const pid = Number(lines[0]);
  if (!Number.isInteger(pid) || pid < 1) return undefined;
  const state = (["starting", "ready", "stopping"] as const).find((word) => word === lines[7]);
  return { pid, port: Number(lines[3] ?? 0), state: state ?? "unknown" };
}

/**
 * Whether this process is a server of this directory. A process id alone proves nothing: after a restart of
 * the machine, or in a new container, it belongs to somebody else.
 */
export async function isServing(pid: number, dataFolder: string): Promise<boolean> {
  if (!isAlive(pid)) return false;
  if (process.platform === "win32") return true;
  const command =
    process.platform === "linux"
      ? await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")
      : await promisify(execFile)("ps", ["-ww", "-o", "command=", "-p", String(pid)]).then(
          ({ stdout }) => stdout,
          () => "",
        );
  return command.includes("postgres") && command.includes(dataFolder);
}

/** A signal of 0 asks only whether it could be sent. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/**
 * Takes away the `postmaster.pid` of a server that is gone. PostgreSQL does so itself unless the process id
 * has a new owner. Moved before it is looked at again: another starter may have replaced it meanwhile, and a
 * server whose file vanished shuts itself down.
 */
export async function discardStale(dataFolder: string, stale: Postmaster): Promise<void> {
  const file = join(dataFolder, "postmaster.pid");
  const aside = `${file}.stale-${process.pid}`;
  const moved = await rename(file, aside).then(
    () => true,
    () => false,
  );
  if (!moved) return;
  const found = parsePostmaster(await readFile(aside, "utf8"));
  if (found && found.pid !== stale.pid) await link(aside, file).catch(() => undefined);
  await rm(aside, { force: true });
}
