/** What can be said of words that are not parsed. */
import type { Problem } from "../errors.ts";

/** Whether the user asked for help or version. Help that is shown because no command was given is an error. */
export function isAskedFor(code: string, argv: readonly string[]): boolean {
  if (code === "commander.help") return argv.includes("help");
  return code === "commander.helpDisplayed" || code === "commander.version";
}

/**
 * Whether `--json` was typed. It runs before the options are parsed, because errors of parsing are reported in JSON
 * too.
 */
export function wantsJson(argv: readonly string[]): boolean {
  const end = argv.indexOf("--");
  return (end === -1 ? argv : argv.slice(0, end)).includes("--json");
}

export function usageProblem(message: string): Problem {
  return {
    code: "CONFIG_INVALID",
    message: message.replace(/^error: /, ""),
    hint: "godwit --help lists everything.",
  };
}
