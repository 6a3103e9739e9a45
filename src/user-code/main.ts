/**
 * The process that runs user code: loads what it is told to, calls it, and says what came of it. Nothing of ours that
 * must be true depends on it: it may end, hang or spin at any moment, and the other side (`host/`) deals with that.
 */
import { writeFileSync } from "node:fs";
import { Socket } from "node:net";
import { CHANNEL, openChannel } from "../host/channel.ts";
import type { FromHost, Request, Thrown, ToHost } from "../host/protocol.ts";
import { loadModule } from "../source/module/module.ts";
import { createCall, type OpenCall } from "./call.ts";
import { loadConfigFile } from "./config.ts";
import { watchThreads } from "./late.ts";
import { endGroup, endWithParent } from "./lifeline.ts";
import { record } from "./record.ts";
import { patchWindow } from "./rows.ts";
import { describeThrown, exitStack } from "./thrown.ts";

const calls = new Map<number, OpenCall>();
const UNHEARD_MS = 5_000;

interface Piped {
  readonly _handle?: { readonly setBlocking?: (blocking: boolean) => void };
}

endWithParent();
// After our own thread.
setImmediate(watchThreads);
// The kernel should end this process before the one that holds the transaction.
try {
  writeFileSync("/proc/self/oom_score_adj", "500");
} catch {}
// Node makes these pipes non-blocking, and then `writeSync` of user code fails where a pipe is full.
for (const { _handle } of [process.stdout, process.stderr] as readonly Piped[]) _handle?.setBlocking?.(true);
// Ctrl-C and a container's SIGTERM may reach every process; when to stop is decided by the parent.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const) process.on(signal, () => {});
process.on("uncaughtException", (error: unknown) => tell({ kind: "uncaught", thrown: described(error) }));
process.on("exit", () => tell({ kind: "exiting", stack: exitStack() }));

const channel = openChannel<FromHost, ToHost>(new Socket({ fd: CHANNEL, readable: true, writable: true }), {
  onMessage: heard,
  // Nobody hears what comes of it any more. Our parent ends this process, if it is there, and says why.
  onBroken: () => void setTimeout(endGroup, UNHEARD_MS),
});

function heard(message: ToHost): void {
  switch (message.kind) {
    case "request":
      void answer(message.id, message.request);
      return;
    case "abort":
      calls.get(message.id)?.abort(message.reason);
      return;
    default:
      for (const call of calls.values()) call.answered(message);
  }
}

function tell(message: FromHost): void {
  channel.tell(message);
}

function described(error: unknown): Thrown {
  tell({ kind: "describing" });
  return describeThrown(error);
}

async function answer(id: number, request: Request): Promise<void> {
  try {
    tell({ kind: "done", id, value: await carryOut(id, request) });
  } catch (error) {
    tell({ kind: "failed", id, thrown: described(error) });
  }
}

async function carryOut(id: number, request: Request): Promise<unknown> {
  if (request.kind === "config") return loadConfigFile(request.path);
  const { module, cacheFolder } = request;
  const { up, down, rows, ...declared } = await loadModule(module, { cacheFolder });
  if (request.kind === "load") {
    const { depends, requires, revises, phase, settings, backfill } = declared;
    return {
      ...{ depends, revises, phase, settings, revertible: down !== null },
      ...(requires === undefined ? {} : { requires }),
      ...(backfill === null ? {} : { backfill }),
    };
  }
  const call = await createCall(id, { tell });
  calls.set(id, call);
  try {
    if (request.window !== undefined && rows !== null) {
      const { window } = request;
      let changed = 0;
      const returned = await call.run(async (context) => {
        changed = await patchWindow(rows, { window, executor: call.executor, file: module.file }, context);
      });
      return { ...returned, changed };
    }
    const run = request.direction === "up" || down === null ? up : down;
    if (run === null) throw new Error("A backfill has no function to call without a window.");
    return await (request.kind === "run" ? call.run(run) : record(run, call));
  } finally {
    call.close();
    calls.delete(id);
  }
}
