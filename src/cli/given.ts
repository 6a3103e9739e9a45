/** Checks what was typed, before it is read: nothing is empty, and nothing is ignored. */
import { flagName, OPTIONS } from "../config/options.ts";
import { ConfigError } from "../errors.ts";
import { type CommandRow, isHonoured, targetsArgument } from "./command.ts";

export interface Typed {
  readonly row: CommandRow;
  readonly arguments: readonly string[];
  readonly flags: Readonly<Record<string, unknown>>;
}

/** Throws `ConfigError` for an empty word. Read as "not given", it could do more than the user asked for. */
export function refuseEmpty({ row, arguments: words, flags }: Typed): void {
  if (words.some(isEmpty)) {
    const syntax = [...(row.arguments ?? []), ...[targetsArgument(row) ?? []].flat()].map(
      (each) => each.syntax,
    );
    throw emptyWord(`An argument of godwit ${row.name} (${syntax.join(" ")}) is empty.`);
  }
  for (const [key, value] of Object.entries(flags))
    if ((Array.isArray(value) ? value : [value]).some(isEmpty)) throw emptyWord(`${flagOf(key)} is empty.`);
}

/** Throws `ConfigError` for a flag that the command does not honour, because the user relies on it. */
export function refuseUnhonoured({ row, flags }: Typed, commands: readonly CommandRow[]): void {
  const isTyped = isTypedIn(flags);
  const refused = OPTIONS.find((option) => isTyped(option.key) && !isHonoured(row, option));
  if (refused !== undefined) {
    const others = commands.filter((each) => isHonoured(each, refused)).map(({ name }) => name);
    throw unusable(
      `godwit ${row.name} does not honour ${flagOf(refused.key)}.`,
      `Leave it out. ${flagOf(refused.key)} is for ${others.length > 6 ? "other commands" : others.map((name) => `godwit ${name}`).join(", ")}.`,
    );
  }
  for (const { flag, others } of row.excludes ?? [])
    if (isTyped(flag)) refuseFlags(`godwit ${row.name} ${flagOf(flag)}`, flags, others);
  for (const { flag, other } of row.needs ?? [])
    if (isTyped(flag) && !isTyped(other))
      throw unusable(
        `godwit ${row.name} does not honour ${flagOf(flag)} without ${flagOf(other)}.`,
        `Add ${flagOf(other)}, or leave ${flagOf(flag)} out.`,
      );
}

/** Options of `up` only. A plan of `down` reverts revisions of any phase, in any order. */
export const OF_UP: readonly string[] = ["mode", "phase", "contract", "outOfOrder", "sample"];

/** The same for flags without an effect in a use of a command that is known only later. */
export function refuseFlags(what: string, flags: Typed["flags"], unheard: readonly string[]): void {
  const found = unheard.find(isTypedIn(flags));
  if (found !== undefined)
    throw unusable(`${what} does not honour ${flagOf(found)}.`, `Leave ${flagOf(found)} out.`);
}

function isTypedIn(flags: Typed["flags"]): (key: string) => boolean {
  return (key) => flags[key] !== undefined && flags[key] !== false;
}

/** The flag of a key: `--lock-wait` for `lockWait`. */
function flagOf(key: string): string {
  const option = OPTIONS.find((each) => each.key === key);
  const name = option === undefined ? null : flagName(option);
  if (name !== null) return `--${name}`;
  return `--${key.replace(/[A-Z]/g, "-$&").toLowerCase()}`;
}

function unusable(message: string, hint: string): ConfigError {
  return new ConfigError({ code: "CONFIG_INVALID", message, hint, details: { from: "flag" } });
}

function isEmpty(value: unknown): boolean {
  return typeof value === "string" && value.trim() === "";
}

function emptyWord(message: string): ConfigError {
  return new ConfigError({
    code: "CONFIG_INVALID",
    message,
    hint: "Give it a value, or leave it out. An empty value does not mean no value. Is a shell variable unset?",
    details: { from: "flag" },
  });
}
