/**
 * A network that is bad on purpose and knows nothing of what passes: bytes from a server, counted over all
 * connections, that can be cut, silenced or garbled at an exact one.
 */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface Wire extends AsyncDisposable {
  readonly port: number;
  /** How many bytes the server has sent through it. */
  readonly bytes: number;
  /** How many connections were made. */
  readonly connections: number;
  /** What happens when so many bytes of the server have passed; `0`: now. */
  at(bytes: number, event: WireEvent): void;
}

/**
 * `cut`: both sides are told that the other has hung up. `silence`: nothing passes any more, in either direction,
 * and nobody is told. `garble`: the next byte is another one.
 */
export type WireEvent = "cut" | "silence" | "garble";

export async function startWire({ to }: { to: number }): Promise<Wire> {
  const sockets = new Set<Socket>();
  let bytes = 0;
  let connections = 0;
  let silent = false;
  let due: { at: number; event: WireEvent } | undefined;

  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  const strike = (chunk: Buffer, target: Socket): void => {
    if (due === undefined || bytes + chunk.length < due.at) {
      bytes += chunk.length;
      target.write(chunk);
      return;
    }
    const { at, event } = due;
    const split = Math.max(0, at - bytes);
    due = undefined;
    bytes += chunk.length;
    if (event === "garble") {
      const bad = Buffer.from(chunk);
      const position = Math.min(split, bad.length - 1);
      bad[position] = (bad[position] ?? 0) ^ 0x55;
      target.write(bad);
      return;
    }
    target.write(chunk.subarray(0, split), () => {
      if (event === "cut") cut();
    });
    silent = true; // what is behind it no longer passes
  };
  const server = createServer((client) => {
    connections++;
    const upstream = connect({ port: to, host: "127.0.0.1" });
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true);
      sockets.add(socket);
      socket.on("error", () => undefined); // "close" follows
      socket.on("close", () => sockets.delete(socket));
    }
    client.on("data", (chunk) => silent || upstream.write(chunk));
    upstream.on("data", (chunk) => silent || strike(chunk, client));
    client.on("close", () => upstream.destroy());
    upstream.on("close", () => silent || client.end());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    get bytes() {
      return bytes;
    },
    get connections() {
      return connections;
    },
    at(after, event) {
      if (after > 0 || event === "garble") {
        due = { at: after, event };
        return;
      }
      silent = true;
      if (event === "cut") cut();
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
