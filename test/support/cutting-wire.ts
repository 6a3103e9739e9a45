/**
 * A network that cuts connections, each after its own number of bytes, both directions counted together. Half of the
 * time the peers are told (FIN), half of the time they are torn away (RST), as NAS and firewalls do.
 */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface CuttingWire extends AsyncDisposable {
  readonly port: number;
  /** Bytes that have passed, over all connections and both directions. */
  readonly bytes: number;
  readonly connections: number;
  readonly cuts: number;
  /** The same URL, through the wire. */
  url(of: string): string;
}

export interface CuttingOptions {
  readonly to: number;
  /** After how many bytes the n-th connection (from 1) is cut; `undefined`: it lives. Asked once, when it is made. */
  readonly limitOf?: (connection: number) => { readonly bytes: number; readonly torn: boolean } | undefined;
  /** Called after bytes have passed. */
  readonly onBytes?: (bytes: number) => void;
  /** Everything comes so much later; nothing comes slower. */
  readonly delayMs?: number;
}

export async function startCuttingWire({
  to,
  limitOf = () => undefined,
  onBytes = () => {},
  delayMs = 0,
}: CuttingOptions): Promise<CuttingWire> {
  const sockets = new Set<Socket>();
  let connections = 0;
  let cuts = 0;
  let bytes = 0;
  // Timers of one length go off in the order in which they were set.
  const later = (action: () => void) => (delayMs === 0 ? action() : void setTimeout(action, delayMs));
  const server = createServer((client) => {
    const limit = limitOf(++connections);
    const upstream = connect({ port: to, host: "127.0.0.1" });
    let left = limit?.bytes ?? Number.POSITIVE_INFINITY;
    const cut = () => {
      cuts++;
      for (const socket of [client, upstream]) {
        socket.removeAllListeners("data").resume();
        if (limit?.torn) socket.resetAndDestroy();
        else socket.end();
      }
    };
    for (const [source, target] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      source.setNoDelay(true);
      sockets.add(source);
      source.on("data", (chunk) => {
        if (left <= 0) return;
        const passing = chunk.subarray(0, Math.min(chunk.length, left));
        left -= passing.length;
        const last = left <= 0;
        later(() => {
          bytes += passing.length;
          // Torn at once, what was written last would be lost with it.
          target.write(passing, () => last && cut());
          onBytes(bytes);
        });
      });
      source.on("error", () => undefined); // "close" follows
      source.on("end", () => later(() => target.end()));
      source.on("close", () => {
        sockets.delete(source);
        later(() => target.destroy());
      });
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port,
    get bytes() {
      return bytes;
    },
    get connections() {
      return connections;
    },
    get cuts() {
      return cuts;
    },
    url(of) {
      const url = new URL(of);
      url.hostname = "127.0.0.1";
      url.port = String(port);
      return url.href;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
