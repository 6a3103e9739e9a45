/** A stream of bytes as lines of text, each of bounded length. */
import type { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";

/** A longer line is told in pieces: user code may print without end. */
const MAX_LINE = 8 * 1024;

/** Gives back the way to be told what has no line end yet. */
export function linesOf(stream: Readable, onLine: (line: string) => void): () => void {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  const take = (text: string) => {
    const lines = (rest + text).split(/\r?\n/);
    rest = lines.pop() ?? "";
    for (const line of lines) tell(line);
    while (rest.length > MAX_LINE) {
      onLine(rest.slice(0, MAX_LINE));
      rest = rest.slice(MAX_LINE);
    }
  };
  const tell = (line: string) => {
    if (line === "") return onLine("");
    for (let at = 0; at < line.length; at += MAX_LINE) onLine(line.slice(at, at + MAX_LINE));
  };
  const flush = () => {
    const last = rest;
    rest = "";
    if (last !== "") tell(last);
  };
  const end = () => {
    rest += decoder.end();
    flush();
  };
  stream.on("data", (chunk: Buffer) => take(decoder.write(chunk)));
  stream.once("end", end);
  stream.once("close", end);
  stream.on("error", () => {});
  return flush;
}
