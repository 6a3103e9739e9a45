/** `--sql`: a script for somebody else to run. */
import { scriptOf } from "../../assemble/script.ts";
import type { Answer, Invocation } from "../command.ts";

export async function script(invocation: Invocation, direction: "up" | "down", to: string): Promise<Answer> {
  const { flags, say: print, signal, observe } = invocation;
  const from = typeof flags.from === "string" ? flags.from : undefined;
  const config = await invocation.config();
  const written = await scriptOf(config, { direction, to, from }, { print, signal, observe });
  return { json: { ...written }, text: written.sql, result: true, whole: true, verbatim: true };
}
