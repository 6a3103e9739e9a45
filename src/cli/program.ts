/** The command line for commander, made from the tables. It only parses. */
import { type Command, Option as Flag } from "commander";
import { flagsUnderPresentNames, formerFlags } from "../config/former-names.ts";
import { flagName, isOfSomeCommands, OPTIONS, type Option } from "../config/options.ts";
import { ConfigError } from "../errors.ts";
import { VERSION } from "../std/version.ts";
import { type CommandRow, hasTargets, isHonoured, targetsArgument } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { refuseEmpty, refuseUnhonoured } from "./given.ts";
import { details, overview, variables } from "./help.ts";
import { wordsHere } from "./other-words.ts";
import { CommandOfOurs } from "./unknown-flags.ts";

export interface Parsed {
  readonly row: CommandRow;
  readonly arguments: readonly string[];
  readonly flags: Readonly<Record<string, string | boolean | readonly string[] | undefined>>;
  /** Notes for the user, one line each. */
  readonly notes: readonly string[];
  /** The words behind `--`, for a command that starts them. */
  readonly app: readonly string[];
}

/**
 * Parses the command line. Throws commander's `CommanderError` for help and for what it cannot parse, and
 * `ConfigError` for empty words.
 */
export async function parse(
  argv: readonly string[],
  output: { out: (text: string) => void; error: (text: string) => void },
): Promise<Parsed> {
  let parsed: Parsed | undefined;
  const { words, app } = splitApp(argv);
  const program = createProgram(words, (found) => {
    const notes: string[] = [];
    const own = (found.row.flags ?? []).map(({ syntax }) => syntax.split(" ")[0]);
    const flags = flagsUnderPresentNames(found.flags, own, (line) => notes.push(line));
    parsed = { ...found, flags, notes, app: app ?? [] };
  });
  refuseUnknownCommand(words, program);
  const streams = { writeOut: output.out, writeErr: output.error };
  for (const command of [program, ...program.commands]) command.exitOverride().configureOutput(streams);
  if (isAboutOptions(words)) {
    program.configureHelp({ visibleCommands: () => [] }).addHelpText("after", variables());
    program.help();
  }
  await program.parseAsync([...words], { from: "user" });
  if (parsed === undefined) throw new Error("No command was chosen.");
  if (parsed.row.startsApp === true) requireApp(app, parsed.arguments);
  refuseEmpty(parsed);
  refuseUnhonoured(parsed, COMMANDS);
  return parsed;
}

/** What a command starts is not ours to read: neither its flags, nor words that are names of our commands. */
function splitApp(argv: readonly string[]): { words: readonly string[]; app: readonly string[] | null } {
  const end = argv.indexOf("--");
  const words = end === -1 ? argv : argv.slice(0, end);
  const isNamed = (word: string, { name, aliases }: CommandRow) =>
    name === word || aliases?.includes(word) === true;
  const [row] = words.flatMap((word) => COMMANDS.find((each) => isNamed(word, each)) ?? []);
  if (end === -1 || row?.startsApp !== true) return { words: argv, app: null };
  return { words, app: argv.slice(end + 1) };
}

function requireApp(app: readonly string[] | null, words: readonly string[]): void {
  if (app !== null && app.length > 0 && app[0] !== "" && words.length === 0) return;
  const [word] = words;
  throw new ConfigError({
    code: "CONFIG_INVALID",
    message:
      word === undefined
        ? "godwit run needs the command of the app behind --."
        : `godwit run does not know what to do with "${word}" before --.`,
    hint: `Write: \`godwit run -- ${word === undefined ? "node server.js" : words.join(" ")}\``,
    details: { from: "flag" },
  });
}

/** `godwit help options`: the one topic that is no command. */
function isAboutOptions([first, topic]: readonly string[]): boolean {
  return first === "help" && topic === "options";
}

/**
 * Refuses `godwit rollback` and `godwit help rollback`, also with `--help`. Commander would print the whole help, as if
 * the user had asked for it.
 */
function refuseUnknownCommand(argv: readonly string[], program: Command): void {
  const [first, topic] = argv;
  const word = first === "help" ? argv.slice(1).find((each) => !each.startsWith("-")) : first;
  if (word === undefined || word.startsWith("-") || isAboutOptions([first ?? "", topic ?? ""])) return;
  if (!namesOf(program).includes(word)) throw unknownCommand(argv.slice(argv.indexOf(word)), program);
}

function namesOf({ commands }: Command): readonly string[] {
  return ["help", ...commands.flatMap((command) => [command.name(), ...command.aliases()])];
}

function unknownCommand(words: readonly string[], program: Command): ConfigError {
  return new ConfigError({
    code: "CONFIG_INVALID",
    message: `There is no command "${words[0]}".`,
    hint: wordsHere(words, namesOf(program)),
    details: { from: "flag" },
  });
}

/**
 * Makes the program. Only a command that the words name gets its options, because making all takes longer than
 * connecting.
 */
function createProgram(
  argv: readonly string[],
  onChosen: (found: Omit<Parsed, "notes" | "app">) => void,
): Command {
  const program = new CommandOfOurs("godwit")
    .description("Migrates PostgreSQL databases, unattended.")
    .version(VERSION, "--version")
    .helpOption("-h, --help", "show this help")
    .helpCommand("help [command]", "show the help of a command")
    .configureHelp(isAboutOptions(argv) ? {} : { formatHelp: () => overview(COMMANDS) })
    .showHelpAfterError("→ godwit --help lists all commands, godwit help options all options.")
    .showSuggestionAfterError();
  program.addOption(new Flag("--json", "print one JSON document on stdout").helpGroup(OUTPUT));
  // If the program had the same flag as the command, it would take the flag for its own.
  const own = COMMANDS.filter((row) => [row.name, ...(row.aliases ?? [])].some((name) => argv.includes(name)))
    .flatMap((row) => row.flags ?? [])
    .map(({ syntax }) => syntax.split(" ")[0]);
  for (const option of OPTIONS.filter((each) => !isOfSomeCommands(each)))
    if (!own.includes(`--${flagName(option)}`)) addFlag(program, option);
  for (const { flag } of formerFlags())
    if (!own.includes(flag.split(" ")[0])) program.addOption(new Flag(flag).hideHelp());
  for (const row of COMMANDS) {
    const command = createCommand(row, onChosen);
    if ([row.name, ...(row.aliases ?? [])].some((name) => argv.includes(name))) addDetails(command, row);
    program.addCommand(command);
  }
  // Words of other tools behind an option: `godwit --dir db rollback`.
  program.on("command:*", (words: string[]) => {
    throw unknownCommand(words, program);
  });
  return program;
}

const OUTPUT = "Output:";

function createCommand(row: CommandRow, onChosen: (found: Omit<Parsed, "notes" | "app">) => void): Command {
  const command = new CommandOfOurs(row.name)
    .aliases([...(row.aliases ?? [])])
    .summary(row.summary)
    .description(row.description ?? `${row.summary[0]?.toUpperCase()}${row.summary.slice(1)}.`)
    .helpOption("-h, --help", "show this help")
    .showHelpAfterError(`→ \`godwit ${row.name} --help\` says more.`)
    .showSuggestionAfterError();
  return command.action(() => onChosen({ row, arguments: command.args, flags: command.optsWithGlobals() }));
}

function addDetails(command: Command, row: CommandRow): void {
  // What is wrong with the words before `--` is said with the whole line at hand.
  if (row.startsApp === true) command.allowExcessArguments();
  // Nobody knows yet which words are targets, so no argument can be required.
  for (const { syntax, help } of row.arguments ?? [])
    command.argument(hasTargets(row) ? syntax.replace(/^<(.*)>$/, "[$1]") : syntax.replace("…", "..."), help);
  const targets = targetsArgument(row);
  if (targets !== null) command.argument(targets.syntax.replace("…", "..."), targets.help);
  for (const { syntax, help } of row.flags ?? []) command.option(syntax.replace("…", "..."), help);
  // Options that it does not honour are parsed too, so that they can be refused by name.
  for (const option of OPTIONS.filter(isOfSomeCommands))
    addFlag(command, option, { hidden: !isHonoured(row, option) });
  command.addHelpText("after", details(row));
}

function addFlag(command: Command, option: Option, { hidden } = { hidden: false }): void {
  if (option.flag === null) return;
  // Commander must not apply defaults, because the environment and the file decide about options that were not typed.
  const flag = new Flag(option.flag.replace("…", "..."), helpOf(option));
  if (option.kind === "record") {
    flag.attributeName = () => option.key;
    flag.argParser((word: string, words: readonly string[] = []) => [...words, word]);
  }
  const isOutput = ["logFormat", "quiet", "verbose"].includes(option.key);
  command.addOption(
    flag
      .hideHelp(hidden)
      .helpGroup(
        isOutput
          ? OUTPUT
          : option.forPlanning || option.forUp || option.forLock || option.forImport || option.forRun
            ? "What to run:"
            : option.forService
              ? "Health:"
              : "Configuration:",
      ),
  );
}

function helpOf(option: Option): string {
  const variable = option.variables?.[0];
  const preset = option.default === "" || option.default === "false" ? null : option.default;
  const facts = [preset, variable].filter((fact) => fact !== null && fact !== undefined);
  return facts.length === 0 ? option.help : `${option.help} (${facts.join("; ")})`;
}
