/**
 * A network that can be bad on purpose. It stands in front of PostgreSQL, knows where messages begin and end
 * (protocol 3, both directions), and can be late, cut at an exact message, or go silent.
 *
 * TLS is declined here, because inside it no message could be seen. Messages are numbered from 1 in the order
 * in which they arrive at the proxy, over all connections and both directions.
 */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export type Direction = "client" | "server";

export interface Message {
  readonly from: Direction;
  /** The protocol's letter; `startup` for those that have none. */
  readonly type: string;
  /** Which connection it came on, in the order in which they were made. */
  readonly connection: number;
}

/** Whether every connection is cut, and whether this message is still forwarded. */
export type Decide = (message: Message, bytes: Buffer) => "before" | "after" | undefined;

export interface Proxy {
  readonly port: number;
  /** The same URL, through the proxy. */
  url(of: string): string;
  /** Everything that has arrived, in order. */
  readonly messages: readonly Message[];
  count(from?: Direction): number;
  /** Cuts every connection when the n-th message has been forwarded. New connections work. */
  cutAfter(n: number): void;
  /** Cuts every connection when the n-th message has arrived, without forwarding it. */
  cutBefore(n: number): void;
  /** Is asked about every message that has arrived, and may cut every connection, again and again. */
  cutWhere(decide: Decide): void;
  /** Cuts every connection now. */
  cut(): void;
  /** Keeps the next message of a client that holds this text, and everything behind it on its connection, until it is released. */
  hold(text: string): Held;
  /** Latency of each way: everything comes later, nothing comes slower. */
  delay(ms: number): void;
  /**
   * From now on nothing passes, and nobody is told: not even that the other side has hung up. With `present`,
   * connections that are made afterwards work.
   */
  goSilent(which?: "all" | "present"): void;
  /** What silence has kept back, in order. A hang-up has the type `closed`. */
  readonly keptBack: readonly Message[];
  close(): Promise<void>;
}

export interface Held {
  /** Resolves when the message has arrived at the proxy. */
  readonly reached: Promise<void>;
  release(): void;
}

export interface ProxyOptions {
  readonly port: number;
  readonly host?: string;
  /** Sees everything that arrives, before it is passed on. */
  readonly onMessage?: (message: Message, bytes: Buffer) => void;
  /** Called as `cutBefore` or `cutAfter` strikes, when nothing passes any more and nobody has been told yet. */
  readonly onCut?: () => void;
}

export async function startProxy({
  port,
  host = "127.0.0.1",
  onMessage = () => {},
  onCut = () => {},
}: ProxyOptions): Promise<Proxy> {
  let connections = 0;
  const messages: Message[] = [];
  const keptBack: Message[] = [];
  const links = new Set<Link>();
  let decide: Decide | undefined;
  let delayMs = 0;
  let silent = false;
  const holds = new Set<{ text: string; reached: () => void; released: Promise<void> }>();

  const server = createServer((client) => {
    const connection = ++connections;
    const upstream = connect({ port, host });
    const link: Link = { client, server: upstream, gone: false, silent };
    links.add(link);
    for (const [from, source, target] of [
      ["client", client, upstream],
      ["server", upstream, client],
    ] as const) {
      source.setNoDelay(true);
      const later = inOrder(() => delayMs);
      const split = splitter(from);
      source.on("data", (chunk) => {
        for (const { type, bytes } of split(chunk)) {
          if (link.silent && !link.gone) keptBack.push({ from, type, connection });
          if (link.silent || link.gone) continue;
          if (type === "tls") {
            client.write("N");
            continue;
          }
          const message = { from, type, connection };
          messages.push(message);
          onMessage(message, bytes);
          const cut = decide?.(message, bytes);
          if (cut) link.gone = true; // whatever is behind it no longer passes
          const held = from === "client" && [...holds].find(({ text }) => bytes.includes(text));
          if (held) {
            holds.delete(held);
            link.held = held.released;
            void held.released.then(() => {
              link.held = undefined;
            });
            held.reached();
          }
          if (link.held !== undefined && from === "client") {
            void link.held.then(() => link.gone || target.write(bytes));
            continue;
          }
          later(() => {
            if (!link.silent && cut !== "before") target.write(bytes);
            if (!cut) return;
            onCut();
            cutAll();
          });
        }
      });
      source.on("error", () => undefined); // "close" follows
      source.on("close", () => {
        if (link.silent) return void keptBack.push({ from, type: "closed", connection });
        later(() => target.end());
      });
    }
    client.on("close", () => !link.silent && links.delete(link));
  });

  function cutOnce(n: number, where: "before" | "after"): void {
    decide = () => {
      if (messages.length < n) return undefined;
      decide = undefined;
      return where;
    };
  }

  function cutAll(): void {
    for (const link of links) {
      link.gone = true;
      // Not destroyed: a reset could overtake what was forwarded last. What still arrives is thrown away.
      for (const socket of [link.client, link.server]) {
        socket.removeAllListeners("data").resume();
        socket.end();
      }
    }
  }

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const own = (server.address() as AddressInfo).port;
  return {
    port: own,
    messages,
    keptBack,
    url(of) {
      const url = new URL(of);
      url.hostname = "127.0.0.1";
      url.port = String(own);
      return url.href;
    },
    count: (from) => (from ? messages.filter((message) => message.from === from).length : messages.length),
    cutAfter: (n) => cutOnce(n, "after"),
    cutBefore: (n) => cutOnce(n, "before"),
    cutWhere(given) {
      decide = given;
    },
    cut: cutAll,
    hold(text) {
      let release = () => {};
      const released = new Promise<void>((resolve) => {
        release = resolve;
      });
      const reached = new Promise<void>((resolve) => {
        holds.add({ text, reached: resolve, released });
      });
      return { reached, release };
    },
    delay(ms) {
      delayMs = ms;
    },
    goSilent(which = "all") {
      silent = which === "all";
      for (const link of links) link.silent = true;
    },
    async close() {
      for (const { client, server: upstream } of links) {
        client.destroy();
        upstream.destroy();
      }
      server.close();
      await once(server, "close");
    },
  };
}

interface Link {
  readonly client: Socket;
  readonly server: Socket;
  held?: Promise<void> | undefined;
  gone: boolean;
  silent: boolean;
}

interface Piece {
  readonly type: string;
  readonly bytes: Buffer;
}

const TLS_REQUESTS = [80_877_103, 80_877_104]; // SSLRequest and GSSENCRequest
const CANCEL_REQUEST = 80_877_102;

/** Cuts a stream of bytes into whole messages; keeps the rest for the next call. */
export function splitter(from: Direction): (chunk: Buffer) => Piece[] {
  let rest: Buffer = Buffer.alloc(0);
  let starting = from === "client";
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const pieces: Piece[] = [];
    for (;;) {
      const header = starting ? 4 : 5;
      if (rest.length < header) return pieces;
      const length = rest.readInt32BE(header - 4) + header - 4;
      if (rest.length < length) return pieces;
      const bytes = rest.subarray(0, length);
      rest = rest.subarray(length);
      const code = starting && length >= 8 ? bytes.readInt32BE(4) : 0;
      const tls = TLS_REQUESTS.includes(code);
      pieces.push({ type: tls ? "tls" : starting ? "startup" : String.fromCharCode(bytes[0] ?? 0), bytes });
      if (!tls && code !== CANCEL_REQUEST) starting = false;
    }
  };
}

/** Carries out what it is given in the same order, each after the delay. */
function inOrder(delayMs: () => number): (action: () => void) => void {
  const queue: (() => void)[] = [];
  return (action) => {
    if (queue.length === 0 && delayMs() === 0) return action();
    queue.push(action);
    setTimeout(() => queue.shift()?.(), delayMs());
  };
}
