/**
 * Ends this process with its parent, also when user code spins: a thread waits for the end of a pipe that only the
 * parent holds open. The thread has an event loop of its own, so that it neither blocks `process.exit` nor is blocked.
 */
import { Worker } from "node:worker_threads";
import { LIFELINE } from "../host/channel.ts";

export function endWithParent(): void {
  const code = `
    const { Socket } = require("node:net");
    const socket = new Socket({ fd: ${LIFELINE}, readable: true, writable: false });
    const end = ${endGroup};
    socket.on("end", end).on("error", end).on("close", end).resume();
  `;
  const limits = { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2, stackSizeMb: 1 };
  const worker = new Worker(code, { eval: true, execArgv: [], resourceLimits: limits });
  worker.on("error", () => {});
  worker.unref();
}

/** At once, with all that user code has started. It is also text of the thread's program, and so names nothing around it. */
export function endGroup(): void {
  if (process.platform !== "win32")
    try {
      process.kill(-process.pid, "SIGKILL");
    } catch {}
  process.kill(process.pid, "SIGKILL");
}
