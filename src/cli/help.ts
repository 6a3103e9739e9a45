/** What help prints: commands first, then an example of each command, and the options of every command on request. */
import { Help } from "commander";
import { flagName, isOfSomeCommands, OPTIONS, variablesOf } from "../config/options.ts";
import { type CommandRow, isHonoured } from "./command.ts";

/** Commands that few people type. The overview only names them, so that it fits on a terminal. */
const SELDOM: ReadonlySet<string> = new Set([
  "compatible",
  "current",
  "heads",
  "merge",
  "baseline",
  "backfill",
  "duplicates",
  "serve",
  "health",
  "webhooks",
  "build",
  "completion",
]);
/** The order in which a newcomer needs them. Others follow in the order of the table. */
const FIRST = ["init", "new", "dev", "plan", "rehearse", "up", "down", "status", "history", "doctor"];
const WIDTH = 80;

/** `godwit --help` */
export function overview(rows: readonly CommandRow[]): string {
  const first = FIRST.flatMap((name) => rows.find((row) => row.name === name) ?? []);
  const often = [...first, ...rows.filter((row) => !SELDOM.has(row.name) && !first.includes(row))];
  const seldom = rows.filter(({ name }) => SELDOM.has(name)).map(({ name }) => name);
  return [
    "Usage: godwit <command> [options]",
    "",
    "Migrates PostgreSQL databases, unattended.",
    "",
    "Commands:",
    ...often.map(({ name, summary }) => `  ${name.padEnd(8)} ${summary}`),
    "",
    wrap(`More commands: ${seldom.join(", ")}`),
    "",
    "godwit help <command>  shows what it does, with examples",
    "godwit help options    shows the options of every command, and all variables",
    "",
  ].join("\n");
}

/** What the help of a command says below its own options. */
export function details(row: CommandRow): string {
  const examples = row.examples.map(([line, does]) => `  $ ${line}${does === "" ? "" : `\n      ${does}`}`);
  const others = OPTIONS.filter((option) => !isOfSomeCommands(option) && isHonoured(row, option)).flatMap(
    (option) => (flagName(option) === null ? [] : `--${flagName(option)}`),
  );
  const more = wrap(`--json, ${others.join(", ")}: see godwit help options`, "  ");
  return `\nMore options:\n${more}\n\nExamples:\n${examples.join("\n")}\n\n${exitCodes()}`;
}

/** What `godwit help options` says below the options. */
export function variables(): string {
  const help = new Help();
  const named = OPTIONS.flatMap((option) =>
    (option.variables ?? []).map((name) => [name, flagName(option), option.help] as const),
  );
  const merged = [...new Set(named.map(([name]) => name))].map((name): readonly [string, string] => {
    const rows = named.filter((each) => each[0] === name);
    const flags = rows.flatMap(([, flag]) => (flag === null ? [] : `--${flag}`));
    return [name, flags.length > 0 ? flags.join(", ") : (rows[0]?.[2] ?? "")];
  });
  const [own = ""] = OPTIONS.filter(({ key }) => key === "lockTimeout").flatMap(variablesOf);
  const items = [...merged, ["GODWIT_…", `every option, for example ${own}`] as const];
  const width = Math.max(...items.map(([name]) => name.length));
  const lines = items.map(([name, text]) => help.formatItem(name, width, text, help));
  return `\nVariables:\n${lines.join("\n")}\n\n${exitCodes()}`;
}

function exitCodes(): string {
  return wrap("Exit codes: 0 done, 1 failed, 2 unusable command line, 129, 130, 131 or 143 interrupted.");
}

function wrap(text: string, indent = ""): string {
  const lines = new Help().boxWrap(text, WIDTH - indent.length);
  return lines.replaceAll(/^/gm, indent);
}
