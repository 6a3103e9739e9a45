/** `godwit completion`: scripts for shells, made from the tables. So completing starts no process. */
import { flagName, OPTIONS } from "../../config/options.ts";
import { ConfigError } from "../../errors.ts";
import { type Answer, type CommandRow, type Invocation, isHonoured } from "../command.ts";

const SHELLS: Readonly<Record<string, (rows: readonly CommandRow[]) => string>> = { bash, zsh, fish };

export async function run(invocation: Invocation): Promise<Answer> {
  const shell = invocation.arguments[0] ?? "";
  const script = Object.hasOwn(SHELLS, shell) ? SHELLS[shell]?.(invocation.commands) : undefined;
  if (script === undefined)
    throw new ConfigError({
      code: "CONFIG_INVALID",
      message: `There is no completion for "${shell}".`,
      hint: "Use bash, zsh or fish.",
      details: { from: "flag" },
    });
  return { json: { shell, script }, text: script, result: true };
}

function flagsOf(row: CommandRow): readonly string[] {
  const own = (row.flags ?? []).map(({ syntax }) => /--[\w-]+/.exec(syntax)?.[0] ?? "");
  const configured = OPTIONS.filter((option) => isHonoured(row, option)).flatMap(
    (option) => flagName(option) ?? [],
  );
  return [...own, ...configured.map((name) => `--${name}`), "--json", "--help"];
}

function bash(rows: readonly CommandRow[]): string {
  const names = rows.flatMap((row) => [row.name, ...(row.aliases ?? [])]);
  const cases = rows.map(
    (row) => `    ${[row.name, ...(row.aliases ?? [])].join("|")}) words="${flagsOf(row).join(" ")}" ;;`,
  );
  return `_godwit() {
  local current="\${COMP_WORDS[COMP_CWORD]}" command="" word words
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *) command="$word"; break ;; esac
  done
  case "$command" in
    "") words="${names.join(" ")} help --help --version" ;;
${cases.join("\n")}
    *) words="" ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _godwit godwit
`;
}

function zsh(rows: readonly CommandRow[]): string {
  const commands = rows.map((row) => `    '${row.name}:${row.summary.replaceAll("'", "")}'`);
  const cases = rows.map(
    (row) => `    ${[row.name, ...(row.aliases ?? [])].join("|")}) compadd -- ${flagsOf(row).join(" ")} ;;`,
  );
  return `#compdef godwit
_godwit() {
  local -a commands
  commands=(
${commands.join("\n")}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  case "$words[2]" in
${cases.join("\n")}
  esac
  _files
}
compdef _godwit godwit
`;
}

function fish(rows: readonly CommandRow[]): string {
  const quote = (text: string) => `'${text.replaceAll("'", "\\'")}'`;
  const commands = rows.map(
    (row) => `complete -c godwit -f -n __fish_use_subcommand -a ${row.name} -d ${quote(row.summary)}`,
  );
  const flags = rows.flatMap((row) =>
    flagsOf(row).map(
      (flag) =>
        `complete -c godwit -n '__fish_seen_subcommand_from ${[row.name, ...(row.aliases ?? [])].join(" ")}' -l ${flag.slice(2)}`,
    ),
  );
  return `${[...commands, ...flags].join("\n")}\n`;
}
