/** What was typed, before it means anything: an empty word is what an unset shell variable leaves behind. */
import { ConfigError } from "../errors.ts";
import { type CommandRow, targetsArgument } from "./command.ts";

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
    if ((Array.isArray(value) ? value : [value]).some(isEmpty))
      throw emptyWord(`--${key.replace(/[A-Z]/g, "-$&").toLowerCase()} is empty.`);
}

function isEmpty(value: unknown): boolean {
  return typeof value === "string" && value.trim() === "";
}

function emptyWord(message: string): ConfigError {
  return new ConfigError({
    code: "CONFIG_INVALID",
    message,
    hint: "Give it a value, or leave it out: an empty value is not taken for none. Was a shell variable not set?",
    details: { from: "flag" },
  });
}
