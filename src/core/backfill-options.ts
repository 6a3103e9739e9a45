/**
 * How a backfill treats everybody else: who must agree to it, and what it makes way for. Each has a name in a header and
 * one in a module, and the same values in both. Pure.
 */
import { parseDurationMs } from "../std/duration.ts";
import { parseSizeBytes } from "../std/size.ts";
import { splitStatements } from "./sql/statements.ts";

export interface BackfillOptions {
  /** It is not begun before a person has approved it. */
  readonly approve: boolean;
  /** Old values are kept, so that they can be brought back. `null`: they are not. */
  readonly undo: Undo | null;
  /** `skip`: no trigger of the table fires for what it changes, and foreign keys, which are triggers too, are not checked. */
  readonly triggers: "keep" | "skip";
  /** Whether it makes way for what else the server has to do. */
  readonly throttle: boolean;
  /** The part of its time that it uses while other sessions work in the database. */
  readonly share: number;
  /** Migrations behind it need not wait for it: its windows run while the migrations lock is free. */
  readonly background: boolean;
  /** How far a replica may be behind. */
  readonly maxLagMs: number;
  /** How much WAL may be written in a second, by everybody. `null`: any. */
  readonly maxWalBytes: number | null;
  /** A query whose p99 is kept under the limit. `null`: none. */
  readonly probe: string | null;
  readonly probeLimitMs: number;
}

export interface Undo {
  /** How long after the end of the backfill, in milliseconds. `null`: until a person forgets them. */
  readonly keepMs: number | null;
}

export const DEFAULT_OPTIONS: BackfillOptions = {
  ...{ approve: false, undo: null, triggers: "keep", background: false, throttle: true },
  share: 0.07,
  ...{ maxLagMs: 5_000, maxWalBytes: null, probe: null, probeLimitMs: 100 },
};

export interface BackfillOption<Key extends keyof BackfillOptions = keyof BackfillOptions> {
  /** Its name in a header. */
  readonly header: string;
  readonly key: Key;
  /** Its name in a module. Without one it is `key`. */
  readonly module?: string;
  /** In a header it has a line of its own, up to the end, without `=`. */
  readonly isLine?: true;
  readonly expects: string;
  /** `undefined`: it is no such value. */
  readonly read: (text: string) => BackfillOptions[Key] | undefined;
}

export const BACKFILL_OPTIONS: readonly BackfillOption[] = [
  { header: "approve", key: "approve", expects: "yes or no", read: yesOrNo },
  {
    header: "undo",
    key: "undo",
    expects: "yes, or how long old values are kept after the end: 30d, 12h",
    read: parseUndo,
  },
  {
    header: "triggers",
    key: "triggers",
    expects: "keep or skip",
    read: (text) => (text === "keep" || text === "skip" ? text : undefined),
  },
  { header: "background", key: "background", expects: "yes or no", read: yesOrNo },
  { header: "throttle", key: "throttle", expects: "on or off", read: yesOrNo },
  {
    header: "share",
    key: "share",
    expects: "a part of the time, up to 100%: 25%",
    read: partOf,
  },
  {
    header: "max-lag",
    key: "maxLagMs",
    module: "maxLag",
    expects: "a duration: 5s, 500ms",
    read: durationOf,
  },
  {
    header: "max-wal",
    key: "maxWalBytes",
    module: "maxWal",
    expects: "how much WAL in a second: 50MB",
    read: (text) => parseSizeBytes(text) || undefined,
  },
  {
    header: "probe",
    key: "probe",
    isLine: true,
    expects: "one query",
    read: oneQuery,
  },
  {
    header: "probe-limit",
    key: "probeLimitMs",
    module: "probeLimit",
    expects: "a duration: 50ms",
    read: durationOf,
  },
];

/** `007%`, `05s`: a slip of the pen, more likely than a number. */
export function hasIdleZeros(text: string): boolean {
  return /^0\d/.test(text);
}

/** With one more of them. `null`: it is no such value. */
export function withOption(
  options: BackfillOptions,
  { key, read }: BackfillOption,
  text: string,
): BackfillOptions | null {
  const value = hasIdleZeros(text) ? undefined : read(text);
  return value === undefined ? null : { ...options, [key]: value };
}

/** What else an author has said, and why it has no effect. */
export interface Idle {
  readonly option: BackfillOption;
  /** Half a sentence. */
  readonly why: string;
}

/** Options that mean nothing beside the others: whoever wrote them would wait for what never comes. */
export function idleOptions(
  { throttle, probe }: BackfillOptions,
  isGiven: (option: BackfillOption) => boolean,
): readonly Idle[] {
  return BACKFILL_OPTIONS.filter(isGiven).flatMap((option) => {
    if (!throttle && LIMITS.has(option.key))
      return [{ option, why: "means nothing where the throttle is off" }];
    if (option.key === "probeLimitMs" && probe === null)
      return [{ option, why: "means nothing without a probe" }];
    return [];
  });
}

const LIMITS: ReadonlySet<keyof BackfillOptions> = new Set([
  "share",
  "maxLagMs",
  "maxWalBytes",
  "probe",
  "probeLimitMs",
]);

/** More than one statement would leave the transaction that lets a probe change nothing. */
function oneQuery(text: string): string | undefined {
  return splitStatements(text).length === 1 ? text.trim() : undefined;
}

function durationOf(text: string): number | undefined {
  return parseDurationMs(text) || undefined;
}

function partOf(text: string): number | undefined {
  const percent = /^\d{1,3}%$/.test(text) ? Number.parseInt(text, 10) : 0;
  return percent >= 1 && percent <= 100 ? percent / 100 : undefined;
}

function yesOrNo(text: string): boolean | undefined {
  if (["yes", "true", "on"].includes(text)) return true;
  return ["no", "false", "off"].includes(text) ? false : undefined;
}

function parseUndo(text: string): Undo | null | undefined {
  const wanted = yesOrNo(text);
  if (wanted !== undefined) return wanted ? { keepMs: null } : null;
  const days = /^(\d{1,4})d$/.exec(text)?.[1];
  const ms = days === undefined ? parseDurationMs(text) : Number(days) * 86_400_000;
  return ms === null || ms <= 0 || !/[a-z]$/.test(text) ? undefined : { keepMs: ms };
}
