/**
 * Messages between this process and the one of user code, over a pipe that both of them have as a file descriptor.
 *
 *   frame: 4 fixed bytes | 4 bytes of length | the message as `v8.serialize` writes it
 *
 * User code can close and write to every descriptor. Each frame is recognised by its first bytes. Anything else breaks the
 * channel at once, because what follows cannot be trusted.
 */
import type { Duplex } from "node:stream";
import { deserialize, serialize } from "node:v8";

/** The streams of the process of user code beyond stderr: messages, and a pipe that says that we are alive. */
export const CHANNEL = 3;
export const LIFELINE = 4;

export interface Channel<Sent> {
  /** Throws for what is no data. Where the other side is gone it does nothing. */
  tell(message: Sent): void;
}

export interface ChannelOptions<Heard> {
  readonly onMessage: (message: Heard) => void;
  /** Called once: the other side has closed its end, or something else than messages came. */
  readonly onBroken: () => void;
}

const SIGN = 0x67_64_77_74;
const HEAD = 8;

export function openChannel<Sent, Heard>(
  stream: Duplex,
  { onMessage, onBroken }: ChannelOptions<Heard>,
): Channel<Sent> {
  let isBroken = false;
  const broken = () => {
    if (isBroken) return;
    isBroken = true;
    onBroken();
  };
  const take = framesFrom((body) => {
    const message = deserialize(body) as Heard;
    process.nextTick(onMessage, message);
  });
  stream.on("data", (chunk: Buffer) => {
    if (isBroken) return;
    try {
      take(chunk);
    } catch {
      broken();
    }
  });
  stream.on("error", broken).once("end", broken).once("close", broken);
  return {
    tell(message) {
      const body = serialize(message);
      const head = Buffer.alloc(HEAD);
      head.writeUInt32BE(SIGN, 0);
      head.writeUInt32BE(body.length, 4);
      if (!isBroken && stream.writable) stream.write(Buffer.concat([head, body]));
    },
  };
}

/** Takes the bytes as they come. Throws where no frame begins. */
function framesFrom(onFrame: (body: Buffer) => void): (chunk: Buffer) => void {
  let chunks: Buffer[] = [];
  let length = 0;
  let wanted = HEAD;
  return (chunk) => {
    chunks.push(chunk);
    length += chunk.length;
    // Joined only when a frame is complete, so that a long one is not copied again and again.
    if (length < wanted && length >= 4 && chunks.length > 1) return;
    let rest = chunks.length === 1 ? chunk : Buffer.concat(chunks, length);
    for (;;) {
      if (rest.length >= 4 && rest.readUInt32BE(0) !== SIGN) throw new Error("This is no message.");
      wanted = rest.length < HEAD ? HEAD : HEAD + rest.readUInt32BE(4);
      if (rest.length < wanted) break;
      onFrame(rest.subarray(HEAD, wanted));
      rest = rest.subarray(wanted);
    }
    chunks = rest.length === 0 ? [] : [rest];
    length = rest.length;
  };
}
