/** Names in a file that another tool replaces before the server sees them. */
import type { Problem } from "../../errors.ts";
import { placeAt } from "../place.ts";

export interface Filled {
  /** Lines stay where they are, unless a value has line breaks of its own. */
  readonly text: string;
  /** Those without a value, left as they are written; offsets are those of the text that was given. */
  readonly missing: readonly { readonly name: string; readonly offset: number }[];
}

/** `pattern` is global, and its first group is the name. */
export function fillIn(text: string, pattern: RegExp, find: (name: string) => string | undefined): Filled {
  const missing: { name: string; offset: number }[] = [];
  const filled = text.replace(pattern, (whole: string, name: string, ...rest: unknown[]) => {
    const value = find(name);
    if (value !== undefined) return value;
    missing.push({ name, offset: rest.find((part) => typeof part === "number") ?? 0 });
    return whole;
  });
  return { text: filled, missing };
}

/** Each name once, where it stands first. */
export function missingPlaceholders(
  { missing }: Filled,
  {
    file,
    text,
    written,
    hint,
  }: { file: string; text: string; written: (name: string) => string; hint?: (name: string) => string },
): readonly Problem[] {
  const first = new Map([...missing].reverse().map((each) => [each.name, each]));
  return [...first.values()].reverse().map(({ name, offset }) => ({
    code: "SOURCE_PLACEHOLDER",
    message: `${file} has the placeholder ${written(name)}, and no value is given for it.`,
    hint: hint?.(name) ?? "Give it a value in `placeholders` of the configuration.",
    place: placeAt(file, text, offset),
    details: { name },
  }));
}
