/**
 * Ends this process with its parent, also when user code spins: a thread waits for the end of a pipe that only the
 * parent holds open. The thread has an event loop of its own, so that it neither blocks `process.exit` nor is blocked.
 */
import { Worker } from "node:worker_threads";

/** The fifth of the streams that `host/child.ts` gives to the process. */
const PIPE = 4;

export function endWithParent(): void {
  const code = `
    const { Socket } = require("node:net");
    const socket = new Socket({ fd: ${PIPE}, readable: true, writable: false });
    const end = () => {
      if (process.platform !== "win32") try { process.kill(-process.pid, "SIGKILL"); } catch {}
      process.kill(process.pid, "SIGKILL");
    };
    socket.on("end", end).on("error", end).on("close", end).resume();
  `;
  const limits = { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2, stackSizeMb: 1 };
  const worker = new Worker(code, { eval: true, execArgv: [], resourceLimits: limits });
  worker.on("error", () => {});
  worker.unref();
}
