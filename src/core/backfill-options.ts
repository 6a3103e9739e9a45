/**
 * How a backfill treats everybody else: who must agree to it, and what it makes way for. Each has a name in a header and
 * one in a module, and the same values in both. Pure.
 */

export interface BackfillOptions {
  /** It is not begun before a person has approved it. */
  readonly approve: boolean;
  /** `skip`: no trigger of the table fires for what it changes, and foreign keys, which are triggers too, are not checked. */
  readonly triggers: "keep" | "skip";
}

export const DEFAULT_OPTIONS: BackfillOptions = { approve: false, triggers: "keep" };

export interface BackfillOption<Key extends keyof BackfillOptions = keyof BackfillOptions> {
  /** Its name in a header. In a module it is `key`. */
  readonly header: string;
  readonly key: Key;
  readonly expects: string;
  /** `undefined`: it is no such value. */
  readonly read: (text: string) => BackfillOptions[Key] | undefined;
}

export const BACKFILL_OPTIONS: readonly BackfillOption[] = [
  { header: "approve", key: "approve", expects: "yes or no", read: yesOrNo },
  {
    header: "triggers",
    key: "triggers",
    expects: "keep or skip",
    read: (text) => (text === "keep" || text === "skip" ? text : undefined),
  },
];

/** With one more of them. `null`: it is no such value. */
export function withOption(
  options: BackfillOptions,
  { key, read }: BackfillOption,
  text: string,
): BackfillOptions | null {
  const value = read(text);
  return value === undefined ? null : { ...options, [key]: value };
}

function yesOrNo(text: string): boolean | undefined {
  if (["yes", "true", "on"].includes(text)) return true;
  return ["no", "false", "off"].includes(text) ? false : undefined;
}
