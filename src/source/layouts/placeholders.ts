/** Names in a file that another tool replaces before the server receives it. */
import type { Problem } from "../../errors.ts";
import { placeAt } from "../place.ts";

export interface Filled {
  /** Line numbers stay the same, unless a value contains line breaks. */
  readonly text: string;
  /** Names without a value, which stay as written. Offsets refer to the original text. */
  readonly missing: readonly { readonly name: string; readonly offset: number }[];
}

/** `pattern` must be global, and its first group is the name. */
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

/** Each name once, at its first occurrence. */
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
  const inOrder = [...first.values()].sort((left, right) => left.offset - right.offset);
  return inOrder.map(({ name, offset }) => ({
    code: "SOURCE_PLACEHOLDER",
    message: `${file} has the placeholder ${written(name)}, and no value is given for it.`,
    hint:
      hint?.(name) ??
      `Give it a value: \`--placeholder ${name}=<value>\`, or \`placeholders\` in the configuration.`,
    place: placeAt(file, text, offset),
    details: { name },
  }));
}
