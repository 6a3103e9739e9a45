/** The two streams of a command, and what they can show. */
import { isatty } from "node:tty";
import { styleText } from "node:util";
import type { Problem } from "../../errors.ts";
import { openOutput } from "./output.ts";
import { openUnblocked } from "./unblocked.ts";

export type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

export interface Terminal {
  /** Writes a result to stdout. `whole`: a part of it is useless. */
  out(text: string, options?: { readonly whole: boolean }): void;
  /** Resolves when all results are written. The value is what went wrong, or `null`. */
  end(): Promise<Problem | null>;
  /** Writes progress, logs and errors to stderr. */
  error(text: string): void;
  /** From now on `error` never waits for whoever reads it. What nobody reads is lost in the end. */
  unblock(): void;
  /** The text with commands as the reader must type them, for stdout. `error` does it by itself. */
  asCalled(text: string): string;
  /** Whether stderr is a screen, on which a line can be rewritten. */
  readonly live: boolean;
  /** Whether a person can be asked. */
  readonly interactive: boolean;
  readonly columns: number;
  /** Styles text for stdout. */
  paint(style: Style, text: string): string;
  /** Styles text for stderr. */
  paintError(style: Style, text: string): string;
}

export interface TerminalOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Writes the commands in a text as the reader must type them. */
  readonly asCalled: (text: string) => string;
}

export function openTerminal({ environment, asCalled }: TerminalOptions): Terminal {
  const { stdout, stderr } = process;
  const painter = (stream: NodeJS.WriteStream) => {
    const colours = wantsColours(stream, environment);
    return (style: Style, text: string) => (colours ? styleText(style, text) : text);
  };
  const output = openOutput(stdout, 1);
  let write = (text: string): void => void stderr.write(text);
  return {
    out: output.write,
    end: output.end,
    error: (text) => write(asCalled(text)),
    asCalled,
    unblock() {
      write = openUnblocked(2) ?? write;
    },
    live: stderr.isTTY === true && environment.TERM !== "dumb" && !environment.CI,
    // `process.stdin` is not used, because reading it opens the stream, which takes longer than the rest of the
    // start.
    interactive: isatty(0) && stderr.isTTY === true,
    columns: stderr.columns || 80,
    paint: painter(stdout),
    paintError: painter(stderr),
  };
}

function wantsColours(stream: NodeJS.WriteStream, environment: Readonly<Record<string, string | undefined>>) {
  if (environment.NO_COLOR) return false;
  const forced = environment.FORCE_COLOR;
  if (forced !== undefined) return forced !== "0" && forced !== "false";
  return stream.isTTY === true && environment.TERM !== "dumb";
}
