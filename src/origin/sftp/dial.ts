/** Opens a socket to the server: its name, its port, the connection. Nothing is said over it yet. */
import { connect, type Socket } from "node:net";
import { ImportFailed } from "../../errors.ts";
import type { Host } from "./host-keys.ts";

/** Rejects with the signal's reason as soon as it aborts. */
export async function dial({ host, port }: Host, signal: AbortSignal): Promise<Socket> {
  signal.throwIfAborted();
  const socket = connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 });
  let abort = () => {};
  try {
    await new Promise<void>((resolve, reject) => {
      abort = () => reject(signal.reason);
      signal.addEventListener("abort", abort, { once: true });
      socket.once("connect", resolve);
      socket.once("error", (error: NodeJS.ErrnoException) => reject(unreachable({ host, port }, error)));
    });
    socket.removeAllListeners("error");
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

function unreachable({ host, port }: Host, error: NodeJS.ErrnoException): ImportFailed {
  const [why, hint] = REASONS[error.code ?? ""] ?? [
    `cannot be reached (${error.code ?? error.message})`,
    "Check host and port, and that this machine may connect to it.",
  ];
  return new ImportFailed(
    { code: "ORIGIN_UNREACHABLE", message: `${host}:${port} ${why}.`, hint, details: { host, port } },
    { cause: error },
  );
}

const REASONS: Readonly<Record<string, readonly [why: string, hint: string]>> = {
  ECONNREFUSED: [
    "refuses connections",
    "Is SSH switched on there (QNAP: Control Panel, Telnet / SSH), and is it this port?",
  ],
  ENOTFOUND: ["is a name that nobody knows", "Correct the host (QNAP_HOST), or use its address."],
  EAI_AGAIN: ["cannot be looked up at present", "Is the name server reachable? An address needs none."],
  ETIMEDOUT: ["does not answer", "Check host and port, and firewalls in between."],
  EHOSTUNREACH: ["cannot be reached: there is no way to it", "Check the network, a VPN, the address."],
  ENETUNREACH: ["cannot be reached: there is no way to it", "Check the network, a VPN, the address."],
};
