/** What was typed, before it means anything: nothing of it is empty, and nothing of it is passed over. */
import { OPTIONS } from "../config/options.ts";
import { ConfigError } from "../errors.ts";
import { type CommandRow, isHonoured, targetsArgument } from "./command.ts";

export interface Typed {
  readonly row: CommandRow;
  readonly arguments: readonly string[];
  readonly flags: Readonly<Record<string, unknown>>;
}

/** Throws `ConfigError`: taken for "not given", an empty word would do more than was asked for. */
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

/** Throws `ConfigError`: who types a flag counts on what it says. */
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

/** The same of a use of a command that is known only later. */
export function refuseFlags(what: string, flags: Typed["flags"], unheard: readonly string[]): void {
  const found = unheard.find(isTypedIn(flags));
  if (found !== undefined)
    throw unusable(`${what} does not honour ${flagOf(found)}.`, `Leave ${flagOf(found)} out.`);
}

function isTypedIn(flags: Typed["flags"]): (key: string) => boolean {
  return (key) => flags[key] !== undefined && flags[key] !== false;
}

/** `lockWait` → `--lock-wait`. */
function flagOf(key: string): string {
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
