/** A server that says of itself that it is far newer. */
import { type AddressInfo, connect, createServer } from "node:net";
import { onTestFinished } from "vitest";

const OF_THE_FUTURE = "250001";

/** In front of the server; in all that it says, its version is another one of as many digits. */
export async function startNewer(
  port: number,
  version: string,
): Promise<{ port: number; told: () => number }> {
  let told = 0;
  const server = createServer((client) => {
    const upstream = connect(port, "127.0.0.1");
    client.pipe(upstream);
    upstream.on("data", (bytes) => {
      const text = bytes.toString("latin1");
      told += text.split(version).length - 1;
      client.write(Buffer.from(text.replaceAll(version, OF_THE_FUTURE), "latin1"));
    });
    const end = () => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) socket.on("close", end).on("error", end);
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  onTestFinished(() => void server.close());
  return { port: (server.address() as AddressInfo).port, told: () => told };
}
