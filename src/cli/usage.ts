/** What can be said of words that are not parsed. */
import type { Problem } from "../errors.ts";

/** Whether the user asked for help or version. Help that is shown because no command was given is an error. */
export function isAskedFor(code: string, argv: readonly string[]): boolean {
  if (code === "commander.help") return argv.includes("help");
  return code === "commander.helpDisplayed" || code === "commander.version";
}

/** Whether JSON is asked for. It is read before the options are, because errors of parsing are reported in JSON too. */
export function wantsJson(argv: readonly string[]): boolean {
  const end = argv.indexOf("--");
  const words = end === -1 ? argv : argv.slice(0, end);
  return words.some((word, at) => /^--(json|format=json)$/.test(word) || isFormatJson(word, words[at + 1]));
}

const isFormatJson = (word: string, next: string | undefined) => word === "--format" && next === "json";

export function usageProblem(message: string): Problem {
  return {
    code: "CONFIG_INVALID",
    message: message.replace(/^error: /, ""),
    hint: "godwit --help lists everything.",
  };
}
