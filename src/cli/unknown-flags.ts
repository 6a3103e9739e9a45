/** What a flag that there is none of probably means, where it is more than a slip of the finger. */
import { Command } from "commander";

/** Flags of other tools, and ours for the same. */
const MEANT: Readonly<Record<string, string>> = Object.fromEntries(
  ["pretend", "simulate", "what-if", "whatif", "preview", "noop", "no-op", "try"].map((word) => [
    `--${word}`,
    "--dry-run",
  ]),
);

/** `undefined`: none of these is meant, or several may be. */
function meantBy(flag: string, flags: readonly string[]): string | undefined {
  const meant = MEANT[flag];
  if (meant !== undefined) return flags.includes(meant) ? meant : undefined;
  if (flag.length < SHORTEST) return undefined;
  const [only, another] = flags.filter((each) => each.startsWith(flag));
  return another === undefined ? only : undefined;
}

/** `--dry` is one; two letters are the beginning of too many. */
const SHORTEST = "--".length + 3;

/** Commander compares how words are spelled. A part of a name, or another name, it does not find. */
export class CommandOfOurs extends Command {
  unknownOption(flag: string): void {
    const meant = meantBy(flag.replace(/=.*/s, ""), this.#flags());
    if (meant === undefined) {
      (Command.prototype as unknown as CommandOfOurs).unknownOption.call(this, flag);
      return;
    }
    this.error(`error: unknown option '${flag}'\n(Did you mean ${meant}?)`, {
      code: "commander.unknownOption",
    });
  }

  #flags(): readonly string[] {
    const all: string[] = [];
    for (let command: Command | null = this; command !== null; command = command.parent)
      all.push(
        ...command
          .createHelp()
          .visibleOptions(command)
          .flatMap(({ long }) => long ?? []),
      );
    return [...new Set(all)];
  }
}
