/** Asks a person on the terminal. */
import { createInterface } from "node:readline/promises";
import { ConfigError } from "../errors.ts";
import type { Invocation } from "./command.ts";

export interface Question {
  readonly text: string;
  /** What is said where nobody can be asked. */
  readonly refusal: { readonly message: string; readonly hint: string };
}

/** Throws `ConfigError` where there is no terminal, or the answer is a JSON document. */
export async function ask(
  { terminal, signal, json }: Invocation,
  { text, refusal }: Question,
): Promise<string> {
  if (!terminal.interactive || json)
    throw new ConfigError({ code: "CONFIG_INVALID", ...refusal, details: { from: "flag" } });
  const reader = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return (await reader.question(text, { signal })).trim();
  } finally {
    reader.close();
  }
}
